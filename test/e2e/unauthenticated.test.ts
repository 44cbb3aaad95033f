// Plain SM4-CBC and SM4-ECB of partners who have nothing else, by OpenSSL, through a real Envoy: what opens arrives, what
// does not has one answer, whatever is wrong with it.
import assert from 'node:assert/strict';
import { createCipheriv, createDecipheriv, createHmac, randomBytes } from 'node:crypto';
import { after, before, test } from 'node:test';
import { Harness } from './harness.ts';
import { type Reply, send } from './http-client.ts';
import { route, together } from './resources.ts';

const KEY = randomBytes(16);
const IV = randomBytes(16);
const HMAC_KEY = randomBytes(32);
const TEXT = '{"amount":"100.00","to":"张三","note":"more than one block"}';
const KEY_ID = 'kms://partner/sm4';

function encrypt(mode: 'cbc' | 'ecb', iv: Buffer | null, text: string | Buffer): Buffer {
  const cipher = createCipheriv(`sm4-${mode}`, KEY, iv);
  return Buffer.concat([cipher.update(text), cipher.final()]);
}

const encryption = {
  keyId: KEY_ID,
  algorithm: 'SM4-CBC-UNAUTHENTICATED',
  request: 'Decrypt',
  readableByAnswers: 'Accept',
};
const ROUTES: Record<string, object> = {
  raw: { encryption: { ...encryption, profile: 'raw' } },
  hex: { encryption: { ...encryption, profile: 'hex', iv: IV.toString('hex') } },
  wrapped: { encryption: { ...encryption, base64: 'Tolerant' } },
  strict: { encryption },
  ecb: { encryption: { ...encryption, algorithm: 'SM4-ECB-UNAUTHENTICATED' } },
  fields: { encryption: { ...encryption, fields: ['$.card'] } },
  xml: { body: { format: 'XML' }, encryption: { ...encryption, contentType: 'application/xml' } },
  signed: {
    signature: { keyId: 'kms://partner/hmac', request: 'Verify', covers: 'Body', encoding: 'Hex' },
    encryption: { ...encryption, readableByAnswers: undefined, profile: 'raw' },
  },
  answer: {
    encryption: {
      ...encryption,
      request: 'None',
      readableByAnswers: undefined,
      response: 'Encrypt',
      unauthenticated: 'EncryptToo',
      profile: 'raw',
    },
  },
  'answer-ecb': {
    encryption: {
      keyId: KEY_ID,
      algorithm: 'SM4-ECB-UNAUTHENTICATED',
      response: 'Encrypt',
      unauthenticated: 'EncryptToo',
      profile: 'hex',
    },
  },
};

let harness: Harness;
before(async () => {
  harness = await Harness.start({ routes: route('before', { masking: { fields: [{ path: '$.card' }] } }) });
  harness.kms.register.create('partner/sm4', 'SM4', { material: Buffer.from(KEY) });
  harness.kms.register.create('partner/hmac', 'HMAC-SM3', { material: Buffer.from(HMAC_KEY) });
  const all = Object.entries(ROUTES).map(([name, spec]) =>
    route(name, { match: { path: { type: 'Exact', value: `/${name}` } }, ...spec }),
  );
  assert.equal((await harness.edit(together(...all))).event, 'applied');
});
after(() => harness?.stop());

const post = (name: string, body: string | Buffer, type = 'text/plain'): Promise<Reply> =>
  send(harness.url, { path: `/${name}`, body, headers: { 'content-type': type } });

async function assertArrives(name: string, body: string | Buffer, text = TEXT, type = 'text/plain'): Promise<void> {
  const reply = await post(name, body, type);
  assert.equal(reply.status, 200, reply.body.toString());
  assert.equal(harness.upstream.arrived.at(-1)!.body.toString(), text);
}

const inFront = (text: string | Buffer = TEXT): Buffer => Buffer.concat([IV, encrypt('cbc', IV, text)]);

test('CBC: the IV in front, or agreed on; ECB; fields; another format', async () => {
  await assertArrives('raw', inFront(), TEXT, 'application/octet-stream');
  await assertArrives('hex', encrypt('cbc', IV, TEXT).toString('hex').toUpperCase());
  await assertArrives('strict', inFront().toString('base64'));
  await assertArrives('ecb', encrypt('ecb', null, TEXT).toString('base64'));
  const card = inFront('"6222021234567894"').toString('base64');
  await assertArrives(
    'fields',
    JSON.stringify({ card, n: 1 }),
    '{"card":"6222021234567894","n":1}',
    'application/json',
  );
  await assertArrives('xml', inFront('<a>1</a>').toString('base64'), '<a>1</a>');
  for (const length of [15, 16, 17, 255, 256, 257, 100_000]) {
    const text = JSON.stringify('x'.repeat(length - 2));
    await assertArrives('strict', inFront(text).toString('base64'), text);
    await assertArrives('ecb', encrypt('ecb', null, text).toString('base64'), text);
  }
});

