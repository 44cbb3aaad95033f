// Partners' own signing strings on a real Envoy: verified against texts that the README's Python makes, signed so that
// it agrees, and between two proxies.
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { createHmac, generateKeyPairSync, randomBytes } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { after, before, describe, test } from 'node:test';
import { parse } from 'yaml';
import { type SigningTerms, sign, verify } from '../protection/signing.ts';
import { until } from '../operator/until.ts';
import { Harness } from './harness.ts';
import { JSON_TYPE, type Reply, send } from './http-client.ts';
import { route, together } from './resources.ts';

const README = readFileSync(new URL('../../filters/message-signature/README.md', import.meta.url), 'utf8');
const SECTION = README.slice(README.indexOf("## A partner's own string"));
const [, PYTHON = ''] = /```python\n(.*?)```/s.exec(SECTION) ?? [];
const [LINES, FIELDS, ANSWER] = [...SECTION.matchAll(/```yaml\n(.*?)```/gs)].map(
  ([, text]) => (parse(text!) as { signature: Record<string, unknown> }).signature,
) as [Record<string, unknown>, Record<string, unknown>, Record<string, unknown>];

/** An expression of the README's Python. */
function python(expression: string, values: object): string {
  const main = `import sys\nv = json.loads(sys.stdin.read())\nsys.stdout.buffer.write(str(${expression}).encode())`;
  return execFileSync('python3', ['-c', `${PYTHON}\n${main}`], { input: JSON.stringify(values), encoding: 'utf8' });
}

const HMAC: SigningTerms = { algorithm: 'HMAC-SM3', key: randomBytes(32) };
const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: 'SM2' });
/** The 32 bytes behind ECPrivateKey's version and the head of its octet string (RFC 5915). */
const scalarOf = (der: Buffer): Buffer => {
  const at = der.indexOf(Buffer.from('0201010420', 'hex')) + 5;
  return der.subarray(at, at + 32);
};
const SM2: SigningTerms = {
  algorithm: 'SM2',
  key: scalarOf(privateKey.export({ format: 'der', type: 'pkcs8' })),
};
const OF_KIND = {
  hmac: { terms: HMAC, settings: {}, sign: 'kms://partner/hmac', verify: 'kms://partner/hmac' },
  sm2: { terms: SM2, settings: { algorithm: 'SM2' }, sign: 'kms://partner/sm2', verify: 'kms://partner/sm2-public' },
} as const;
type Kind = keyof typeof OF_KIND;
const KINDS = Object.keys(OF_KIND) as Kind[];

const LINE = { part: 'Constant', text: '\n' };
const linesOf = (...parts: string[]): object[] => parts.flatMap((part) => [{ part }, LINE]);
const FORM_TYPE = 'application/x-www-form-urlencoded';
const china = (at = Date.now()): string => new Date(at + 8 * 3_600_000).toISOString().slice(0, 19).replace('T', ' ');
const number = (): string => randomBytes(8).toString('hex');

