import { execFileSync } from 'node:child_process';
import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { createServer, type RequestListener } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import {
  cliVersion,
  findTemporalCli,
  TemporalCliNotFound,
  userCacheFolder,
} from '../../temporal/find-cli.ts';

const cachedName = `temporal-${cliVersion}`;
const cli = 'echo "temporal version 9.9.9"';

/** A machine with what every machine has, and the programs given: file name to shell script. */
function machine(programs: Record<string, string> = {}) {
  const folder = mkdtempSync(join(tmpdir(), 'postrider-find-cli-'));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  const bin = join(folder, 'bin');
  mkdirSync(bin);
  for (const name of ['tar', 'gzip']) {
    symlinkSync(
      execFileSync('sh', ['-c', `command -v ${name}`], { encoding: 'utf8' }).trim(),
      join(bin, name),
    );
  }
  for (const [name, script] of Object.entries(programs)) writeProgram(join(bin, name), script);
  const cacheFolder = join(folder, 'cache');
  const lines: string[] = [];
  return {
    folder,
    bin,
    cacheFolder,
    lines,
    env: { PATH: bin },
    report: (line: string) => lines.push(line),
    // Nothing listens there.
    downloadSite: 'http://127.0.0.1:2',
  };
}

function writeProgram(file: string, script: string): string {
  writeFileSync(file, `#!/bin/sh\n${script}\n`);
  chmodSync(file, 0o755);
  return file;
}

/** A `go` that answers like the real one, and installs what it is given. */
function fakeGo({ version = 'go1.26.8', installs = cli }: { version?: string; installs?: string }): string {
  return `
if [ "$1 $2" = "env GOVERSION" ]; then echo "${version}"; exit; fi
[ -z "$GOOS$GOARCH" ] || { echo "cannot install cross-compiled binaries when GOBIN is set" >&2; exit 1; }
echo "$@" >> "$GOLOG"
printf '#!/bin/sh\\n%s\\n' '${installs}' > "$GOBIN/temporal" && /bin/chmod 755 "$GOBIN/temporal"`;
}

