// National TLS over time: switched on and off, certificates changed, keys that come late, machines that die, long
// bodies.
import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import { Agent } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { TlcpModule } from '../../scripts/fim/tlcp-module.ts';
import { compileTlcpTrap } from '../host/compile.ts';
import { Harness } from './harness.ts';
import { problemOf, send } from './http-client.ts';
import { route } from './resources.ts';
import { Certificates, type ClientOptions, get, post, TlcpClient } from './tlcp-client.ts';

const MIB = 1024 * 1024;
const LONG_BYTES = 100 * MIB;
/** Bytes that a record adds to its content: header, explicit nonce, tag. */
const GCM_RECORD_BYTES = 29;
const RECEIVED = '^http.fim.downstream_cx_rx_bytes_total$';
const PIECE = Buffer.alloc(64 * 1024, 'x');
const PLAIN = route('any', { validation: { fields: [{ name: 'a', required: false }] } });
const SECURE = route('any', {
  tls: { cipherSuites: ['ECC-SM4-GCM-SM3'] },
  validation: { fields: [{ name: 'a', required: false }] },
});

let module: TlcpModule;
let certificates: Certificates;
before(async () => {
  module = await TlcpModule.load();
  certificates = await Certificates.make();
});

function optionsOf(harness: Harness, more: Partial<ClientOptions> = {}): ClientOptions {
  return { port: harness.stack.listen.port, trust: certificates.authority, ...more };
}

/** Resident memory of a process, bytes. */
function residentBytes(pid: number): number {
  return Number(/^VmRSS:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))![1]) * 1024;
}

describe('edits', () => {
  let harness: Harness;
  before(async () => {
    harness = await Harness.start({ routes: PLAIN, tlcp: certificates.identity });
  });
  after(() => harness.stop());

  test('switch it on and off, for new connections and for live ones', async () => {
    const agent = new Agent({ keepAlive: true, maxSockets: 1 });
    const ask = { method: 'GET', path: '/', headers: {}, agent };
    assert.equal((await send(harness.url, ask)).status, 200);
    assert.equal((await harness.edit(SECURE)).event, 'applied');
    const { begun } = harness.upstream;
    const refused = await send(harness.url, ask);
    assert.equal(refused.status, 421, 'a connection in clear that was open before');
    assert.equal(problemOf(refused).code, 'FIM-RT-0033');
    await assert.rejects(send(harness.url, { method: 'GET', path: '/', headers: {} }), 'a new connection in clear');
    assert.equal(harness.upstream.begun, begun);
    const client = await TlcpClient.ready(module, optionsOf(harness));
    assert.equal((await client.ask(get('/'))).status, 200);
    assert.equal((await harness.edit(PLAIN)).event, 'applied');
    assert.equal((await client.ask(get('/'))).status, 200, 'a secure connection that was open before');
    assert.equal((await send(harness.url, { method: 'GET', path: '/', headers: {} })).status, 200);
    agent.destroy();
    client.destroy();
  });

  test('of policies are in force on a live connection', async () => {
    assert.equal((await harness.edit(SECURE)).event, 'applied');
    const client = await TlcpClient.ready(module, optionsOf(harness));
    assert.equal((await client.ask(post('/', '{"b":1}'))).status, 200);
    const strict = SECURE.replace('"required":false', '"required":true');
    assert.equal((await harness.edit(strict)).event, 'applied');
    assert.equal((await client.ask(post('/', '{"b":1}'))).status, 422);
    assert.equal((await client.ask(post('/', '{"a":"1"}'))).status, 200);
    client.destroy();
  });

  test('that ask for two kinds of it, or for certificates without trust, are refused', async () => {
    const two = `${SECURE}---\n${route('other', { match: { path: { type: 'PathPrefix', value: '/x' } }, tls: { cipherSuites: ['ECC-SM4-SM3'] } })}`;
    const rejected = await harness.edit(two);
    assert.equal(rejected.event, 'rejected');
    assert.match(JSON.stringify(rejected), /FIM-CFG-1073/);
  });
});

