// Compressed bodies on a real Envoy: what goes on is all of the message or nothing, in whatever mode and whatever
// stages the route has.
import assert from 'node:assert/strict';
import type { IncomingHttpHeaders } from 'node:http';
import { after, before, describe, test } from 'node:test';
import { deflateRawSync, deflateSync, gunzipSync, gzipSync } from 'node:zlib';
import { openProtected } from '../../envoy/standalone/open-protected.ts';
import type { Layout } from '../../envoy/xds/index.ts';
import { Harness, KEY_ID } from './harness.ts';
import type { Reply } from './http-client.ts';
import { JSON_TYPE, problemOf, send } from './http-client.ts';
import { route, together } from './resources.ts';

const WHOLE_BYTES = 900_036;
const MIB = 1024 * 1024;
const SIGNING_KEY = 'kms://partner/hmac';
const CARD = '6222021234567894';

function filled(before: string, after: string, bytes = WHOLE_BYTES): Buffer {
  return Buffer.from(`${before}${'x'.repeat(bytes - before.length - after.length)}${after}`);
}

/** At a ratio of some 900 to one: what an opener with a bound on it would cut. */
const JSON_BODY = filled('{"transCode":"01200101","memo":"', '"}');
const FORM_BODY = filled('transCode=01200101&memo=', '');
const body = { compressed: 'Decompress', maxBytes: MIB };
const fields = [{ name: 'transCode', pattern: '^01[0-9]{6}$' }];
const at = (path: string): object => ({ match: { path: { value: `/${path}` } } });

const routes = (layout: Layout): string =>
  together(
    route('judged', { ...at('judged'), body, validation: { fields } }),
    route('places', {
      ...at('places'),
      body,
      validation: {
        fields: [
          { name: 'x-channel', in: 'Header' },
          { name: 'q', in: 'Query', required: false },
        ],
      },
    }),
    route('counted', { ...at('counted'), body, rateLimit: { requests: 100_000, period: '1s' } }),
    route('by-field', {
      ...at('by-field'),
      body,
      rateLimit: { requests: 100_000, period: '1s', key: { field: '$.transCode' } },
    }),
    route('form', { ...at('form'), body: { ...body, format: 'Form' }, validation: { fields } }),
    ...(layout === 'fused'
      ? [route('signed', { ...at('signed'), body, signature: { keyId: SIGNING_KEY, request: 'Sign' } })]
      : []),
    route('sealed', { ...at('sealed'), body, encryption: { keyId: KEY_ID, request: 'Encrypt' } }),
    route('segments', {
      ...at('segments'),
      body,
      encryption: { keyId: KEY_ID, request: 'Encrypt', profile: 'segmented' },
    }),
    route('masked', { ...at('masked'), body, masking: { fields: [{ name: 'transCode', method: 'Full' }] } }),
    route('observed', { ...at('observed'), enforcement: 'Observe', body, validation: { fields } }),
    route('observed-sealed', {
      ...at('observed-sealed'),
      enforcement: 'Observe',
      body,
      validation: { fields },
      encryption: { keyId: KEY_ID, request: 'Encrypt' },
    }),
    route('answers', { ...at('answers'), body, masking: { detect: [{ kind: 'BankCard' }] } }),
    route('sealed-answers', {
      ...at('sealed-answers'),
      body,
      encryption: { keyId: KEY_ID, request: 'None', response: 'Encrypt' },
    }),
  );

const post = (harness: Harness, path: string, packed: Buffer, headers: Record<string, string> = {}): Promise<Reply> =>
  send(harness.url, {
    path: `/${path}`,
    headers: {
      ...(path === 'form' ? { 'content-type': 'application/x-www-form-urlencoded' } : JSON_TYPE),
      'x-channel': 'APP',
      'content-encoding': 'gzip',
      ...headers,
    },
    body: packed,
  });

/** A copy with the byte at `index` (from the end if negative) changed. */
function changed(bytes: Buffer, index: number): Buffer {
  const copy = Buffer.from(bytes);
  copy[index < 0 ? copy.length + index : index]! ^= 1;
  return copy;
}

