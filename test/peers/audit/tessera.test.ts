// Checkpoints in a real transparency log: Tessera, on its POSIX storage.
import assert from 'node:assert/strict';
import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { createHash, generateKeyPairSync } from 'node:crypto';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { type AddressInfo, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test, type TestContext } from 'node:test';
import { setTimeout as pause } from 'node:timers/promises';
import { cacheFolder } from '../../../envoy/standalone/cache-folder.ts';
import { readAnchors, readAnchorTerms, readTlogKeyFile } from '../../../scripts/fim/audit-keys.ts';
import { tlogPath } from '../../../services/audit/anchors.ts';
import type { LogEvent } from '../../../services/audit/audit-log.ts';
import { OpenSslDigests } from '../../../services/audit/digest.ts';
import { startCollector } from '../../../services/audit/start-collector.ts';
import { newSourceId } from '../../../services/audit/uuid.ts';
import { verifyLog } from '../../../services/audit/verify.ts';
import { checkpointKeys } from '../../../scripts/fim/audit-keys.ts';
import { folderFor, messageLines, post } from '../../audit/writers.ts';
import { fim } from '../../standalone/command.ts';

const MODULE = 'github.com/transparency-dev/tessera/cmd/conformance/posix@v1.0.4';
const SET_UP_MS = 900_000;
const START_MS = 60_000;
const LOOK_MS = 100;
const NAME = 'example.com/tlog';
/** More than a tile holds. */
const OTHERS = 300;

/** Built once from Go's module proxy, or what FIM_TESSERA names. */
function program(): string {
  const own = process.env['FIM_TESSERA'];
  if (own !== undefined) return own;
  const folder = cacheFolder('tessera-peer');
  const path = join(folder, 'posix');
  if (existsSync(path)) return path;
  mkdirSync(folder, { recursive: true });
  const built = spawnSync('go', ['install', MODULE], { env: { ...process.env, GOBIN: folder }, encoding: 'utf8' });
  if (built.status !== 0) throw new Error(`go install ${MODULE}: ${built.stderr}`);
  return path;
}

/** Keys as Go's signed notes write them. */
function keysOf(name: string): { secret: string; open: string } {
  const { privateKey, publicKey } = generateKeyPairSync('ed25519');
  const last = (der: Buffer): Buffer => Buffer.concat([Buffer.of(1), der.subarray(-32)]);
  const open = last(publicKey.export({ type: 'spki', format: 'der' }));
  const hash = createHash('sha256').update(`${name}\n`).update(open).digest('hex').slice(0, 8);
  const secret = last(privateKey.export({ type: 'pkcs8', format: 'der' }));
  return {
    secret: `PRIVATE+KEY+${name}+${hash}+${secret.toString('base64')}`,
    open: `${name}+${hash}+${open.toString('base64')}`,
  };
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  while (!server.listening) await pause(1);
  const { port } = server.address() as AddressInfo;
  await new Promise((done) => server.close(done));
  return port;
}

async function tessera(t: TestContext): Promise<{ url: URL; key: string }> {
  const path = program();
  const folder = mkdtempSync(join(tmpdir(), 'fim-tessera-'));
  let child: ChildProcess | undefined;
  t.after(async () => {
    child?.kill('SIGKILL');
    while (child?.exitCode === null && child.signalCode === null) await pause(LOOK_MS);
    rmSync(folder, { recursive: true, force: true });
  });
  const { secret, open } = keysOf(NAME);
  writeFileSync(join(folder, 'key'), secret);
  const until = Date.now() + START_MS;
  for (;;) {
    const port = await freePort();
    const url = new URL(`http://127.0.0.1:${port}`);
    const args = [
      `-storage_dir=${join(folder, 'log')}`,
      `-private_key=${join(folder, 'key')}`,
      `-listen=127.0.0.1:${port}`,
    ];
    child = spawn(path, args, { stdio: 'ignore' });
    // It ends where somebody took the port meanwhile.
    while (child.exitCode === null && Date.now() < until) {
      const found = await fetch(new URL('/checkpoint', url)).catch(() => null);
      if (found?.ok) return { url, key: open };
      await pause(LOOK_MS);
    }
    assert.ok(Date.now() < until, 'Tessera does not start');
  }
}

test('checkpoints are entries of Tessera, with proofs that stand for themselves', { timeout: SET_UP_MS }, async (t) => {
  const { url, key } = await tessera(t);
  const folder = folderFor(t);
  const events: LogEvent[] = [];
  const collector = await startCollector({
    folder,
    tlog: { url, key: readTlogKeyFile(key), everyMs: 0 },
    onEvent: (event) => events.push(event),
  });
  t.after(() => collector.stop());
  const proofs = (): string[] =>
    existsSync(tlogPath(folder)) ? readFileSync(tlogPath(folder), 'utf8').split('\n').slice(0, -1) : [];
  const record = async (seq: number): Promise<void> => {
    const before = proofs().length;
    assert.equal((await post(collector.url, messageLines(newSourceId(), 1, seq))).status, 200);
    await collector.checkpoint();
    while (proofs().length === before) await pause(LOOK_MS);
  };
  await record(3);
  const add = (text: string): Promise<Response> => fetch(new URL('/add', url), { method: 'POST', body: text });
  const added = await Promise.all(Array.from({ length: OTHERS }, (_, i) => add(`another entry ${i}`)));
  for (const { status } of added) assert.equal(status, 200);
  await record(4);
  await collector.stop();
  assert.deepEqual(
    events.filter(({ event }) => event === 'anchor'),
    [],
  );
  const terms = readAnchorTerms({ tlogKey: key });
  const check = (path: string): string[] =>
    verifyLog(folder, {
      digests: new OpenSslDigests(),
      keys: checkpointKeys(folder, undefined),
      anchors: readAnchors(path, terms),
    }).findings.map(({ detail }) => detail);
  assert.deepEqual(check(tlogPath(folder)), []);
  t.diagnostic(`${key} ${proofs().at(-1)!}`);
  // Another note with the same proof, and a proof by the key of another log.
  const edited = join(folder, 'edited.jsonl');
  const [first, last] = [proofs()[0]!, proofs().at(-1)!].map(
    (line) => JSON.parse(line) as { note: string; tlog: string },
  );
  writeFileSync(edited, `${JSON.stringify({ note: first!.note, tlog: last!.tlog })}\n`);
  assert.match(check(edited)[0]!, /no proof of example.com\/tlog/);
  // Who has nothing but the log's address and key finds all checkpoints, and sees a log that was made anew.
  const { origin } = JSON.parse(readFileSync(join(folder, 'log.json'), 'utf8')) as { origin: string };
  const collected = join(folder, 'collected.jsonl');
  const args = ['audit', 'checkpoints', '--tlog', url.href, '--origin', origin, '-o', collected];
  const done = await fim([...args, '--tlog-key', key]);
  assert.equal(done.status, 0, done.stderr);
  assert.equal(readFileSync(collected, 'utf8').split('\n').length, proofs().length + 1);
  assert.equal((await fim(['audit', 'verify', folder, '--checkpoint', collected])).status, 0);
  const foreign = await fim([...args, '--tlog-key', keysOf(NAME).open]);
  assert.deepEqual([foreign.status, /FIM-AUD-0034/.test(foreign.stderr)], [1, true], foreign.stderr);
});
