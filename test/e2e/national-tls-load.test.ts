// National TLS under load: whatever changes meanwhile, no request fails. Each client keeps a connection for some requests and
// then begins another one, so that handshakes are under way all the time.
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { TlcpModule } from '../../scripts/fim/tlcp-module.ts';
import { Harness } from './harness.ts';
import { route } from './resources.ts';
import { Certificates, type ClientOptions, get, post, TlcpClient } from './tlcp-client.ts';

const CLIENTS = 6;
const REQUESTS_OF_A_CONNECTION = 8;
/** Requests that have to be answered between two changes. FIM_TEST_TLCP_LOAD: as many as wanted. */
const BETWEEN = Number(process.env.FIM_TEST_TLCP_LOAD ?? 60);
const PAIR = { sign: 'kms://bank/tlcp/sign', encrypt: 'kms://bank/tlcp/encrypt' };

let module: TlcpModule;
let certificates: Certificates[];
before(async () => {
  module = await TlcpModule.load();
  certificates = [await Certificates.make(), await Certificates.make(), await Certificates.make()];
});

const routesOf = (made: Certificates, required = false): string =>
  route('any', {
    tls: {
      cipherSuites: ['ECC-SM4-GCM-SM3', 'ECC-SM4-SM3'],
      certificates: [
        {
          sign: { chain: made.files['server-sign.pem'], keyId: PAIR.sign },
          encrypt: { chain: made.files['server-encrypt.pem'], keyId: PAIR.encrypt },
        },
      ],
    },
    validation: { fields: [{ name: 'a', required }] },
  });

function keep({ kms }: Pick<Harness, 'kms'>, made: Certificates): void {
  kms.keepKey(PAIR.sign, 'SM2-PRIVATE', Buffer.from(made.files['server-sign.key']!));
  kms.keepKey(PAIR.encrypt, 'SM2-PRIVATE', Buffer.from(made.files['server-encrypt.key']!));
}

/** Clients that ask without a pause, and what became of it. */
class Load {
  answered = 0;
  handshakes = 0;
  /** Answers that announced the end of their connection, which the client then ends. */
  announced = 0;
  readonly failures: string[] = [];
  private running = true;
  private readonly options: ClientOptions;
  private readonly ended: Promise<unknown>;

  constructor(harness: Harness) {
    const trust = certificates.map(({ authority }) => authority).join('');
    this.options = { port: harness.stack.listen.port, trust, takesTickets: true };
    this.ended = Promise.all(Array.from({ length: CLIENTS }, (_, i) => this.run(i)));
  }

  private async run(i: number): Promise<void> {
    while (this.running)
      await this.connection(i).catch((error: unknown) => {
        this.failures.push(error instanceof Error ? error.message : String(error));
      });
  }

  private async connection(i: number): Promise<void> {
    const suites = [i % 2 === 0 ? ('ECC_SM4_GCM_SM3' as const) : ('ECC_SM4_CBC_SM3' as const)];
    const client = await TlcpClient.ready(module, { ...this.options, suites });
    this.handshakes++;
    for (let n = 0; n < REQUESTS_OF_A_CONNECTION && this.running; n++) {
      const { status, head } = await client.ask(post('/', `{"a":"${i}.${n}"}`));
      if (status !== 200) this.failures.push(`status ${status}, ${JSON.stringify(client.connection.ending)}`);
      this.answered++;
      if (!/connection: close/i.test(head)) continue;
      this.announced++;
      break;
    }
    await client.close();
  }

  /** Waits until as many more requests were answered. */
  async go(harness: Harness, more = BETWEEN): Promise<void> {
    const wanted = this.answered + more;
    await harness.poll(async () => this.answered >= wanted || this.failures.length > 0);
    assert.deepEqual(this.failures, []);
  }

  async stop(): Promise<void> {
    this.running = false;
    await this.ended;
    assert.deepEqual(this.failures, []);
  }
}