test('base64 as libraries write it is read where the route says so, and nowhere else', async () => {
  const strict = inFront().toString('base64');
  const spellings = [
    strict.replace(/.{64}/g, '$&\r\n'),
    `${strict}\n`,
    strict.replace(/=+$/, ''),
    strict.replace(/\+/g, '-').replace(/\//g, '_'),
  ];
  for (const spelt of spellings) {
    await assertArrives('wrapped', spelt);
    if (spelt !== strict) assert.equal((await post('strict', spelt)).status, 422);
  }
  for (const wrong of [`${strict.slice(0, 8)}==${strict.slice(8)}`, `${strict}A`, `${strict}=`, '*'.repeat(64)])
    assert.equal((await post('wrapped', wrong)).status, 422, wrong);
});

test('wrong padding, a wrong text and a wrong length have one answer', async () => {
  const { begun } = harness.upstream;
  const answers = new Set<string>();
  const genuine = inFront();
  for (let byte = 1; byte < 256; byte++) {
    const forged = Buffer.from(genuine);
    forged[forged.length - 17]! ^= byte; // what CBC adds to the last byte of the padding
    const { status, body } = await post('raw', forged, 'application/octet-stream');
    answers.add(`${status} ${body.toString()}`);
  }
  const others = [
    genuine.subarray(0, -1),
    genuine.subarray(0, 16),
    genuine.subarray(0, 8),
    inFront('no JSON'),
    randomBytes(64),
  ];
  for (const other of others) {
    const { status, body } = await post('raw', other, 'application/octet-stream');
    answers.add(`${status} ${body.toString()}`);
  }
  assert.equal(answers.size, 1, [...answers].join('\n'));
  assert.match([...answers][0]!, /^422 .*FIM-SM4-0002/);
  assert.equal(harness.upstream.begun, begun);
});

test('behind a signature nothing of a changed message is decrypted: whatever it opens to, the answer is the signature’s', async () => {
  const genuine = inFront();
  const code = createHmac('sm3', HMAC_KEY).update(genuine).digest('hex');
  const sendSigned = (body: Buffer): Promise<Reply> =>
    send(harness.url, {
      path: '/signed',
      body,
      headers: { 'content-type': 'application/octet-stream', 'x-fim-signature': code },
    });
  const passed = await sendSigned(genuine);
  assert.equal(passed.status, 200, passed.body.toString());
  assert.equal(harness.upstream.arrived.at(-1)!.body.toString(), TEXT);
  const { begun } = harness.upstream;
  const answers = new Set<string>();
  // A letter of the text changed through the IV, still JSON; the padding; the length.
  for (const at of [11, genuine.length - 17]) {
    const forged = Buffer.from(genuine);
    forged[at]! ^= 1;
    const { status, body } = await sendSigned(forged);
    answers.add(`${status} ${body.toString()}`);
  }
  const { status, body } = await sendSigned(genuine.subarray(0, -16));
  answers.add(`${status} ${body.toString()}`);
  assert.equal(answers.size, 1, [...answers].join('\n'));
  assert.match([...answers][0]!, /^401 .*FIM-SIG-0001/);
  assert.equal(harness.upstream.begun, begun);
});

test('answers are encrypted where the route asks for it in words', async () => {
  const cbc = (await post('answer', '{}', 'application/json')).body;
  const open = createDecipheriv('sm4-cbc', KEY, cbc.subarray(0, 16));
  assert.equal(Buffer.concat([open.update(cbc.subarray(16)), open.final()]).toString(), '{"ok":true}');
  const again = (await post('answer', '{}', 'application/json')).body;
  assert.notDeepEqual(again.subarray(0, 16), cbc.subarray(0, 16), 'an IV of its own');
  const ecb = Buffer.from((await post('answer-ecb', '{}', 'application/json')).body.toString(), 'hex');
  assert.deepEqual(ecb, encrypt('ecb', null, '{"ok":true}'));
});
