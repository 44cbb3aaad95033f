// A refusal loses neither the reply nor the connection: HTTP/1.1 clients that still write their body receive the reply,
// and their next request is served.
import assert from 'node:assert/strict';
import { connect as connectHttp2 } from 'node:http2';
import type { Socket } from 'node:net';
import { connect } from 'node:net';
import { after, before, test } from 'node:test';
import { Harness } from './harness.ts';
import { route, together } from './resources.ts';

const MIB = 1024 * 1024;
const BODY = Buffer.alloc(5 * MIB, 'x');
const SLOW_PIECES = 20;
const FAST_CLIENTS = 10;
const SLOW_CLIENTS = 3;
const REPLY_TIMEOUT_MS = 60_000;
const GOOD = '{"transCode":"01"}';

const ROUTES = together(
  route('judged', {
    match: { path: { value: '/judged' } },
    validation: { fields: [{ name: 'transCode', pattern: '^01' }] },
  }),
  route('limited', { match: { path: { value: '/limited' } }, rateLimit: { requests: 1, period: '1h' } }),
  route('signed', {
    match: { path: { value: '/signed' } },
    body: { maxBytes: 8 * MIB },
    signature: { request: 'Verify', response: 'None', keyId: 'kms://partner/hmac' },
  }),
);

interface Refusal {
  name: string;
  path: string;
  type: string;
  status: number;
  code: string;
}

const REFUSALS: Refusal[] = [
  { name: 'a body over the limit', path: '/judged', type: 'application/json', status: 413, code: 'FIM-RT-0002' },
  {
    name: 'a compressed body',
    path: '/judged',
    type: 'application/json\r\ncontent-encoding: br',
    status: 415,
    code: 'FIM-RT-0003',
  },
  { name: 'a rate limit', path: '/limited', type: 'application/json', status: 429, code: 'FIM-LIM-0001' },
  { name: 'a missing signature', path: '/signed', type: 'application/json', status: 401, code: 'FIM-SIG-0001' },
];

let harness: Harness;
before(async () => {
  harness = await Harness.start({ routes: route('before', { masking: { fields: [{ path: '$.card' }] } }) });
  harness.upstream.answer = (_request, response) =>
    response.writeHead(200, { 'content-type': 'application/json', 'content-length': '2' }).end('{}');
  harness.kms.register.create('partner/hmac', 'HMAC-SM3', { material: Buffer.alloc(32, 7) });
  const event = await harness.edit(ROUTES);
  assert.equal(event.event, 'applied', JSON.stringify(event));
});
after(() => harness.stop());

/** A client that writes without waiting, and reads replies as they arrive. */
class Client {
  readonly socket: Socket = connect({ port: harness.stack.listen.port, host: '127.0.0.1' });
  private text = '';
  private closed: Error | true | null = null;
  private wake: () => void = () => {};

  constructor() {
    this.socket.setEncoding('latin1').on('data', (chunk: string) => {
      this.text += chunk;
      this.wake();
    });
    const close = (reason: Error | true): void => {
      this.closed ??= reason;
      this.wake();
    };
    this.socket
      .on('error', close)
      .on('end', () => close(true))
      .on('close', () => close(true));
  }

  /** Writes bytes, and waits until they are with the system. */
  async write(bytes: string | Buffer): Promise<void> {
    await new Promise<void>((written) => this.socket.write(bytes, () => written()));
  }

  /** The next whole reply; throws if the connection ends before. */
  async reply(): Promise<{ status: number; body: string }> {
    const deadline = setTimeout(() => this.socket.destroy(new Error('no reply in time')), REPLY_TIMEOUT_MS);
    try {
      for (;;) {
        const head = /^HTTP\/1\.1 (\d+)[^]*?\r\n\r\n/.exec(this.text);
        const length = Number(/\r\ncontent-length: (\d+)/i.exec(head?.[0] ?? '')?.[1] ?? 0);
        if (head !== null && this.text.length >= head[0].length + length) {
          const body = this.text.slice(head[0].length, head[0].length + length);
          this.text = this.text.slice(head[0].length + length);
          return { status: Number(head[1]), body };
        }
        if (this.closed !== null)
          throw new Error(
            `the connection ended: ${this.closed === true ? 'closed' : this.closed.message}; read: ${this.text}`,
          );
        await new Promise<void>((woken) => (this.wake = woken));
      }
    } finally {
      clearTimeout(deadline);
    }
  }
}

function head(path: string, type: string, framing: string): string {
  return `POST ${path} HTTP/1.1\r\nhost: a\r\ncontent-type: ${type}\r\n${framing}\r\n\r\n`;
}

