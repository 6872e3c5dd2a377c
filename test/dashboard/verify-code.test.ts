import { execFileSync, spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { verifyCode } from '../../dashboard/pages/webhooks/verify-code.ts';
import { generateSecret, parseSecret } from '../../webhook/secrets.ts';
import { standardWebhooksHeaders } from '../../webhook/signatures.ts';

const secrets = [generateSecret(), generateSecret()];
const body = '{"type":"message.delivered","data":{"text":"Grüße 👋"}}';

function signed(attemptedAt: Date) {
  return standardWebhooksHeaders({ id: 'evt_1', attemptedAt, body, secrets: secrets.map(parseSecret) });
}

/** What a program that verifies must say of each of these. */
const cases = {
  'the current secret': { headers: signed(new Date()), secret: secrets[0], body, is: true },
  'the one before': { headers: signed(new Date()), secret: secrets[1], body, is: true },
  'another secret': { headers: signed(new Date()), secret: generateSecret(), body, is: false },
  'a changed body': { headers: signed(new Date()), secret: secrets[0], body: `${body} `, is: false },
  'an old request': {
    headers: signed(new Date(Date.now() - 3_600_000)),
    secret: secrets[0],
    body,
    is: false,
  },
};

function folderWith(files: Record<string, string>): string {
  const folder = mkdtempSync(join(tmpdir(), 'postrider-verify-'));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  for (const [name, content] of Object.entries(files)) writeFileSync(join(folder, name), content);
  writeFileSync(join(folder, 'cases.json'), JSON.stringify(Object.values(cases)));
  return folder;
}

const expected = Object.values(cases).map(({ is }) => is);
const has = (program: string, args: readonly string[]) => spawnSync(program, args).status === 0;

test('the code for Node verifies what we sign, and nothing else', () => {
  const main = `import { readFileSync } from 'node:fs';
import { verifyWebhook } from './verify.mjs';
const cases = JSON.parse(readFileSync('cases.json', 'utf8'));
console.log(JSON.stringify(cases.map(({ body, headers, secret }) => verifyWebhook(Buffer.from(body), headers, secret))));`;
  const cwd = folderWith({ 'verify.mjs': verifyCode.node, 'main.mjs': main });
  expect(JSON.parse(execFileSync(process.execPath, ['main.mjs'], { cwd, encoding: 'utf8' }))).toEqual(
    expected,
  );
});

test.runIf(has('python3', ['--version']))(
  'the code for Python verifies what we sign, and nothing else',
  () => {
    const main = `import json
from verify import verify_webhook
with open("cases.json", encoding="utf-8") as file:
    cases = json.load(file)
print(json.dumps([verify_webhook(one["body"].encode(), one["headers"], one["secret"]) for one in cases]))`;
    const cwd = folderWith({ 'verify.py': verifyCode.python, 'main.py': main });
    expect(JSON.parse(execFileSync('python3', ['main.py'], { cwd, encoding: 'utf8' }))).toEqual(expected);
  },
);

test.runIf(has('go', ['version']))(
  'the code for Go verifies what we sign, and nothing else',
  () => {
    const main = `package main

import (
	"encoding/json"
	"fmt"
	"net/http"
	"os"

	"example/webhooks"
)

func main() {
	file, _ := os.ReadFile("cases.json")
	var cases []struct {
		Body, Secret string
		Headers      map[string]string
	}
	if err := json.Unmarshal(file, &cases); err != nil {
		panic(err)
	}
	results := []bool{}
	for _, one := range cases {
		headers := http.Header{}
		for name, value := range one.Headers {
			headers.Set(name, value)
		}
		results = append(results, webhooks.VerifyWebhook([]byte(one.Body), headers, one.Secret))
	}
	line, _ := json.Marshal(results)
	fmt.Println(string(line))
}
`;
    const cwd = folderWith({ 'main.go': main, 'go.mod': 'module example\n\ngo 1.21\n' });
    execFileSync('mkdir', ['webhooks'], { cwd });
    writeFileSync(join(cwd, 'webhooks', 'verify.go'), verifyCode.go);
    const env = { ...process.env, GOFLAGS: '-mod=mod', GOTOOLCHAIN: 'local' };
    expect(JSON.parse(execFileSync('go', ['run', '.'], { cwd, env, encoding: 'utf8' }))).toEqual(expected);
  },
  60_000,
);
