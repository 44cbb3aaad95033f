// Trailers over HTTP/2, which no stage sees: what the body hides does not go on in them, in neither direction, and a
// response without body is left whole.
import assert from 'node:assert/strict';
import type { ClientHttp2Session, IncomingHttpHeaders } from 'node:http2';
import { connect } from 'node:http2';
import { after, before, test } from 'node:test';
import { Harness, KEY_ID } from './harness.ts';
import { route, together } from './resources.ts';

const CARD = '6222020000000000079';
const ROUTES = together(
  route('masked', { match: { path: { value: '/masked' } }, masking: { fields: [{ name: 'card', method: 'Full' }] } }),
  route('sealed', {
    match: { path: { value: '/sealed' } },
    encryption: { keyId: KEY_ID, request: 'Encrypt', response: 'Encrypt' },
  }),
  route('passing', {
    match: { path: { value: '/passing' } },
    encryption: { keyId: KEY_ID, request: 'None', response: 'Encrypt', stream: true },
  }),
  route('judged', {
    match: { path: { value: '/judged' } },
    validation: { fields: [{ name: 'transCode', pattern: '^01' }] },
  }),
);

let harness: Harness;
let session: ClientHttp2Session;
before(async () => {
  harness = await Harness.start({ routes: ROUTES, http2Upstream: true });
  session = connect(harness.url);
  await harness.keysFetched();
});
after(async () => {
  session?.destroy();
  await harness?.stop();
});

interface Answer {
  status: number;
  body: string;
  trailers: IncomingHttpHeaders;
}

/** Sends a body with trailers. The upstream answers with `body`, if it is not empty, and with trailers. */
async function ask(path: string, body: string): Promise<Answer> {
  harness.upstream.answer = (_request, response) => {
    response.writeHead(200, { 'content-type': 'application/json' });
    response.addTrailers({ 'x-card': CARD, 'x-end': '1' });
    if (body !== '') response.write(body);
    response.end();
  };
  return new Promise((done, failed) => {
    const stream = session.request(
      { ':method': 'POST', ':path': path, 'content-type': 'application/json' },
      { waitForTrailers: true },
    );
    const answer: Answer = { status: 0, body: '', trailers: {} };
    stream.on('wantTrailers', () => stream.sendTrailers({ 'x-card': CARD }));
    stream.on('response', (headers) => (answer.status = Number(headers[':status'])));
    stream.on('trailers', (trailers) => (answer.trailers = trailers));
    stream.setEncoding('utf8').on('data', (text: string) => (answer.body += text));
    stream.on('end', () => done(answer));
    stream.on('error', failed);
    stream.end(JSON.stringify({ transCode: '01', card: CARD }));
  });
}

for (const path of ['/masked', '/sealed', '/passing']) {
  test(`${path}: nothing of the trailers goes on, and the body arrives`, async () => {
    const answer = await ask(path, JSON.stringify({ card: CARD }));
    assert.equal(answer.status, 200, answer.body);
    assert.ok(answer.body.length > 0 && !answer.body.includes(CARD), answer.body);
    assert.deepEqual([answer.trailers['x-card'], answer.trailers['x-end']], [undefined, undefined]);
    const arrived = harness.upstream.arrived.at(-1)!;
    if (path === '/sealed') assert.deepEqual({ ...arrived.trailers }, {});
  });
}

test('a response of headers and trailers alone passes whole where bodies are encrypted in pieces', async () => {
  const answer = await ask('/passing', '');
  assert.deepEqual([answer.status, answer.body], [200, '']);
});

test('where bodies are judged and not hidden, trailers pass', async () => {
  const answer = await ask('/judged', '{}');
  assert.deepEqual([answer.status, answer.trailers['x-end']], [200, '1']);
  assert.equal(harness.upstream.arrived.at(-1)!.trailers['x-card'], CARD);
});
