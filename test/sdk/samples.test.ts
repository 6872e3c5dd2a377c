import { execFileSync } from 'node:child_process';
import { expect, test } from 'vitest';
import { goMs, has } from '../run-go.ts';
import { signedRequests } from './signed-requests.ts';

/** What a sample's program says of the requests. */
function verifiedBy(program: string, args: readonly string[], cwd: string) {
  const { PATH, HOME, GOPATH, GOCACHE } = process.env;
  // The standard library alone: nothing is fetched.
  const env = {
    PATH,
    HOME,
    GOPATH,
    GOCACHE,
    GOPROXY: 'off',
    GOFLAGS: '-mod=mod',
    PYTHONDONTWRITEBYTECODE: '1',
  };
  const input = JSON.stringify(signedRequests());
  return JSON.parse(
    execFileSync(program, args, {
      cwd,
      input,
      encoding: 'utf8',
      timeout: goMs,
      env: env as NodeJS.ProcessEnv,
    }),
  );
}

test.each([
  {
    language: 'Python',
    program: 'python3',
    args: ['check_golden.py'],
    version: '--version',
    cwd: 'sdk/samples/python',
  },
  { language: 'Go', program: 'go', args: ['run', '.'], version: 'version', cwd: 'sdk/samples/go' },
])(
  'the sample in $language takes every good request, and no other',
  ({ language, program, args, version, cwd }) => {
    if (!has(program, [version]))
      throw new Error(`the sample in ${language} cannot be tried here: install ${program}`);
    const results = verifiedBy(program, args, cwd);
    const expected = signedRequests().map(({ name, isGood, body }) =>
      isGood ? { name, payload: JSON.parse(body) } : { name, refused: expect.any(String) },
    );
    expect(results).toEqual(expected);
  },
  goMs,
);