const GOOD_REQUEST = `${head('/judged', 'application/json', `content-length: ${GOOD.length}`)}${GOOD}`;

/**
 * Sends a refused upload and, without waiting, a good request behind it; reads both replies, and makes one more
 * exchange.
 */
async function upload({ path, type, status, code }: Refusal, slow: boolean): Promise<void> {
  const client = new Client();
  try {
    await client.write(head(path, type, `content-length: ${BODY.length}`));
    const size = BODY.length / SLOW_PIECES;
    for (let at = 0; at < BODY.length; at += size) {
      await client.write(BODY.subarray(at, at + size));
      if (slow) await harness.stack.envoy.admin.get('/ready'); // a round trip as pause
    }
    await client.write(GOOD_REQUEST);
    const refused = await client.reply();
    assert.equal(refused.status, status, refused.body);
    assert.equal((JSON.parse(refused.body) as { code: string }).code, code);
    assert.equal((await client.reply()).status, 200, 'pipelined behind it');
    await client.write(GOOD_REQUEST);
    assert.equal((await client.reply()).status, 200, 'the connection lives');
  } finally {
    client.socket.destroy();
  }
}

for (const refusal of REFUSALS) {
  test(`${refusal.name} with 5 MiB still to come: ${FAST_CLIENTS + SLOW_CLIENTS} of ${FAST_CLIENTS + SLOW_CLIENTS} clients read the ${refusal.status}, and their connections live`, async () => {
    if (refusal.path === '/limited') await upload({ ...refusal, status: 429 }, false).catch(() => {}); // takes the one token
    for (let i = 0; i < FAST_CLIENTS; i++) await upload(refusal, false);
    await Promise.all(Array.from({ length: SLOW_CLIENTS }, () => upload(refusal, true)));
    const replies = async (what: string): Promise<number> =>
      (await harness.stack.envoy.admin.stats('fim.reply')).get(`wasmcustom.fim.reply.${what}`) ?? 0;
    await harness.poll(async () => (await replies('late')) >= FAST_CLIENTS + SLOW_CLIENTS);
    assert.equal(await replies('failed'), 0);
  });
}

test('a chunked body of unknown length gets its reply at its end, with the next request behind it', async () => {
  const client = new Client();
  await client.write(head('/judged', 'application/json', 'transfer-encoding: chunked'));
  for (let i = 0; i < SLOW_PIECES; i++)
    await client.write(
      Buffer.concat([
        Buffer.from(`${(BODY.length / SLOW_PIECES).toString(16)}\r\n`),
        BODY.subarray(0, BODY.length / SLOW_PIECES),
        Buffer.from('\r\n'),
      ]),
    );
  await client.write(`0\r\nx-trailer: 1\r\n\r\n${GOOD_REQUEST}`);
  assert.equal((await client.reply()).status, 413);
  assert.equal((await client.reply()).status, 200);
  client.socket.destroy();
});

test('where more is declared, or comes, than is worth reading, the reply goes out at once', async () => {
  const declared = new Client();
  await declared.write(head('/judged', 'application/json', `content-length: ${100 * MIB}`));
  assert.equal((await declared.reply()).status, 413);
  declared.socket.destroy();
  const endless = new Client();
  await endless.write(head('/judged', 'application/json', 'transfer-encoding: chunked'));
  const piece = Buffer.concat([Buffer.from(`${MIB.toString(16)}\r\n`), BODY.subarray(0, MIB), Buffer.from('\r\n')]);
  let answered = false;
  const reply = endless.reply().finally(() => (answered = true));
  for (let i = 0; i < 64 && !answered; i++) await endless.write(piece);
  assert.equal((await reply).status, 413);
  endless.socket.destroy();
});

test('HTTP/2 is answered at once, and the connection lives', async () => {
  const session = connectHttp2(harness.url);
  const ask = async (path: string, body: Buffer, ends: boolean): Promise<number> =>
    new Promise((done, failed) => {
      const stream = session.request({ ':method': 'POST', ':path': path, 'content-type': 'application/json' });
      stream.on('response', (headers) => done(Number(headers[':status'])));
      stream.on('error', failed);
      stream.resume();
      if (ends) stream.end(body);
      else stream.write(body);
    });
  try {
    assert.equal(await ask('/judged', BODY.subarray(0, 2 * MIB), false), 413, 'the body has not ended');
    assert.equal(await ask('/judged', Buffer.from(GOOD), true), 200);
    assert.equal(await ask('/limited', Buffer.from(GOOD), false), 429);
    assert.equal(await ask('/judged', Buffer.from(GOOD), true), 200);
  } finally {
    session.destroy();
  }
});