/** Routes of one side: `request` and `response` say what it does. */
function routes(request: 'Sign' | 'Verify'): string {
  const response = request === 'Sign' ? 'Verify' : 'Sign';
  const all = KINDS.flatMap((kind) => {
    const { settings, ...ids } = OF_KIND[kind];
    const of = (name: string, body: object, signature: object, answers: boolean): string =>
      route(`${name}-${kind}`, {
        match: { path: { value: `/${kind}/${name}` } },
        body,
        signature: {
          ...settings,
          covers: 'Template',
          ...signature,
          request: answers ? 'None' : request,
          response: answers ? response : 'None',
          keyId: (answers ? response : request) === 'Sign' ? ids.sign : ids.verify,
        },
      });
    const lines = { ...LINES, algorithm: settings === OF_KIND.hmac.settings ? 'HMAC-SM3' : 'SM2' };
    const fields = { ...FIELDS, ...settings };
    const answer = { response: linesOf('Timestamp', 'Nonce', 'Body') };
    return [
      of(
        'lines',
        { format: 'JSON' },
        { ...lines, header: 'pay-signature', timestampHeader: 'pay-timestamp', nonceHeader: 'pay-nonce' },
        false,
      ),
      of('lines-answer', {}, { template: answer, header: 'pay-signature', timestampFormat: 'UnixSeconds' }, true),
      of('form', { format: 'Form' }, fields, false),
      of('json', { format: 'JSON' }, { ...fields, encoding: 'Hex', base64: 'Tolerant' }, false),
      of(
        'json-answer',
        { format: 'JSON' },
        { field: 'sign', replay: 'Unprotected', template: { response: [{ part: 'Member', name: 'data' }] } },
        true,
      ),
      of(
        'unescaped',
        { format: 'Form', formAnswers: 'Unescaped', contentTypes: [FORM_TYPE, 'text/html'] },
        { ...ANSWER, algorithm: lines.algorithm },
        true,
      ),
      of(
        'apart',
        { format: 'Form' },
        {
          replay: 'Unprotected',
          template: { request: [{ part: 'QueryFields' }, LINE, { part: 'Fields' }, LINE, { part: 'Nonce' }] },
        },
        false,
      ),
      of(
        'digest',
        { format: 'Form' },
        {
          ...fields,
          field: 'signature',
          timestampField: 'txnTime',
          timestampFormat: 'ChinaCompact',
          nonceField: 'orderId',
          template: { request: [{ part: 'Fields' }], digest: 'Sm3Hex' },
        },
        false,
      ),
      of(
        'all',
        { format: 'Form' },
        {
          ...fields,
          replay: 'Unprotected',
          base64: 'Tolerant',
          timestampField: undefined,
          nonceField: undefined,
          template: { request: [{ part: 'AllFields' }], except: ['sign_type'] },
        },
        false,
      ),
    ];
  });
  return together(...all);
}

let harness: Harness;
let sender: Harness;
before(async () => {
  const nothing = route('before', { masking: { fields: [{ path: '$.card' }] } });
  harness = await Harness.start({ routes: nothing });
  sender = await Harness.start({ routes: nothing, upstream: new URL(harness.url) });
  const started = Date.now();
  for (const [each, does] of [
    [harness, 'Verify'],
    [sender, 'Sign'],
  ] as const) {
    each.kms.register.create('partner/hmac', 'HMAC-SM3', { material: Buffer.from(HMAC.key) });
    each.kms.register.create('partner/sm2', 'SM2-PRIVATE', {
      material: privateKey.export({ format: 'der', type: 'pkcs8' }),
    });
    each.kms.register.create('partner/sm2-public', 'SM2-PUBLIC', {
      material: publicKey.export({ format: 'der', type: 'spki' }),
    });
    const applied = await each.edit(routes(does));
    assert.equal(applied.event, 'applied', JSON.stringify(applied));
  }
  // For the default of clockAhead after the second start nothing that counts once is accepted; a time in whole seconds
  // is the beginning of its second.
  await until('both proxies accept', () => Date.now() > started + 6_000);
});
after(async () => {
  await sender?.stop();
  await harness?.stop();
});

async function assertStatus(answer: Promise<Reply>, status: number, what = ''): Promise<Reply> {
  const { status: was, body } = await answer;
  assert.equal(was, status, `${what} ${body.toString()}`);
  return answer;
}

/** A message arrives once, and the same again, or changed by `change`, does not. */
async function assertGenuine(post: (change?: (body: string) => string) => Promise<Reply>, once = true): Promise<void> {
  const before = harness.upstream.arrived.length;
  await assertStatus(
    post((body) => body.replace('100.00', '900.00')),
    401,
    'changed',
  );
  await assertStatus(post(), 200);
  await assertStatus(post(), once ? 401 : 200, 'again');
  assert.equal(harness.upstream.arrived.length, before + (once ? 1 : 2));
}

