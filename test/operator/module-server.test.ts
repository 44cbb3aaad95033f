// The server of modules: by content only, and nothing else. Its replicas carry modules over, so that an upgrade keeps
// those before it.
import assert from 'node:assert/strict';
import { createServer, type RequestListener } from 'node:http';
import type { AddressInfo } from 'node:net';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { describe, it, type TestContext } from 'node:test';
import { parseAllDocuments } from 'yaml';
import { MAX_CARRIED_MODULES } from '../../istio/limits.ts';
import { Peers } from '../../istio/module-server/peers.ts';
import { ModuleStore, readModules } from '../../istio/module-server/store.ts';
import { ModuleReplica, sha256Of } from './module-replica.ts';
import { until } from './until.ts';

const wasm = (text: string): Buffer =>
  Buffer.concat([Buffer.from([0, 0x61, 0x73, 0x6d, 1, 0, 0, 0]), Buffer.from(text)]);

function folder(files: Record<string, Buffer>): string {
  const made = mkdtempSync(path.join(tmpdir(), 'fim-modules-'));
  for (const [name, bytes] of Object.entries(files)) writeFileSync(path.join(made, name), bytes);
  return made;
}

function replica(t: TestContext, modules: readonly Buffer[], peers?: string): ModuleReplica {
  const started = new ModuleReplica(modules, peers);
  t.after(() => started.stop());
  return started;
}

/** Something that stands where a replica should. */
async function impostor(t: TestContext, listener: RequestListener): Promise<{ address: string; asked: string[] }> {
  const asked: string[] = [];
  const server = createServer((request, response) => {
    asked.push(request.url ?? '');
    listener(request, response);
  });
  await new Promise<void>((listening) => server.listen(0, '127.0.0.1', listening));
  t.after(() => {
    server.closeAllConnections();
    server.close();
  });
  return { address: `127.0.0.1:${(server.address() as AddressInfo).port}`, asked };
}

describe('the module server', () => {
  it('reads modules of several folders, and refuses what is none or not what it says', (t) => {
    const [now, then] = [wasm('now'), wasm('then')];
    const one = folder({ 'fim.wasm': now, 'notes.txt': Buffer.from('x'), 'page.wasm': Buffer.from('<html>') });
    const two = folder({ [`${sha256Of(then)}.wasm`]: then, [`${'0'.repeat(64)}.wasm`]: wasm('other') });
    t.after(() => [one, two].forEach((made) => rmSync(made, { recursive: true })));
    const { modules, refused } = readModules([one, two]);
    assert.deepEqual([...modules.keys()].sort(), [sha256Of(now), sha256Of(then)].sort());
    assert.deepEqual(
      refused.map(({ reason }) => reason),
      ['it is no WebAssembly module', 'its content is not what its name says'],
    );
  });

  it('serves by hash: GET and HEAD, nothing else', async (t) => {
    const bytes = wasm('module');
    const server = replica(t, [bytes]);
    const url = `/${sha256Of(bytes)}.wasm`;
    const got = await server.get(url);
    assert.deepEqual(got.body, bytes);
    assert.match(got.headers.get('cache-control') ?? '', /immutable/);
    const head = await server.get(url, 'HEAD');
    assert.deepEqual([head.status, head.headers.get('content-length')], [200, String(bytes.length)]);
    const status = async (where: string, method?: string): Promise<number> => (await server.get(where, method)).status;
    assert.equal(await status(`/${'0'.repeat(64)}.wasm`), 404);
    assert.equal(await status('/fim.wasm'), 404);
    assert.equal(await status('/..%2f..%2fetc/passwd'), 404);
    assert.equal(await status(url, 'PUT'), 405);
    assert.equal(await status('/healthz'), 200);
    assert.equal(await status('/readyz'), 200);
    assert.equal(await server.stop(), 0);
  });
});