describe('certificates and keys', () => {
  const PAIR = { sign: 'kms://bank/tlcp/sign', encrypt: 'kms://bank/tlcp/encrypt' };
  const named = (made: Certificates): string =>
    route('any', {
      tls: {
        cipherSuites: ['ECC-SM4-GCM-SM3'],
        certificates: [
          {
            sign: { chain: made.files['server-sign.pem'], keyId: PAIR.sign },
            encrypt: { chain: made.files['server-encrypt.pem'], keyId: PAIR.encrypt },
          },
        ],
      },
    });
  const keep = (harness: Harness, made: Certificates): void => {
    harness.kms.keepKey(PAIR.sign, 'SM2-PRIVATE', Buffer.from(made.files['server-sign.key']!));
    harness.kms.keepKey(PAIR.encrypt, 'SM2-PRIVATE', Buffer.from(made.files['server-encrypt.key']!));
  };

  test('change without an end of a connection: first the keys, then the certificates', async () => {
    const next = await Certificates.make();
    const harness = await Harness.start({
      routes: named(certificates),
      tlcp: certificates.identity,
      withKms: (kms) => keep({ kms } as Harness, certificates),
    });
    try {
      const old = await TlcpClient.ready(module, optionsOf(harness));
      keep(harness, next);
      const between = await TlcpClient.ready(module, optionsOf(harness));
      assert.equal((await between.ask(get('/'))).status, 200, 'the old certificates with their own keys');
      assert.equal((await harness.edit(named(next))).event, 'applied');
      const fresh = await TlcpClient.ready(module, optionsOf(harness, { trust: next.authority }));
      assert.equal((await fresh.ask(get('/'))).status, 200);
      for (const client of [old, between]) assert.equal((await client.ask(get('/'))).status, 200, 'lives on');
      for (const client of [old, between, fresh]) client.destroy();
    } finally {
      await harness.stop();
    }
  });

  test('in files are read anew, and what does not belong to the keys is counted', async (t) => {
    const folder = mkdtempSync(join(tmpdir(), 'fim-chains-'));
    t.after(() => rmSync(folder, { recursive: true, force: true }));
    const save = (name: string, text: string): void => {
      writeFileSync(join(folder, `${name}~`), text);
      renameSync(join(folder, `${name}~`), join(folder, name));
    };
    const give = (made: Certificates): void => {
      for (const use of ['sign', 'encrypt']) save(`${use}.pem`, made.files[`server-${use}.pem`]!);
    };
    give(certificates);
    const part = (use: 'sign' | 'encrypt'): object => ({
      chainFrom: { file: join(folder, `${use}.pem`) },
      keyId: PAIR[use],
    });
    const places = { certificates: [{ sign: part('sign'), encrypt: part('encrypt') }] };
    const harness = await Harness.start({
      routes: route('any', { tls: { cipherSuites: ['ECC-SM4-GCM-SM3'], ...places } }),
      tlcp: certificates.identity,
      withKms: (kms) => keep({ kms } as Harness, certificates),
    });
    t.after(() => harness.stop());
    const old = await TlcpClient.ready(module, optionsOf(harness));
    const next = await Certificates.make();
    const unfit = 'wasmcustom.fim.key.unavailable_total{reason=unfit}';
    let from = harness.events.length;
    give(next);
    assert.equal((await harness.verdict(from)).event, 'applied');
    const { admin } = harness.stack.envoy;
    await harness.poll(async () => ((await admin.stats('unfit')).get(unfit) ?? 0) > 0);
    // Back to what fits, and then in the order that is right: keys, certificates.
    for (const made of [certificates, next]) {
      keep(harness, made);
      from = harness.events.length;
      give(made);
      assert.equal((await harness.verdict(from)).event, 'applied');
    }
    await harness.poll(async () => {
      const fresh = await TlcpClient.ready(module, optionsOf(harness, { trust: next.authority })).catch(() => null);
      const status = (await fresh?.ask(get('/')))?.status;
      fresh?.destroy();
      return status === 200;
    });
    from = harness.events.length;
    save('sign.pem', 'nothing');
    const refused = await harness.verdict(from);
    assert.deepEqual(refused.event === 'rejected' && refused.errors.map(({ code, path }) => [code, path]), [
      ['FIM-CFG-1281', '$.spec.tls.certificates[0].sign.chainFrom.file'],
    ]);
    assert.equal((await old.ask(get('/'))).status, 200, 'lives on');
    old.destroy();
    const mesh = { ...places, trustFrom: { secret: { name: 'a', key: 'ca.crt' } }, clientAuth: 'Optional' };
    const elsewhere = await harness.edit(route('any', { tls: { cipherSuites: ['ECC-SM4-GCM-SM3'], ...mesh } }));
    assert.match(JSON.stringify(elsewhere), /FIM-CFG-1281.*no Secret outside a mesh: use file/);
  });

  test('that the KMS takes back begin no handshake; open connections live on', async () => {
    const harness = await Harness.start({
      routes: named(certificates),
      tlcp: certificates.identity,
      kms: { holdMs: 500, refreshMs: 200 },
      withKms: (kms) => keep({ kms } as Harness, certificates),
    });
    try {
      // Keys may come later than a handshake is held for them.
      let open: TlcpClient | undefined;
      await harness.poll(async () => {
        open = await TlcpClient.ready(module, optionsOf(harness)).catch(() => undefined);
        return open !== undefined;
      });
      harness.kms.register.setState('bank/tlcp/sign', 'disabled', 1);
      await harness.poll(async () => {
        const client = await TlcpClient.open(module, optionsOf(harness));
        await client.until(() => client.connection.isOpen || client.over);
        client.destroy();
        return client.connection.ending.alert === 'internal_error';
      });
      assert.equal((await open!.ask(get('/'))).status, 200);
      open!.destroy();
    } finally {
      await harness.stop();
    }
  });

  test('that are not there: nobody touches the connections that wait for them by a request of his own', async () => {
    const other = await Certificates.make();
    const harness = await Harness.start({ routes: SECURE, tlcp: certificates.identity, concurrency: 1 });
    try {
      const old: TlcpClient[] = [];
      for (let i = 0; i < 60; i++) old.push(await TlcpClient.ready(module, optionsOf(harness)));
      const counts = await harness.stack.envoy.admin.stats('^http.fim.downstream_(rq|cx)_total$');
      const next = [...counts.values()].reduce((sum, count) => sum + count, 0);
      assert.equal((await harness.edit(named(other))).event, 'applied');
      const waiting: TlcpClient[] = [];
      for (let i = 0; i < 40; i++) waiting.push(await TlcpClient.open(module, optionsOf(harness)));
      // An unfinished head, and then the end: contexts are counted on, so these paths name those that wait.
      const heads = old.map((_, i) => `GET /${next + i} HTTP/1.1\r\nX-A: `);
      const received = async (): Promise<number> => [...(await harness.stack.envoy.admin.stats(RECEIVED)).values()][0]!;
      const before = await received();
      for (const [i, client] of old.entries()) await client.write(heads[i]!);
      // Else the proxy reads both at once, and the head goes nowhere: the worker has to have read every head.
      const bytes = heads.reduce((sum, head) => sum + head.length + GCM_RECORD_BYTES, 0);
      await harness.poll(async () => (await received()) >= before + bytes);
      for (const client of old) {
        client.connection.close();
        await client.write('');
      }
      for (const client of waiting) await client.until(() => client.over);
      const alerts = new Set(waiting.map((client) => client.connection.ending.alert));
      assert.deepEqual([...alerts], ['internal_error']);
      assert.equal((await harness.edit(SECURE)).event, 'applied', 'the proxy lives');
      const after = await TlcpClient.ready(module, optionsOf(harness));
      assert.equal((await after.ask(get('/'))).status, 200);
      for (const client of [...old, ...waiting, after]) client.destroy();
    } finally {
      await harness.stop();
    }
  });

  test('that are not there hold a handshake, and end it by an alert; when they come it goes on', async () => {
    const harness = await Harness.start({
      routes: named(certificates),
      tlcp: certificates.identity,
      kms: { holdMs: 2000 },
      withKms: (kms) => keep({ kms } as Harness, certificates),
      kmsRuns: false,
    });
    try {
      const { begun } = harness.upstream;
      const early = await TlcpClient.open(module, optionsOf(harness));
      await early.until(() => early.over);
      assert.deepEqual(
        [early.connection.ending.alert, early.connection.ending.side],
        ['internal_error', 'the other side'],
      );
      assert.equal(harness.upstream.begun, begun);
      const waiting = await TlcpClient.open(module, optionsOf(harness));
      await harness.startKms();
      await waiting.until(() => waiting.connection.isOpen || waiting.over);
      if (!waiting.connection.isOpen) {
        // The KMS came after the time that this one had: the next one has it.
        await harness.poll(async () => {
          const client = await TlcpClient.open(module, optionsOf(harness));
          await client.until(() => client.connection.isOpen || client.over);
          client.destroy();
          return client.connection.isOpen;
        });
      } else assert.equal((await waiting.ask(get('/'))).status, 200);
      waiting.destroy();
    } finally {
      await harness.stop();
    }
  });
});