for (const kind of KINDS) {
  const { terms } = OF_KIND[kind];
  const signed = (text: string, encoding: 'base64' | 'hex' = 'base64'): string =>
    sign({ ...terms, encoding }, Buffer.from(text));

  describe(`${kind}: what a partner signs`, () => {
    test('lines of method, path with query, time, nonce and body', async () => {
      const [time, nonce, body] = [String(Math.floor(Date.now() / 1000)), number(), '{"amount":"100.00","to":"张三"}'];
      const path = `/${kind}/lines?channel=app&v=%2d`;
      const text = python('lines_text(**v)', { method: 'POST', path_and_query: path, timestamp: time, nonce, body });
      assert.equal(text, `POST\n${path}\n${time}\n${nonce}\n${body}\n`);
      const signature = signed(text);
      await assertGenuine((change = (same) => same) =>
        send(harness.url, {
          path,
          body: change(body),
          headers: {
            ...JSON_TYPE,
            'pay-signature': signature,
            'pay-timestamp': time,
            'pay-nonce': nonce,
          },
        }),
      );
      for (const [other, headers] of [
        [`/${kind}/lines?channel=app`, {}],
        [path, { 'pay-nonce': `${nonce}0` }],
        [path, { 'pay-timestamp': String(Number(time) + 1) }],
      ] as const)
        await assertStatus(
          send(harness.url, {
            path: other,
            body,
            headers: {
              ...JSON_TYPE,
              'pay-signature': signature,
              'pay-timestamp': time,
              'pay-nonce': nonce,
              ...headers,
            },
          }),
          401,
        );
    });

    test('a GET without body', async () => {
      const [time, nonce, path] = [String(Math.floor(Date.now() / 1000)), number(), `/${kind}/lines?id=7`];
      const signature = signed(
        python('lines_text(**v)', { method: 'GET', path_and_query: path, timestamp: time, nonce, body: '' }),
      );
      const headers = { 'pay-signature': signature, 'pay-timestamp': time, 'pay-nonce': nonce };
      await assertStatus(send(harness.url, { method: 'GET', path, headers }), 200);
      await assertStatus(send(harness.url, { method: 'GET', path: `${path}0`, headers }), 401);
    });

    test('sorted fields of a form, with the signature among them', async () => {
      const fields = {
        out_trade_no: number(),
        app_id: '2021',
        biz: '{"a":"支付 & 1+1=2"}',
        total: '100.00',
        note: '',
        timestamp: china(),
      };
      const text = python('fields_text(v)', { ...fields, sign: 'x' });
      assert.equal(
        text,
        `app_id=2021&biz=${fields.biz}&out_trade_no=${fields.out_trade_no}&timestamp=${fields.timestamp}&total=100.00`,
      );
      const body = new URLSearchParams({ ...fields, sign: signed(text) }).toString();
      await assertGenuine((change = (same) => same) =>
        send(harness.url, { path: `/${kind}/form`, body: change(body), headers: { 'content-type': FORM_TYPE } }),
      );
    });

    test('the same text counts once, however it is divided among fields', async () => {
      const fields = { amount: '1', out_trade_no: number(), p: '7', q: '8', timestamp: china() };
      const text = python('fields_text(v)', fields);
      const signature = signed(text, 'hex');
      const post = (all: object): Promise<Reply> =>
        send(harness.url, {
          path: `/${kind}/json`,
          body: JSON.stringify({ sign: signature, ...all }),
          headers: JSON_TYPE,
        });
      await assertStatus(post(fields), 200);
      const { amount, out_trade_no, q, timestamp } = fields;
      await assertStatus(post({ amount, out_trade_no: `${out_trade_no}&p=7`, q, timestamp }), 401);
      await assertStatus(post({ amount, out_trade_no: `${out_trade_no}&p=7&q=8`, timestamp }), 401);
    });

    test('sorted fields of a JSON object, nested ones as they stand', async () => {
      const fields = {
        out_trade_no: number(),
        total: '100.00',
        zero: 0,
        none: null,
        escaped: 'a"b\\/\u00e9',
        list: [1, { b: 'x', a: null }],
        timestamp: china(),
      };
      const text = python('fields_text(v)', fields);
      assert.match(text, /^escaped=a"b\\\/é&list=\[1,\{"b":"x","a":null\}\]&out_trade_no=/);
      const body = JSON.stringify({ sign: signed(text, 'hex'), ...fields });
      await assertGenuine((change = (same) => same) =>
        send(harness.url, { path: `/${kind}/json`, body: change(body), headers: JSON_TYPE }),
      );
    });

    test('the digest of sorted fields, with a compact time', async () => {
      const fields = { orderId: number(), txnAmt: '100.00', txnTime: china().replace(/\D/g, '') };
      const text = python('sm3_hex(fields_text(v, "signature"))', fields);
      const body = new URLSearchParams({ ...fields, signature: signed(text) }).toString();
      await assertGenuine((change = (same) => same) =>
        send(harness.url, { path: `/${kind}/digest`, body: change(body), headers: { 'content-type': FORM_TYPE } }),
      );
    });

    test('fields of query and body as one list, the signature in the query, in the base64 of URLs', async () => {
      const [system, own] = [{ method: 'pay', app_id: '2021', sign_type: 'SM' }, { biz_content: '{"total":"100.00"}' }];
      const { sign_type: _, ...covered } = { ...system, ...own };
      const signature = signed(python('fields_text(v)', covered))
        .replace(/\+/g, '-')
        .replace(/\//g, '_')
        .replace(/=+$/, '');
      const query = new URLSearchParams({ ...system, sign: signature }).toString();
      const body = new URLSearchParams(own).toString();
      await assertGenuine(
        (change = (same) => same) =>
          send(harness.url, {
            path: `/${kind}/all?${query}`,
            body: change(body),
            headers: { 'content-type': FORM_TYPE },
          }),
        false,
      );
      const twice = send(harness.url, {
        path: `/${kind}/all?${query}`,
        body: `${body}&app_id=2021`,
        headers: { 'content-type': FORM_TYPE },
      });
      await assertStatus(twice, 401, 'a name in both');
    });

    test('fields do not move between query and body under one signature', async () => {
      const nonce = number();
      const signature = signed(`a=1\nb=2\nc=3\n${nonce}`);
      const post = (query: string, body: string): Promise<Reply> =>
        send(harness.url, {
          path: `/${kind}/apart?${query}`,
          body,
          headers: { 'content-type': FORM_TYPE, 'x-fim-signature': signature, 'x-fim-nonce': nonce },
        });
      // Both have the text that is signed, but only the second can be divided in one way.
      await assertStatus(post('a=1%0Ab%3D2', 'c=3'), 401, 'the constant within a value of the query');
      await assertStatus(post('a=1', 'b=2%0Ac%3D3'), 200, 'a line feed in the part that may hold anything');
      await assertStatus(post('a=1', `b=2%0Ac%3D4`), 401, 'another text');
    });

    test('time and number count where they are signed, not in a query beside the signed body', async () => {
      const nonce = number();
      const signature = signed('amount=1', 'hex');
      const post = (query: string, body: object): Promise<Reply> =>
        send(harness.url, { path: `/${kind}/json${query}`, body: JSON.stringify(body), headers: JSON_TYPE });
      const stamps = new URLSearchParams({ out_trade_no: nonce, timestamp: china() }).toString();
      await assertStatus(post(`?${stamps}`, { amount: '1', sign: signature }), 401);
    });

    test('a time of long ago, a signature that is missing, is no text or stands beside no fields', async () => {
      const post = (fields: object, text = python('fields_text(v)', fields)): Promise<Reply> =>
        send(harness.url, {
          path: `/${kind}/json`,
          body: JSON.stringify({ ...fields, sign: signed(text, 'hex') }),
          headers: JSON_TYPE,
        });
      await assertStatus(post({ out_trade_no: number(), timestamp: china(Date.now() - 600_000) }), 401, 'old');
      await assertStatus(post({ out_trade_no: number(), timestamp: '2026-02-30 00:00:00' }), 401, 'no day');
      await assertStatus(post({ timestamp: china() }), 401, 'no nonce');
      for (const body of ['{}', '[]', '{"sign":{}}', '{"sign":"zz"}', 'nonsense', `{"sign":"${'0'.repeat(5000)}"}`])
        await assertStatus(
          send(harness.url, { path: `/${kind}/json`, body, headers: JSON_TYPE }),
          401,
          body.slice(0, 20),
        );
    });
  });

  describe(`${kind}: what FIM signs`, () => {
    test('lines of an answer', async () => {
      const answer = await send(harness.url, { path: `/${kind}/lines-answer`, body: '{}', headers: JSON_TYPE });
      const of = (name: string): string => String(answer.headers[name]);
      const text = `${of('x-fim-timestamp')}\n${of('x-fim-nonce')}\n${answer.body.toString()}\n`;
      assert.match(of('x-fim-timestamp'), /^\d{10}$/);
      assert.ok(verify(terms, Buffer.from(text), of('pay-signature')));
    });

    test('the fields that go on, with time, nonce and signature behind them', async () => {
      const post = async (path: string, body: string, type: string): Promise<string> => {
        await assertStatus(send(sender.url, { path, body, headers: { 'content-type': type } }), 200);
        return harness.upstream.arrived.at(-1)!.body.toString();
      };
      const json = await post(`/${kind}/json`, '{ "b": 1.50 }', 'application/json');
      assert.match(
        json,
        /^\{ "b": 1\.50 ,"timestamp":"[-0-9]{10} [:0-9]{8}","out_trade_no":"[0-9a-f]{32}","sign":"[0-9a-f]+"\}$/,
      );
      const own = await post(`/${kind}/json`, '{"out_trade_no":"order-number-7","sign":""}', 'application/json');
      assert.match(own, /^\{"out_trade_no":"order-number-7","sign":"[0-9a-f]+","timestamp":"[^"]+"\}$/);
      const form = await post(`/${kind}/form`, 'b=%E6%94%AF+1', FORM_TYPE);
      const fields = Object.fromEntries(new URLSearchParams(form)) as Record<string, string>;
      assert.ok(verify(terms, Buffer.from(python('fields_text(v)', fields)), fields['sign']!));
      await post(`/${kind}/digest`, 'b=1', FORM_TYPE);
      await post(`/${kind}/lines?q=1`, '{"b":1}', 'application/json');
    });

    test('what one proxy signs in answers the other verifies', async () => {
      harness.upstream.answer = (_request, response) =>
        response.writeHead(200, JSON_TYPE).end('{"data":{"n": 1},"code":0}');
      const answer = await send(sender.url, { path: `/${kind}/json-answer`, body: '{}', headers: JSON_TYPE });
      assert.equal(answer.status, 200, answer.body.toString());
      const { sign: signature } = JSON.parse(answer.body.toString()) as { sign: string };
      assert.ok(verify(terms, Buffer.from('{"n": 1}'), signature));
      assert.equal(answer.body.toString(), `{"data":{"n": 1},"code":0,"sign":"${signature}"}`);
      await assertStatus(send(sender.url, { path: `/${kind}/lines-answer`, body: '{}', headers: JSON_TYPE }), 200);
    });

    test('an answer that is not percent-encoded goes through both, with the signature as it is', async () => {
      const text = 'accNo=6226****0048&respMsg=成功[0000000]&signPubKeyCert=-----BEGIN-----\nMIIE+a/b=\n-----END-----';
      harness.upstream.answer = (_request, response) =>
        response.writeHead(200, { 'content-type': 'text/html;charset=UTF-8' }).end(text);
      const answer = await send(sender.url, {
        path: `/${kind}/unescaped`,
        body: 'orderId=1%2B1',
        headers: { 'content-type': FORM_TYPE },
      });
      assert.equal(answer.status, 200, answer.body.toString());
      const [body, signature = ''] = answer.body.toString().split('&signature=');
      assert.equal(body, text);
      assert.ok(verify(terms, Buffer.from(python('sm3_hex(v["text"])', { text })), signature));
    });

    test('a body without a place for a signature does not go on', async () => {
      const { begun } = harness.upstream;
      for (const body of ['[1]', 'nonsense'])
        await assertStatus(send(sender.url, { path: `/${kind}/json`, body, headers: JSON_TYPE }), 500, body);
      await assertStatus(
        send(sender.url, { path: `/${kind}/form`, body: 'sign=x', headers: { 'content-type': FORM_TYPE } }),
        500,
      );
      assert.equal(harness.upstream.begun, begun);
    });
  });
}

test('vectors: HMAC-SM3 of the texts, as Python and OpenSSL have it', () => {
  const text = 'app_id=2021&total=100.00';
  const key = 'a key that both sides have';
  const fromPython = python('hmac_sm3(v["key"].encode(), v["text"]).hex()', { key, text });
  assert.equal(fromPython, createHmac('sm3', key).update(text).digest('hex'));
});
