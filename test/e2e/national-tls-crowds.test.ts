// National TLS with many clients that want nothing but room, and over a swap of its module.
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { rename, writeFile } from 'node:fs/promises';
import { connect, type Socket } from 'node:net';
import { join } from 'node:path';
import { before, describe, test } from 'node:test';
import { TlcpModule } from '../../scripts/fim/tlcp-module.ts';
import { Harness } from './harness.ts';
import { route } from './resources.ts';
import { Certificates, get, TlcpClient } from './tlcp-client.ts';

const MIB = 1024 * 1024;
/** As `MAX_SILENT_CONNECTIONS` of one worker. */
const MOST_SILENT = 4096;
const SILENT = Number(process.env.FIM_TEST_SILENT ?? 4600);
const HALF_HELLOS = 1000;
/** Of a ClientHello that says that it has more. */
const HALF_BYTES = 60_000;
const SECURE = route('any', {
  tls: { cipherSuites: ['ECC-SM4-GCM-SM3'], clientAuth: 'Optional' },
  validation: { fields: [{ name: 'a', required: false }] },
});

let module: TlcpModule;
let certificates: Certificates;
before(async () => {
  module = await TlcpModule.load();
  certificates = await Certificates.make();
});

async function withHarness(act: (harness: Harness, open: () => Promise<TlcpClient>) => Promise<void>): Promise<void> {
  const harness = await Harness.start({ routes: SECURE, tlcp: certificates.identity, concurrency: 1 });
  const options = { trust: certificates.authority, identity: certificates.client };
  const open = (): Promise<TlcpClient> => TlcpClient.ready(module, { port: harness.stack.listen.port, ...options });
  try {
    await act(harness, open);
  } finally {
    await harness.stop();
  }
}

/** Sockets that send `first` and then nothing. */
async function crowd(port: number, count: number, first?: Buffer): Promise<Socket[]> {
  const sockets: Socket[] = [];
  while (sockets.length < count) {
    const some = Array.from({ length: Math.min(200, count - sockets.length) }, () => {
      const socket = connect({ host: '127.0.0.1', port });
      socket.on('error', () => {});
      socket.resume();
      return socket;
    });
    await Promise.all(some.map((socket) => once(socket, 'connect')));
    if (first !== undefined) for (const socket of some) socket.write(first);
    sockets.push(...some);
  }
  return sockets;
}

/** Records of handshake that hold the beginning of one long ClientHello. */
function halfHello(): Buffer {
  const message = Buffer.alloc(HALF_BYTES);
  message.set([1, 0, 0xff, 0xf0]);
  const records: Buffer[] = [];
  for (let at = 0; at < message.length; at += 16_384) {
    const part = message.subarray(at, at + 16_384);
    records.push(Buffer.from([22, 1, 1, part.length >> 8, part.length & 255]), part);
  }
  return Buffer.concat(records);
}

function residentBytes(pid: number): number {
  return Number(/^VmRSS:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))![1]) * 1024;
}

describe('crowds', () => {
  test('of silent connections keep nobody out, and the oldest are closed', async () => {
    await withHarness(async (harness, open) => {
      const sockets = await crowd(harness.stack.listen.port, SILENT);
      const honest = await open();
      assert.equal((await honest.ask(get('/'))).status, 200);
      await harness.poll(async () => sockets.filter(({ closed }) => closed).length >= SILENT - MOST_SILENT);
      const oldest = sockets.slice(0, SILENT - MOST_SILENT).filter(({ closed }) => closed).length;
      assert.equal(oldest, SILENT - MOST_SILENT, 'the oldest');
      if (process.env.FIM_TEST_SILENT !== undefined)
        await harness.poll(async () => sockets.every(({ closed }) => closed));
      assert.equal((await honest.ask(get('/'))).status, 200, 'an open one is nobody to give way');
      for (const socket of sockets) socket.destroy();
      honest.destroy();
    });
  });

  test('of half handshakes hold a bounded part of memory, and keep nobody out', async (t) => {
    await withHarness(async (harness, open) => {
      const { pid } = harness.stack.envoy;
      const before = residentBytes(pid);
      const sockets = await crowd(harness.stack.listen.port, HALF_HELLOS, halfHello());
      const honest = await open();
      assert.equal((await honest.ask(get('/'))).status, 200);
      await harness.poll(async () => sockets.some(({ closed }) => closed));
      const grown = residentBytes(pid) - before;
      t.diagnostic(`${(grown / MIB).toFixed(0)} MiB more for ${HALF_HELLOS} half handshakes`);
      assert.ok(grown < 60 * MIB, `${grown} bytes more`);
      for (const socket of sockets) socket.destroy();
      honest.destroy();
    });
  });
});

test('a swap of the module leaves live connections, and their clients are who they were', async () => {
  await withHarness(async (harness, open) => {
    const client = await open();
    const arrived = async (): Promise<unknown[]> => {
      assert.equal((await client.ask(get('/', { 'x-fim-client-subject': 'CN=forged' }))).status, 200);
      const { headers } = harness.upstream.arrived.at(-1)!;
      return ['subject', 'serial', 'fingerprint', 'not-before', 'not-after'].map(
        (name) => headers[`x-fim-client-${name}`],
      );
    };
    const said = await arrived();
    assert.match(String(said[0]), /FIM development client/);
    const file = join(harness.moduleFolder, 'tlcp-listener.wasm');
    // A custom section: other code by its hash, and the same.
    const other = Buffer.concat([readFileSync(file), Buffer.from([0, 3, 1, 0x78, 0x78])]);
    await writeFile(`${file}~`, other);
    await rename(`${file}~`, file);
    assert.equal((await harness.edit(SECURE.replace('"a"', '"b"'))).event, 'applied');
    const fresh = await open();
    assert.equal((await fresh.ask(get('/'))).status, 200);
    for (let i = 0; i < 3; i++) assert.deepEqual(await arrived(), said);
    client.destroy();
    fresh.destroy();
  });
});
