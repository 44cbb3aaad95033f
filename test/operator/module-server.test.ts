// The server of modules: by content only, and nothing else.
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { createInterface } from 'node:readline';
import { describe, it } from 'node:test';
import { readModules } from '../../istio/module-server/store.ts';

const MAIN = path.resolve(import.meta.dirname, '../../istio/module-server/main.ts');
const wasm = (text: string): Buffer =>
  Buffer.concat([Buffer.from([0, 0x61, 0x73, 0x6d, 1, 0, 0, 0]), Buffer.from(text)]);
const sha256 = (bytes: Buffer): string => createHash('sha256').update(bytes).digest('hex');

function folder(files: Record<string, Buffer>): string {
  const made = mkdtempSync(path.join(tmpdir(), 'fim-modules-'));
  for (const [name, bytes] of Object.entries(files)) writeFileSync(path.join(made, name), bytes);
  return made;
}

describe('the module server', () => {
  it('reads modules of several folders, and refuses what is none or not what it says', (t) => {
    const [now, then] = [wasm('now'), wasm('then')];
    const one = folder({ 'fim.wasm': now, 'notes.txt': Buffer.from('x'), 'page.wasm': Buffer.from('<html>') });
    const two = folder({ [`${sha256(then)}.wasm`]: then, [`${'0'.repeat(64)}.wasm`]: wasm('other') });
    t.after(() => [one, two].forEach((made) => rmSync(made, { recursive: true })));
    const { modules, refused } = readModules([one, two]);
    assert.deepEqual([...modules.keys()].sort(), [sha256(now), sha256(then)].sort());
    assert.deepEqual(
      refused.map(({ reason }) => reason),
      ['it is no WebAssembly module', 'its content is not what its name says'],
    );
  });

  it('serves by hash: GET and HEAD, nothing else', async (t) => {
    const bytes = wasm('module');
    const made = folder({ 'fim.wasm': bytes });
    const child = spawn(process.execPath, [MAIN, '127.0.0.1:0', made], { stdio: ['ignore', 'pipe', 'inherit'] });
    t.after(() => rmSync(made, { recursive: true }));
    let address = '';
    for await (const line of createInterface({ input: child.stdout })) {
      const said = JSON.parse(line) as { event: string; address: string };
      if (said.event !== 'listening') continue;
      address = said.address;
      break;
    }
    const url = `http://${address}/${sha256(bytes)}.wasm`;
    const got = await fetch(url);
    assert.deepEqual(Buffer.from(await got.arrayBuffer()), bytes);
    assert.match(got.headers.get('cache-control') ?? '', /immutable/);
    const head = await fetch(url, { method: 'HEAD' });
    assert.deepEqual([head.status, head.headers.get('content-length')], [200, String(bytes.length)]);
    const status = async (where: string, method = 'GET'): Promise<number> => {
      const answer = await fetch(new URL(where, `http://${address}`), { method });
      await answer.body?.cancel();
      return answer.status;
    };
    assert.equal(await status(`/${'0'.repeat(64)}.wasm`), 404);
    assert.equal(await status('/fim.wasm'), 404);
    assert.equal(await status('/..%2f..%2fetc/passwd'), 404);
    assert.equal(await status(`/${sha256(bytes)}.wasm`, 'PUT'), 405);
    assert.equal(await status('/healthz'), 200);
    const ended = new Promise((done) => child.once('exit', done));
    child.kill('SIGTERM');
    assert.equal(await ended, 0);
  });
});
