// National TLS with gmtls of github.com/tjfoc/gmsm, an implementation of its own. It has ECC_SM4_CBC_SM3 alone: its ECDHE
// ends in a panic, and it knows no GCM and no resumption.
import assert from 'node:assert/strict';
import { spawn, spawnSync, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { copyFileSync, mkdirSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { createServer } from 'node:net';
import { homedir, tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { after, before, describe, it } from 'node:test';
import { certs } from '../../../scripts/fim/tlcp-certs.ts';
import { dialTlcp } from '../../../scripts/fim/tlcp-dial.ts';
import { TlcpModule } from '../../../scripts/fim/tlcp-module.ts';
import { TlcpSocket } from '../../../scripts/fim/tlcp-socket.ts';

const SET_UP_MS = 300_000;
const LIBRARY = 'github.com/tjfoc/gmsm/gmtls@v1.4.1';
const SUITE = 'ECC_SM4_CBC_SM3';
const NUMBER = '0xe013';
const folder = mkdtempSync(join(tmpdir(), 'fim-gmtls-'));
const cache = join(homedir(), '.cache/fim/gmtls-peer');
const program = join(cache, 'gmtls-peer');
const read = (name: string): string => readFileSync(join(folder, name), 'utf8');
let module: TlcpModule;

/** Starts the program; its lines as they come. */
function start(...args: string[]): { child: ChildProcess; line: () => Promise<string> } {
  const child = spawn(program, args, { stdio: ['ignore', 'pipe', 'inherit'] });
  const lines = createInterface({ input: child.stdout! })[Symbol.asyncIterator]();
  const line = async (): Promise<string> => String((await lines.next()).value ?? 'nothing');
  return { child, line };
}

before(
  async () => {
    mkdirSync(cache, { recursive: true });
    copyFileSync(join(import.meta.dirname, 'gmtls/main.go'), join(cache, 'main.go'));
    const build = `test -f go.mod || go mod init peer; go get ${LIBRARY} && go build -o gmtls-peer .`;
    const built = spawnSync('sh', ['-c', build], { cwd: cache, encoding: 'utf8' });
    assert.equal(built.status, 0, built.stderr);
    assert.equal(await certs({ out: folder, days: '30' }), 0);
    module = await TlcpModule.load();
  },
  { timeout: SET_UP_MS },
);

after(() => rmSync(folder, { recursive: true, force: true }));

describe('the core as client of gmtls', () => {
  for (const auth of ['none', 'required']) {
    it(`client certificates: ${auth}`, async () => {
      const server = start('server', folder, auth, NUMBER);
      const port = Number(await server.line());
      const settings = module.settings({
        trust: read('ca.pem'),
        identity: read('client.pem'),
        suites: [SUITE],
        host: 'localhost',
      });
      const socket = await dialTlcp(module, settings, { host: '127.0.0.1', port });
      await socket.handshake();
      assert.equal(await server.line(), `agreed ${NUMBER} ${auth === 'none' ? 0 : 2}`);
      const said = Buffer.alloc(100_000, 'national TLS ');
      const heard: Buffer[] = [];
      socket.write(said);
      for await (const piece of socket) {
        heard.push(piece as Buffer);
        if (Buffer.concat(heard).length === said.length) break;
      }
      assert.ok(Buffer.concat(heard).equals(said));
      socket.destroy();
      server.child.kill();
    });
  }
});

describe('the core as server of gmtls', () => {
  for (const own of ['without', 'with']) {
    it(`a client ${own} certificates`, async (t) => {
      const settings = module.settings({
        trust: read('ca.pem'),
        identity: read('server.pem'),
        suites: [SUITE],
        clientAuth: own === 'with' ? 'required' : 'none',
      });
      const seen: boolean[] = [];
      const server = createServer((raw) => {
        const socket = new TlcpSocket(raw, module.connection('server', settings));
        socket.on('error', () => seen.push(false));
        socket.once('secure', () => seen.push(socket.connection.hasPeer === (own === 'with')));
        socket.pipe(socket);
      });
      t.after(() => server.close());
      await once(server.listen(0, '127.0.0.1'), 'listening');
      const { port } = server.address() as { port: number };
      const client = start('client', folder, `127.0.0.1:${port}`, NUMBER, own);
      assert.equal(await client.line(), `heard hello ${NUMBER}`);
      assert.deepEqual(seen, [true]);
      await once(client.child, 'close');
    });
  }
});