describe('replicas of the module server', () => {
  it('carry the modules of two releases over, and are ready only then', async (t) => {
    const [first, second, third] = [wasm('first'), wasm('second'), wasm('third')];
    const old = replica(t, [first]);
    const next = replica(t, [second], await old.address());
    await next.said('ready');
    assert.deepEqual((await next.get(`/${sha256Of(first)}.wasm`)).body, first);
    await old.stop();
    const last = replica(t, [third], await next.address());
    await until('it is ready', () => last.isReady());
    await next.stop();
    for (const bytes of [first, second, third])
      assert.deepEqual((await last.get(`/${sha256Of(bytes)}.wasm`)).body, bytes);
  });

  it('one that is asked for what a later one brought fetches it there', async (t) => {
    const [older, newer] = [wasm('older'), wasm('newer')];
    const later = replica(t, [newer]);
    // A peer that is not there yet when it starts, as every later replica.
    const place = await later.address();
    const early = replica(t, [older], place);
    await early.said('listening');
    assert.deepEqual((await early.get(`/${sha256Of(newer)}.wasm`)).body, newer);
    assert.equal((await early.get(`/${'1'.repeat(64)}.wasm`)).status, 404);
  });

  it('a name without addresses is no peer; one that cannot be looked up is tried again', async () => {
    const answers = ['EAI_AGAIN', 'EAI_AGAIN', 'ENOTFOUND'];
    const resolve = (async () => {
      throw Object.assign(new Error('no address'), { code: answers.shift() });
    }) as unknown as ConstructorParameters<typeof Peers>[3];
    const said: string[] = [];
    const store = new ModuleStore(new Map());
    await new Peers(['modules:80'], store, (event) => said.push(event), resolve).takeOver(600_000);
    assert.deepEqual([answers, said], [[], []]);
  });

  it('a replica that is there and does not answer is waited for, and not for ever', async (t) => {
    const bytes = wasm('late');
    let isAwake = false;
    const slow = await impostor(t, (request, response) => {
      if (!isAwake) return void response.writeHead(503).end();
      if (request.url === '/held')
        return void response.end(JSON.stringify([{ sha256: sha256Of(bytes), bytes: bytes.length, idleMs: null }]));
      response.end(bytes);
    });
    const server = replica(t, [wasm('own')], slow.address);
    await until('it has asked twice', () => slow.asked.length >= 2);
    assert.equal(await server.isReady(), false);
    isAwake = true;
    await until('it is ready', () => server.isReady());
    assert.deepEqual((await server.get(`/${sha256Of(bytes)}.wasm`)).body, bytes);
  });

  it('what is not what it is said to be, too long or no module is not carried', async (t) => {
    const promised = ['a', 'b', 'c'].map((text) => sha256Of(wasm(text)));
    const bodies = [wasm('x'), Buffer.alloc(1_000_000, wasm('b')), Buffer.from('<html>')];
    const liar = await impostor(t, (request, response) => {
      if (request.url === '/held')
        return void response.end(
          JSON.stringify([
            ...promised.map((sha256) => ({ sha256, bytes: 9, idleMs: 1 })),
            { sha256: '../../etc/passwd', bytes: 9, idleMs: 1 },
            { sha256: '2'.repeat(64), bytes: 1e12, idleMs: 1 },
            null,
          ]),
        );
      const index = promised.findIndex((sha256) => request.url === `/held/${sha256}.wasm`);
      response.end(bodies[index]);
    });
    const server = replica(t, [wasm('own')], liar.address);
    await until('it has asked for all', () =>
      promised.every((sha256) => server.lines().some((line) => line.event === 'not-carried' && line.sha256 === sha256)),
    );
    for (const sha256 of promised) assert.equal((await server.get(`/${sha256}.wasm`)).status, 404);
    assert.ok(liar.asked.every((url) => url === '/held' || promised.some((sha256) => url === `/held/${sha256}.wasm`)));
  });

  it('many requests for what nobody has cost the peers one look', async (t) => {
    const peer = await impostor(t, (_, response) => void response.end('[]'));
    const server = replica(t, [wasm('own')], peer.address);
    await server.said('ready');
    const before = peer.asked.length;
    const statuses = await Promise.all(
      Array.from({ length: 100 }, async (_, index) => (await server.get(`/${sha256Of(wasm(`${index}`))}.wasm`)).status),
    );
    assert.deepEqual([...new Set(statuses)], [404]);
    // Replicas that came after a look had begun wait for the next.
    assert.ok(peer.asked.length - before <= 3, peer.asked.join());
  });

  it('what is asked for stays when there is no room', () => {
    const dropped: string[] = [];
    const store = new ModuleStore(new Map([['own', wasm('own')]]), (sha256) => dropped.push(sha256));
    for (let index = 0; index < MAX_CARRIED_MODULES; index++) store.carry(`${index}`, wasm(`${index}`), 1000 + index);
    store.ask(`${MAX_CARRIED_MODULES - 1}`);
    store.carry('another', wasm('another'), 0);
    store.carry('never', wasm('never'), null);
    assert.deepEqual(dropped, [`${MAX_CARRIED_MODULES - 2}`, 'never']);
    assert.ok(store.has('own') && store.has('another') && store.has(`${MAX_CARRIED_MODULES - 1}`));
  });

  it('find each other by the Service of the manifest, and are ready by the path that says so', () => {
    const file = path.resolve(import.meta.dirname, '../../istio/manifests/base/module-server.yaml');
    const [deployment, , peers] = parseAllDocuments(readFileSync(file, 'utf8')).map(
      (document) => document.toJS() as Record<string, any>,
    );
    const { labels } = deployment!.spec.template.metadata;
    const [container] = deployment!.spec.template.spec.containers;
    assert.deepEqual(container.args, [`--peers=${peers!.metadata.name}:${container.ports[0].containerPort}`]);
    assert.deepEqual([peers!.kind, peers!.spec.clusterIP, peers!.spec.selector], ['Service', 'None', labels]);
    assert.equal(peers!.metadata.namespace, deployment!.metadata.namespace);
    assert.deepEqual(
      [container.readinessProbe.httpGet.path, container.livenessProbe.httpGet.path],
      ['/readyz', '/healthz'],
    );
  });
});