/** Ways to be less than a whole message, and the code that tells them. */
function ruined(plain: Buffer): [how: string, packed: Buffer, code: string][] {
  const whole = gzipSync(plain);
  return [
    ['cut in its middle', whole.subarray(0, whole.length >> 1), 'FIM-RT-0052'],
    ['without its trailer', whole.subarray(0, -8), 'FIM-RT-0052'],
    ['without its last byte', whole.subarray(0, -1), 'FIM-RT-0052'],
    ['a checksum of something else', changed(whole, -8), 'FIM-RT-0053'],
    ['a length of something else', changed(whole, -4), 'FIM-RT-0053'],
    [
      'a second member that is cut',
      Buffer.concat([gzipSync(plain.subarray(0, 1000)), gzipSync(plain.subarray(1000)).subarray(0, -1)]),
      'FIM-RT-0052',
    ],
    [
      'a second member of another checksum',
      Buffer.concat([gzipSync(plain.subarray(0, 1000)), changed(gzipSync(plain.subarray(1000)), -7)]),
      'FIM-RT-0053',
    ],
    ['followed by other bytes', Buffer.concat([whole, Buffer.from('{}')]), 'FIM-RT-0054'],
    ['no gzip', plain.subarray(0, 1000), 'FIM-RT-0055'],
    ['nothing', Buffer.alloc(0), 'FIM-RT-0052'],
  ];
}

/** The upstream must receive the message. The third part undoes the route's change. */
const REQUESTS: [
  path: string,
  plain: Buffer,
  read: (arrived: Buffer, headers: IncomingHttpHeaders, kms: URL) => Buffer | Promise<Buffer>,
][] = [
  ['judged', JSON_BODY, (arrived) => arrived],
  ['places', JSON_BODY, (arrived) => arrived],
  ['counted', JSON_BODY, (arrived) => arrived],
  ['by-field', JSON_BODY, (arrived) => arrived],
  ['form', FORM_BODY, (arrived) => arrived],
  [
    'signed',
    JSON_BODY,
    (arrived, headers) => (assert.ok(Object.keys(headers).some((name) => name.includes('signature'))), arrived),
  ],
  ['sealed', JSON_BODY, (arrived, _headers, kms) => openProtected(arrived.toString(), kms)],
  ['masked', JSON_BODY, (arrived) => Buffer.from(arrived.toString().replace('"********"', '"01200101"'))],
  ['observed', JSON_BODY, (arrived) => arrived],
  ['observed-sealed', JSON_BODY, (arrived, _headers, kms) => openProtected(arrived.toString(), kms)],
];