test('a held response of the largest size comes whole', async () => {
  const harness = await Harness.start({
    routes: route('any', {
      tls: { cipherSuites: ['ECC-SM4-GCM-SM3'] },
      body: { maxBytes: 16 * MIB },
      validation: { fields: [{ name: 'a', required: false }], response: true },
    }),
    tlcp: certificates.identity,
    concurrency: 1,
  });
  try {
    const body = `{"a":"${'x'.repeat(16 * MIB - 8)}"}`;
    harness.upstream.answer = (_request, response) =>
      response.writeHead(200, { 'content-type': 'application/json' }).end(body);
    const client = await TlcpClient.ready(module, optionsOf(harness));
    client.keeps = false;
    await client.write(get('/'));
    await client.until(() => client.count > body.length);
    assert.ok(client.count > body.length, `${client.count} bytes, ${JSON.stringify(client.connection.ending)}`);
    client.destroy();
  } finally {
    await harness.stop();
  }
});

test('a machine that dies closes its connections, and nothing passes in clear', async () => {
  const harness = await Harness.start({
    routes: SECURE,
    tlcp: certificates.identity,
    concurrency: 1,
    moduleFiles: { 'tlcp-listener.wasm': await compileTlcpTrap() },
  });
  try {
    const bystander = await TlcpClient.ready(module, optionsOf(harness));
    assert.equal((await bystander.ask(get('/'))).status, 200);
    const victim = await TlcpClient.ready(module, optionsOf(harness));
    harness.upstream.answer = (_request, response) =>
      response.writeHead(200, { 'x-word': 'DIE!' }).end('account 6222021234567894');
    await victim.write(get('/'));
    await victim.until(() => victim.ended);
    assert.equal(victim.plain.length, 0);
    const { begun } = harness.upstream;
    await bystander.write(get('/after'));
    await bystander.until(() => bystander.ended);
    assert.equal(harness.upstream.begun, begun, 'a connection of the dead machine hands nothing on');
    for (const client of [victim, bystander])
      assert.ok(!/HTTP|6222021234567894/.test(client.wire.toString('latin1')), 'in clear');
    harness.upstream.answer = (_request, response) => response.end('{"ok":true}');
    await assert.rejects(send(harness.url, { method: 'GET', path: '/', headers: {} }), 'plain HTTP meanwhile');
    await harness.poll(async () => {
      const client = await TlcpClient.open(module, optionsOf(harness));
      await client.until(() => client.connection.isOpen || client.over);
      const works = client.connection.isOpen && (await client.ask(get('/'))).status === 200;
      client.destroy();
      return works;
    });
  } finally {
    await harness.stop();
  }
});