describe('under load', () => {
  let harness: Harness;
  before(async () => {
    harness = await Harness.start({
      routes: routesOf(certificates[0]!),
      tlcp: certificates[0]!.identity,
      withKms: (kms) => keep({ kms }, certificates[0]!),
      kms: { refreshMs: 500 },
    });
  });
  after(() => harness.stop());

  const live = async (): Promise<number> =>
    (await harness.stack.envoy.admin.stats('^wasmcustom.fim.tlcp.connections.live$')).get(
      'wasmcustom.fim.tlcp.connections.live',
    ) ?? -1;

  test('policies, keys and certificates change, and no request fails', async (t) => {
    const load = new Load(harness);
    await load.go(harness);
    for (const made of certificates.slice(1)) {
      keep(harness, made);
      await load.go(harness);
      assert.equal((await harness.edit(routesOf(made))).event, 'applied');
      await load.go(harness);
      assert.equal((await harness.edit(routesOf(made, true))).event, 'applied');
      await load.go(harness);
    }
    // What new clients see is the last pair.
    const { port } = harness.stack.listen;
    const fresh = await TlcpClient.ready(module, { port, trust: certificates[2]!.authority });
    assert.equal((await fresh.ask(get('/'))).status, 200);
    fresh.destroy();
    await load.stop();
    t.diagnostic(`${load.answered} requests, ${load.handshakes} handshakes, 0 failed`);
    await harness.poll(async () => (await live()) === 0);
  });

  test('a drain ends connections behind an answer that says so, and none fails', async () => {
    const load = new Load(harness);
    await load.go(harness);
    await order('/healthcheck/fail');
    const wanted = load.announced + 4 * CLIENTS;
    await harness.poll(async () => load.announced >= wanted || load.failures.length > 0);
    await order('/healthcheck/ok');
    await load.go(harness);
    await load.stop();
    await harness.poll(async () => (await live()) === 0);
  });

  test('requests under way when the listener drains are answered', async () => {
    const { port } = harness.stack.listen;
    const trust = certificates[2]!.authority;
    const clients: TlcpClient[] = [];
    for (let i = 0; i < CLIENTS; i++) clients.push(await TlcpClient.ready(module, { port, trust }));
    const waiting: (() => void)[] = [];
    const usual = harness.upstream.answer;
    harness.upstream.answer = (_request, response) =>
      void waiting.push(() => void response.writeHead(200, { 'content-type': 'application/json' }).end('{"a":"x"}'));
    const answers = clients.map((client) => client.ask(post('/', '{"a":"1"}')));
    await harness.poll(async () => waiting.length === CLIENTS);
    await order('/drain_listeners');
    for (const answer of waiting) answer();
    for (const { status, body } of await Promise.all(answers)) {
      assert.equal(status, 200);
      assert.ok(body.includes('{"a":"x"}'), body);
    }
    harness.upstream.answer = usual;
    for (const client of clients) client.destroy();
    await harness.poll(async () => (await live()) === 0);
  });

  async function order(path: string): Promise<void> {
    const response = await fetch(new URL(path, harness.stack.envoy.admin.base), { method: 'POST' });
    assert.equal(response.status, 200, path);
  }
});

test('clients that are half open leave nothing behind', async () => {
  const harness = await Harness.start({
    routes: routesOf(certificates[0]!),
    tlcp: certificates[0]!.identity,
    withKms: (kms) => keep({ kms }, certificates[0]!),
  });
  try {
    const options = { port: harness.stack.listen.port, trust: certificates[0]!.authority };
    const stat = async (name: string): Promise<number> =>
      (await harness.stack.envoy.admin.stats(`^${name}$`)).get(name) ?? 0;
    const gone = async (): Promise<boolean> =>
      (await stat('wasmcustom.fim.tlcp.connections.live')) === 0 &&
      (await stat('http.fim.downstream_cx_active')) === 0 &&
      (await stat('http.fim.downstream_rq_active')) === 0;
    // The end of the TCP connection without a close_notify: in the hello, idle, in a head, in a body, before the answer.
    const hello = await TlcpClient.open(module, options);
    hello.halfClose();
    await hello.until(() => hello.ended);
    harness.upstream.answer = () => {};
    const parts = [
      '',
      'GET / HT',
      'POST / HTTP/1.1\r\nhost: a\r\ncontent-type: application/json\r\ncontent-length: 9\r\n\r\n{"a"',
      get('/'),
    ];
    for (const part of parts) {
      const client = await TlcpClient.ready(module, options);
      if (part !== '') await client.write(part);
      if (part === get('/')) await harness.poll(async () => (await stat('http.fim.downstream_rq_active')) > 0);
      client.halfClose();
      await client.until(() => client.ended);
    }
    // Clients that vanish while an answer is on its way, and one that resets.
    for (const abort of [true, false]) {
      const client = await TlcpClient.ready(module, options);
      await client.write(get('/'));
      await harness.poll(async () => (await stat('http.fim.downstream_rq_active')) > 0);
      if (abort) client.reset();
      else client.destroy();
    }
    await harness.poll(gone);
    harness.upstream.answer = (_request, response) => response.end('{"a":"x"}');
    const after = await TlcpClient.ready(module, options);
    assert.equal((await after.ask(get('/'))).status, 200);
    after.destroy();
  } finally {
    await harness.stop();
  }
});