async function site(answer: RequestListener): Promise<{ url: string; asked: string[] }> {
  const asked: string[] = [];
  const server = createServer((request, response) => {
    asked.push(request.url ?? '');
    answer(request, response);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  onTestFinished(() => {
    server.closeAllConnections();
    server.close();
  });
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, asked };
}

function archiveOf(script: string): Buffer {
  const folder = mkdtempSync(join(tmpdir(), 'postrider-archive-'));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  writeProgram(join(folder, 'temporal'), script);
  writeFileSync(join(folder, 'LICENSE'), 'text');
  return execFileSync('tar', ['-czf', '-', '-C', folder, 'LICENSE', 'temporal']);
}

async function failureOf(options: Parameters<typeof findTemporalCli>[0]): Promise<TemporalCliNotFound> {
  const error = await findTemporalCli(options).catch((thrown: unknown) => thrown);
  expect(error).toBeInstanceOf(TemporalCliNotFound);
  return error as TemporalCliNotFound;
}

test('TEMPORAL_CLI_PATH comes first', async () => {
  const here = machine({ temporal: cli });
  const given = writeProgram(join(here.folder, 'given'), cli);
  expect(await findTemporalCli({ ...here, env: { ...here.env, TEMPORAL_CLI_PATH: given } })).toBe(given);
  expect(here.lines).toEqual([`Temporal CLI: ${given}`]);
});

test.each([
  ['is not there', undefined, /given: it is not there|TEMPORAL_CLI_PATH: it is not there/],
  ['fails', 'echo broken >&2; exit 3', /TEMPORAL_CLI_PATH: it failed with exit code 3: broken/],
  ['is something else', 'echo "hello 1.0"', /given is not the Temporal CLI/],
])('a TEMPORAL_CLI_PATH that %s is an error, whatever else there is', async (_, script, message) => {
  const here = machine({ temporal: cli });
  const given = join(here.folder, 'given');
  if (script !== undefined) writeProgram(given, script);
  const error = await failureOf({ ...here, env: { ...here.env, TEMPORAL_CLI_PATH: given } });
  expect(error.message).toMatch(message);
});

test('the CLI on PATH is taken, the first that is a program', async () => {
  const here = machine({ temporal: cli });
  const decoys = ['a', 'b'].map((name) => join(here.folder, name));
  mkdirSync(join(decoys[0] as string, 'temporal'), { recursive: true });
  mkdirSync(decoys[1] as string);
  writeFileSync(join(decoys[1] as string, 'temporal'), 'not executable');
  const found = await findTemporalCli({ ...here, env: { PATH: [...decoys, here.bin].join(':') } });
  expect(found).toBe(join(here.bin, 'temporal'));
});

test('a CLI that was installed before is taken without asking anyone', async () => {
  const here = machine({ go: 'echo asked; exit 1' });
  mkdirSync(here.cacheFolder);
  const cached = writeProgram(join(here.cacheFolder, cachedName), cli);
  expect(await findTemporalCli(here)).toBe(cached);
  expect(here.lines).toEqual([
    'Temporal CLI: TEMPORAL_CLI_PATH: it is not set',
    'Temporal CLI: `temporal` on PATH: no temporal is there',
    `Temporal CLI: ${cached}`,
  ]);
});

test("Temporal's release for this machine is downloaded, and kept", async () => {
  const here = machine();
  const archive = archiveOf(cli);
  const { url, asked } = await site((request, response) => {
    if (request.url?.startsWith('/cli/')) response.writeHead(302, { location: '/assets/archive' }).end();
    else response.end(archive);
  });
  const found = await findTemporalCli({ ...here, downloadSite: url });
  expect(found).toBe(join(here.cacheFolder, cachedName));
  expect(readdirSync(here.cacheFolder)).toEqual([cachedName]);
  const arch = process.arch === 'x64' ? 'amd64' : 'arm64';
  expect(asked[0]).toBe(`/cli/archive/v${cliVersion}?platform=${process.platform}&arch=${arch}`);

  expect(await findTemporalCli(here)).toBe(found);
  expect(asked).toHaveLength(2);
});

test('a broken program in the cache is replaced', async () => {
  const here = machine();
  mkdirSync(here.cacheFolder);
  writeProgram(join(here.cacheFolder, cachedName), 'exit 1');
  const archive = archiveOf(cli);
  const { url } = await site((_, response) => response.end(archive));
  const found = await findTemporalCli({ ...here, downloadSite: url });
  expect(execFileSync(found, { encoding: 'utf8' })).toContain('9.9.9');
});

test.each<[string, RequestListener, RegExp]>([
  ['does not know the release', (_, response) => response.writeHead(404).end(), /: it answered 404$/m],
  ['sends no archive', (_, response) => response.end('<html>'), /the archive cannot be unpacked by tar: /],
  [
    'breaks off',
    (_, response) => void response.write('half', () => response.destroy()),
    /127\.0\.0\.1:\d+: .+/,
  ],
  ['is silent', () => {}, /127\.0\.0\.1:\d+: .*[Tt]imeout/],
])('a download site that %s is passed over, and leaves nothing in the cache', async (_, answer, reason) => {
  const here = machine();
  const { url } = await site(answer);
  const error = await failureOf({ ...here, downloadSite: url, downloadTimeoutMs: 500 });
  expect(error.message).toMatch(reason);
  expect(readdirSync(here.cacheFolder)).toEqual([]);
});

test('a download that does not run on this machine is passed over', async () => {
  const here = machine();
  const archive = archiveOf('echo "wrong libc" >&2; exit 127');
  const { url } = await site((_, response) => response.end(archive));
  const error = await failureOf({ ...here, downloadSite: url });
  expect(error.message).toContain('it failed with exit code 127: wrong libc');
  expect(readdirSync(here.cacheFolder)).toEqual([]);
});

test('where nothing can be downloaded, Go builds it, and what it built is kept', async () => {
  const here = machine({ go: fakeGo({}) });
  const log = join(here.folder, 'go.log');
  const env = { ...here.env, GOLOG: log, GOOS: 'plan9', GOARCH: 'mips' };
  const found = await findTemporalCli({ ...here, env });
  expect(found).toBe(join(here.cacheFolder, cachedName));
  expect(readdirSync(here.cacheFolder)).toEqual([cachedName]);
  expect(readFileSync(log, 'utf8')).toBe(
    `install -ldflags -s -w -X github.com/temporalio/cli/temporalcli.Version=${cliVersion} github.com/temporalio/cli/cmd/temporal@v${cliVersion}\n`,
  );

  await findTemporalCli({ ...here, env });
  expect(readFileSync(log, 'utf8').split('\n')).toHaveLength(2);
});

test('long steps are named as they begin and while they are under way', async () => {
  const here = machine({ go: `/bin/sleep 0.3\n${fakeGo({})}` });
  await findTemporalCli({ ...here, env: { ...here.env, GOLOG: '/dev/null' }, progressMs: 50 });
  const build = `Temporal CLI: build of temporal ${cliVersion} by Go (go install; a few minutes) …`;
  expect(here.lines.filter((line) => line === build)).toHaveLength(1);
  expect(here.lines.filter((line) => line.startsWith(build)).length).toBeGreaterThan(2);
  expect(here.lines).toContain(`${build} 0 s`);
});

test.each(['go1.24.9', 'go0.99', 'devel', ''])('Go %j is too old', async (version) => {
  const here = machine({ go: fakeGo({ version }) });
  const error = await failureOf({ ...here, env: { ...here.env, GOLOG: join(here.folder, 'go.log') } });
  expect(error.message).toContain('it needs Go 1.25 or later; this is');
  expect(existsSync(join(here.folder, 'go.log'))).toBe(false);
});

test.each(['go1.25', 'go1.25rc1', 'go1.25.0-X:nocoverageredesign', 'go2.0'])(
  'Go %j is new enough',
  async (version) => {
    const here = machine({ go: fakeGo({ version }) });
    await findTemporalCli({ ...here, env: { ...here.env, GOLOG: '/dev/null' } });
  },
);

test('what Go said last is the reason why its build failed', async () => {
  const here = machine({
    go: 'if [ "$1" = env ]; then echo go1.26; else echo one >&2; echo "dial tcp: no route" >&2; exit 1; fi',
  });
  const error = await failureOf(here);
  expect(error.message).toContain(
    'build of temporal 1.5.1 by Go (go install; a few minutes): it failed with exit code 1: dial tcp: no route',
  );
  expect(readdirSync(here.cacheFolder)).toEqual([]);
});

test('processes that install at the same time end up with one whole program', async () => {
  const here = machine({ go: fakeGo({}) });
  const env = { ...here.env, GOLOG: join(here.folder, 'go.log') };
  const found = await Promise.all(Array.from({ length: 4 }, () => findTemporalCli({ ...here, env })));
  expect(new Set(found)).toEqual(new Set([join(here.cacheFolder, cachedName)]));
  expect(readdirSync(here.cacheFolder)).toEqual([cachedName]);
});

test('at the end of the chain the error names every step and says what to install', async () => {
  const here = machine();
  const { message } = await failureOf(here);
  const steps = message.split('\n').filter((line) => line.startsWith('  '));
  expect(steps).toEqual([
    '  TEMPORAL_CLI_PATH: it is not set',
    '  `temporal` on PATH: no temporal is there',
    `  ${join(here.cacheFolder, cachedName)}: it is not there`,
    expect.stringMatching(/^ {2}download of temporal 1\.5\.1 from http:\/\/127\.0\.0\.1:2: .*ECONNREFUSED/),
    '  build of temporal 1.5.1 by Go (go install; a few minutes): no go is there',
  ]);
  expect(message).toMatch(/Install it .*Go 1\.25 or later.*TEMPORAL_CLI_PATH.*TEMPORAL_ADDRESS/);
  // Each was named as it was tried.
  for (const step of steps) expect(here.lines).toContain(`Temporal CLI: ${step.trim()}`);
});

test("the cache is in the user's cache folder", () => {
  expect(userCacheFolder({ XDG_CACHE_HOME: '/x/cache' })).toBe('/x/cache/postrider');
  // A relative one is to be ignored (XDG Base Directory Specification).
  expect(userCacheFolder({ XDG_CACHE_HOME: 'cache' })).toBe(userCacheFolder({}));
  expect(userCacheFolder({})).toMatch(/[Cc]aches?\/postrider$/);
});