describe('long bodies', () => {
  let harness: Harness;
  let upstream: Server;
  let taken = 0;
  before(async () => {
    upstream = createServer((request, response) => {
      request.on('data', (data: Buffer) => (taken += data.length));
      request.on('end', () => {
        if (request.method === 'POST') return void response.end('{"ok":true}');
        response.setHeader('content-length', LONG_BYTES);
        let left = LONG_BYTES / PIECE.length;
        const more = (): void => {
          while (left-- > 0) if (!response.write(PIECE)) return void response.once('drain', more);
          response.end();
        };
        more();
      });
    });
    await new Promise<void>((done) => upstream.listen(0, '127.0.0.1', done));
    const { port } = upstream.address() as AddressInfo;
    harness = await Harness.start({
      routes: route('any', { tls: { cipherSuites: ['ECC-SM4-GCM-SM3'] } }),
      tlcp: certificates.identity,
      upstream: new URL(`http://127.0.0.1:${port}`),
      concurrency: 1,
    });
  });
  after(async () => {
    await harness.stop();
    upstream.closeAllConnections();
    await new Promise((done) => upstream.close(done));
  });

  test('100 MiB come and go, also to a reader that pauses, in bounded memory', async (t) => {
    const client = await TlcpClient.ready(module, optionsOf(harness));
    const { pid } = harness.stack.envoy;
    const before = residentBytes(pid);
    client.keeps = false;
    client.count = 0;
    await client.write(get('/'));
    await client.until(() => client.count > 4 * MIB);
    client.pause();
    // The proxy stops reading from the upstream because the client does not read.
    const stat = 'cluster.upstream.upstream_flow_control_paused_reading_total';
    await harness.poll(async () => ((await harness.stack.envoy.admin.stats(`^${stat}$`)).get(stat) ?? 0) > 0);
    const paused = residentBytes(pid);
    client.resume();
    await client.until(() => client.count >= LONG_BYTES);
    client.keeps = true;
    client.plain = Buffer.alloc(0);
    await client.write(`POST / HTTP/1.1\r\nhost: bank.test\r\ncontent-length: ${LONG_BYTES}\r\n\r\n`);
    for (let sent = 0; sent < LONG_BYTES; sent += PIECE.length) await client.write(PIECE);
    await client.until(() => client.plain.includes('{"ok":true}'));
    assert.equal(taken, LONG_BYTES);
    const grown = Math.max(paused, residentBytes(pid)) - before;
    t.diagnostic(`resident memory of the proxy grew by ${(grown / MIB).toFixed(1)} MiB`);
    assert.ok(grown < 48 * MIB, `${grown} bytes`);
    client.destroy();
  });
});
