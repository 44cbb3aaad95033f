// `npm start` keeps its word: the lines that it prints do what it says of them.
import assert from 'node:assert/strict';
import { execFile, spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { once } from 'node:events';
import { after, before, test } from 'node:test';
import { promisify, stripVTControlCharacters } from 'node:util';
import { ROOT } from './command.ts';

const run = promisify(execFile);
const START_TIMEOUT_MS = 300_000;
const LAST_LINE = 'Ctrl-C ends everything.';

let said = '';
const data = mkdtempSync(join(tmpdir(), 'fim-start-test-'));
const env = { ...process.env, XDG_DATA_HOME: data };
const child = spawn(process.execPath, ['scripts/start.mjs', '--listen', ':0', '--admin', ':0'], { cwd: ROOT, env });
before(
  async () => {
    child.stdout.setEncoding('utf8').on('data', (text: string) => (said += stripVTControlCharacters(text)));
    while (!said.includes(LAST_LINE))
      await Promise.race([once(child.stdout, 'data'), once(child, 'close').then(() => assert.fail('ended'))]);
  },
  { timeout: START_TIMEOUT_MS },
);
after(async () => {
  child.kill('SIGINT');
  await once(child, 'close');
  rmSync(data, { recursive: true, force: true });
});

/** Pastes a printed line into a shell. */
async function paste(line: string): Promise<string> {
  return (await run('bash', ['-c', line], { cwd: ROOT, env }).catch((error: { stdout: string }) => error)).stdout;
}

function printed(step: number): string[] {
  const part = said
    .slice(said.indexOf(`  ${step}. `))
    .split('\n')
    .slice(1);
  return part.slice(0, part.indexOf('')).map((line) => line.trim());
}

test('1: accepted, ciphertext at the upstream, and a line that opens it', async () => {
  const [send, seen, open] = printed(1) as [string, string, string];
  assert.match(await paste(send), /^HTTP\/1\.1 200 OK[\s\S]*fim\.encrypted\+json/);
  assert.match(await paste(seen), /^\{"alg":"SM4-GCM","kid":"kms:\/\/prod\/fund\/key-2023#1","iv":/);
  assert.equal(await paste(open), '{"transCode":"01200101","amount":"100.00"}\n');
});

test('2: rejected with path and code', async () => {
  assert.match(
    await paste(printed(2)[0]!),
    /^HTTP\/1\.1 422 [\s\S]*application\/problem\+json[\s\S]*"code":"FIM-PBOC-0007","path":"\/transCode"/,
  );
});

test('3: masked', async () => {
  const [direct, proxied] = printed(3) as [string, string];
  const [open, masked] = [await paste(direct), await paste(proxied)];
  for (const secret of ['6222021234567894', '4111111111111111', '11010519491231002X', '13800138000', '张三丰']) {
    assert.ok(open.includes(secret));
    assert.ok(!masked.includes(secret), masked);
  }
  assert.match(masked, /622202\*+7894/);
});

test('4: limited', async () => {
  const statuses = (await paste(printed(4)[0]!)).trim().split(' ');
  assert.equal(statuses.length, 40);
  assert.equal(statuses[0], '200');
  assert.ok(statuses.includes('429'), statuses.join(' '));
  assert.deepEqual(new Set(statuses), new Set(['200', '429']));
});

test('national TLS is served with certificates that were made, and nothing is warned of', () => {
  assert.match(said, /proxy {6}https:\/\/127\.0\.0\.1:\d+ {3}national TLS \(TLCP\): ECDHE-SM4-SM3;/);
  assert.ok(said.includes(`development authority and certificates in ${join(data, 'fim', 'tlcp')}`), said);
  assert.doesNotMatch(said, /FIM-[A-Z]+-\d/);
});

test('plain HTTP gets no answer', async () => {
  const [line = ''] = printed(1);
  const plain = line.replace(/^.*https:(\S+).*$/, 'curl -s -m 5 http:$1; echo $?');
  assert.notEqual((await paste(plain)).trim(), '0');
});
