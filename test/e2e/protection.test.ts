// Wire profiles, named fields and streams through a real Envoy: what the upstream got opens elsewhere, and opens in
// another route of the same Envoy.
import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { after, before, describe, test } from 'node:test';
import { openProtected } from '../../envoy/standalone/open-protected.ts';
import { Harness, KEY_ID } from './harness.ts';
import { send } from './http-client.ts';
import { route, together } from './resources.ts';

const PROFILES = ['fim-json', 'compact', 'raw', 'hex', 'base64', 'segmented'] as const;
const FIELDS = { fields: ['$.card', '$.payer.name'], algorithm: 'SM4-CTR-HMAC-SM3' };

function pair(name: string, settings: object, body: object = {}): string[] {
  const of = (action: string): string =>
    route(`${name}-${action.toLowerCase()}`, {
      match: { path: { type: 'Exact', value: `/${name}/${action}` } },
      body,
      encryption: { keyId: KEY_ID, request: action, ...settings },
    });
  return [of('Encrypt'), of('Decrypt')];
}

let harness: Harness;
before(async () => {
  const routes = [
    ...PROFILES.flatMap((profile) => pair(profile, { profile })),
    ...pair('fields', FIELDS),
    ...pair('streamed', { profile: 'segmented', stream: true, segmentBytes: 16384 }),
    ...pair('streamed-json', { stream: true }, { maxBytes: 16777216 }),
    route('answer', {
      match: { path: { type: 'Exact', value: '/answer' } },
      encryption: { keyId: KEY_ID, request: 'None', response: 'Decrypt' },
    }),
  ];
  harness = await Harness.start({ routes: together(...routes) });
});
after(() => harness.stop());

const arrived = (): { body: Buffer; headers: NodeJS.Dict<string | string[]> } => harness.upstream.arrived.at(-1)!;

async function both(
  name: string,
  text: Buffer,
  type: string,
): Promise<{ sealed: Buffer; opened: Buffer; openedType: unknown }> {
  const first = await send(harness.url, { path: `/${name}/Encrypt`, body: text, headers: { 'content-type': type } });
  assert.equal(first.status, 200, first.body.toString());
  const { body: sealed, headers } = arrived();
  const second = await send(harness.url, {
    path: `/${name}/Decrypt`,
    body: sealed,
    headers: { 'content-type': String(headers['content-type']) },
  });
  assert.equal(second.status, 200, second.body.toString());
  return { sealed, opened: arrived().body, openedType: arrived().headers['content-type'] };
}

describe('profiles', () => {
  for (const profile of PROFILES) {
    test(profile, async () => {
      const text = randomBytes(20_000);
      const { sealed, opened, openedType } = await both(profile, text, 'application/pdf');
      assert.deepEqual(opened, text);
      const says = profile === 'fim-json' || profile === 'compact' || profile === 'segmented';
      assert.equal(openedType, says ? 'application/pdf' : 'application/json');
      const terms = says ? undefined : { profile: profile as 'raw', algorithm: 'SM4-GCM' as const, kid: `${KEY_ID}#1` };
      assert.deepEqual(await openProtected(sealed, harness.stack.kmsUrl, terms), text);
      const forged = Buffer.from(sealed);
      forged[forged.length - 30]! ^= 4;
      const before = harness.upstream.arrived.length;
      const refused = await send(harness.url, {
        path: `/${profile}/Decrypt`,
        body: forged,
        headers: { 'content-type': 'text/plain' },
      });
      assert.equal(refused.status, 422);
      assert.match(refused.body.toString(), /FIM-SM4-0002/);
      assert.equal(harness.upstream.arrived.length, before);
    });
  }
});

test('an answer that has lost its body does not pass for an empty one', async () => {
  const answer = harness.upstream.answer;
  try {
    for (const [status, length] of [
      [200, true],
      [200, false],
      [204, false],
      [401, true],
    ] as const) {
      harness.upstream.answer = (_request, response) =>
        response.writeHead(status, length ? { 'content-length': '0' } : {}).end();
      const reply = await send(harness.url, { path: '/answer', method: 'GET', headers: {} });
      assert.equal(reply.status, status === 200 ? 502 : status, `${status} ${length}`);
      if (status === 200) assert.match(reply.body.toString(), /FIM-SM4-0002/);
    }
  } finally {
    harness.upstream.answer = answer;
  }
});

test('named fields: the rest is byte for byte what was sent', async () => {
  const text = Buffer.from('{ "card":"6222021234567890", "payer":{"name":"李四","age": 41} }');
  const { sealed, opened } = await both('fields', text, 'application/json');
  assert.match(sealed.toString(), /^\{ "card":"[\w.-]+", "payer":\{"name":"[\w.-]+","age": 41\} \}$/);
  assert.deepEqual(opened, text);
});

describe('large bodies', () => {
  test('segments pass both ways, far beyond the limit of held bodies', async () => {
    const text = randomBytes(8 << 20);
    const { sealed, opened, openedType } = await both('streamed', text, 'video/mp4');
    assert.ok(sealed.length > text.length);
    assert.ok(opened.equals(text));
    assert.equal(openedType, 'video/mp4');
  });

  test('an envelope is made as the body passes, and is the same as one that was held', async () => {
    const text = randomBytes(4 << 20);
    const { sealed, opened } = await both('streamed-json', text, 'application/json');
    assert.ok((await openProtected(sealed, harness.stack.kmsUrl)).equals(text));
    assert.ok(opened.equals(text));
  });
});