for (const layout of ['fused', 'chain'] as const)
  describe(layout, () => {
    let harness: Harness;
    before(async () => {
      harness = await Harness.start({ layout, routes: route('before', { masking: { fields: [{ path: '$.card' }] } }) });
      harness.kms.register.create('partner/hmac', 'HMAC-SM3', {
        material: Buffer.from('0123456789abcdef0123456789abcdef'),
      });
      await harness.edit(routes(layout));
    });
    after(() => harness.stop());

    describe('requests', () => {
      for (const [path, plain, read] of REQUESTS) {
        if (path === 'signed' && layout === 'chain') continue; // no module of its own signs
        test(`${path}: all of it goes on`, async () => {
          assert.equal(plain.length, WHOLE_BYTES);
          const ways: [packed: Buffer, encoding: string][] = [
            [gzipSync(plain), 'gzip'],
            [gzipSync(plain, { level: 1 }), 'x-gzip'],
            [
              Buffer.concat([gzipSync(plain.subarray(0, 94_208)), gzipSync(''), gzipSync(plain.subarray(94_208))]),
              'gzip, identity',
            ],
            [deflateSync(plain), 'deflate'],
            [deflateRawSync(plain), 'deflate'],
          ];
          for (const [packed, encoding] of ways) {
            const reply = await post(harness, path, packed, { 'content-encoding': encoding });
            assert.equal(reply.status, 200, `${encoding}: ${reply.body}`);
            const arrived = harness.upstream.arrived.at(-1)!;
            assert.equal(arrived.headers['content-encoding'], undefined);
            assert.ok(
              (await read(arrived.body, arrived.headers, harness.stack.kmsUrl)).equals(plain),
              `${encoding}: ${arrived.body.length} bytes arrived`,
            );
          }
        });

        if (path === 'observed') continue;
        test(`${path}: nothing of less than all goes on`, async () => {
          const { begun } = harness.upstream;
          for (const [how, packed, code] of ruined(plain)) {
            const reply = await post(harness, path, packed);
            assert.deepEqual([reply.status, problemOf(reply).code], [422, code], how);
          }
          const large = await post(harness, path, gzipSync(Buffer.alloc(MIB + 1, 'x')));
          assert.deepEqual([large.status, problemOf(large).code], [413, 'FIM-RT-0051']);
          const bomb = await post(harness, path, gzipSync(Buffer.alloc(64 * MIB)));
          assert.deepEqual([bomb.status, problemOf(bomb).code], [413, 'FIM-RT-0051']);
          assert.equal(harness.upstream.begun, begun, 'the upstream has not heard of any');
        });
      }

      test('a body that would be encrypted in passing is held, opened and encrypted whole', async () => {
        const { begun } = harness.upstream;
        for (const [how, packed, code] of ruined(JSON_BODY)) {
          const reply = await post(harness, 'segments', packed);
          assert.deepEqual([reply.status, problemOf(reply).code], [422, code], how);
        }
        assert.equal(harness.upstream.begun, begun);
        assert.equal((await post(harness, 'segments', gzipSync(JSON_BODY))).status, 200);
        const arrived = harness.upstream.arrived.at(-1)!;
        assert.equal(arrived.headers['content-encoding'], undefined);
        assert.ok(arrived.body.length > WHOLE_BYTES, `${arrived.body.length} bytes`);
      });

      test('where all is observed, what cannot be opened goes on as it came, never as if it were open', async () => {
        for (const [how, packed] of ruined(JSON_BODY)) {
          const reply = await post(harness, 'observed', packed);
          assert.equal(reply.status, 200, how);
          const arrived = harness.upstream.arrived.at(-1)!;
          assert.ok(arrived.body.equals(packed), how);
          assert.equal(arrived.headers['content-encoding'], 'gzip', how);
        }
      });
    });

    describe('responses', () => {
      const plain = filled(`{"cardNo":"${CARD}","memo":"`, '"}');
      const answer = (packed: Buffer, encoding = 'gzip'): void => {
        harness.upstream.answer = (_request, response) =>
          response.writeHead(200, { ...JSON_TYPE, 'content-encoding': encoding, etag: '"1"' }).end(packed);
      };
      const ask = (path: string): Promise<Reply> =>
        send(harness.url, { method: 'GET', path: `/${path}`, headers: { 'accept-encoding': 'gzip' } });

      test('a response that a stage needs is opened, all of it', async () => {
        for (const [packed, encoding] of [
          [gzipSync(plain), 'gzip'],
          [deflateSync(plain), 'deflate'],
          [Buffer.concat([gzipSync(plain.subarray(0, 7)), gzipSync(plain.subarray(7))]), 'x-gzip'],
        ] as const) {
          answer(packed, encoding);
          const masked = await ask('answers');
          assert.equal(masked.status, 200);
          assert.equal(harness.upstream.arrived.at(-1)!.headers['accept-encoding'], undefined);
          assert.deepEqual([masked.headers['content-encoding'], masked.headers.etag], [undefined, undefined]);
          assert.equal(masked.body.toString(), plain.toString().replace(CARD, '622202******7894'));
          const sealed = await ask('sealed-answers');
          assert.equal(sealed.status, 200);
          assert.ok((await openProtected(sealed.body.toString(), harness.stack.kmsUrl)).equals(plain));
        }
      });

      test('of one that is not whole the client gets nothing', async () => {
        for (const [how, packed, code] of ruined(plain)) {
          if (packed.length === 0) continue; // a response may have no content
          answer(packed);
          for (const path of ['answers', 'sealed-answers']) {
            const reply = await ask(path);
            assert.deepEqual([reply.status, problemOf(reply).code], [502, code], `${path}: ${how}`);
          }
        }
        answer(gzipSync(Buffer.alloc(MIB + 1)));
        assert.equal(problemOf(await ask('answers')).code, 'FIM-RT-0051');
        answer(Buffer.from([0x0b, 0x00]), 'br');
        assert.equal(problemOf(await ask('answers')).code, 'FIM-RT-0050');
      });

      test('one that no stage needs stays as the client asked for it', async () => {
        answer(gzipSync(plain));
        const reply = await ask('counted');
        assert.equal(reply.headers['content-encoding'], 'gzip');
        assert.ok(gunzipSync(reply.body).equals(plain));
      });
    });
  });
