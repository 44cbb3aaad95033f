// Bodies that are masked as they pass: wherever they are cut, the same bytes as of the held body; what cannot be masked is
// cut off.
import assert from 'node:assert/strict';
import { before, describe, test } from 'node:test';
import { createVm, exchange, Vm } from '../../envoy/host/index.ts';
import type { ExchangeResult, LoadedModule, RootContext } from '../../envoy/host/index.ts';
import { cleanTraffic } from '../fuzz/clean-traffic.ts';
import { caseCount, Random } from '../fuzz/guest.ts';
import { ENCODINGS, plant, PLANTED_KINDS } from '../fuzz/planted.ts';
import { CONTENT_KINDS } from '../fuzz/scanner-guest.ts';
import { builtModules } from './modules.ts';

/** As in filters/limits.ts. */
const MAX_STREAM_VALUE_BYTES = 32_768;

const RULES = {
  request: true,
  response: true,
  fields: [
    { name: 'pan', kind: 'BankCard' },
    { name: 'secret', method: 'Full' },
    { name: 'gone', method: 'Null' },
    { path: '$.customer.cards[*].number', kind: 'BankCard' },
    { path: '$.order.note', method: 'Truncate', length: 3 },
  ],
  dictionary: [{ kind: 'Phone' }, { kind: 'Name' }, { kind: 'IdCard' }],
  detect: CONTENT_KINDS.map((kind) => ({ kind, request: true })),
  nested: 2,
};

let masker: LoadedModule;
before(async () => {
  masker = (await builtModules(['field-masker'])).get('field-masker')!;
});

function start(rules: object): { vm: Vm; root: RootContext } {
  const vm = createVm(masker);
  const routes = [{ name: 'a', body: { format: 'JSON' }, stages: { fieldMasker: rules } }];
  const { accepted, root, logs } = vm.configure(JSON.stringify({ version: '1.0', generation: 1, routes }));
  assert.equal(accepted, true, logs.map((entry) => entry.message).join('\n'));
  return { vm, root };
}

const JSON_TYPE = { 'content-type': 'application/json' };

function answer(root: RootContext, body: string | Buffer, chunks: number[] | 'bytes' = []): ExchangeResult {
  return exchange(root, {
    request: { method: 'GET' },
    upstream: () => ({ headers: JSON_TYPE, body, chunks, contentLength: false }),
  });
}

/** Documents by hand: every kind of value, what is masked as a whole, escapes, numbers at edges, empty ones. */
const DOCUMENTS = [
  '{}',
  '[]',
  '""',
  '13800138000',
  ' "110105199003071233" ',
  '{"pan":"6222021234567894","x":1}',
  '{"pan":6222021234567894}',
  '{"secret":{"a":[1,true,null,"x",{"b":"y"}],"pan":"6222021234567894"},"after":"secret"}',
  '{"gone":"x","a":{"gone":[1,{"c":2}]}}',
  '{ "customer" : { "cards" : [ { "number" : "4111111111111111" }, {"number":"4111 1111 1111 1111","x":"1"} ] } }',
  '{"order":{"note":"abcdefgh"},"note":"abcdefgh","a":{"order":{"note":"abcdefgh"}}}',
  '{"p\\u0061n":"6222021234567894","\\"q\\\\":{"pan":"4111111111111111"},"日本":{"姓名":"张三丰"}}',
  '{"custName":"Zhang San","mobile":13800138000,"手机号":"138 0013 8000","passportNo":"E12345678"}',
  '{"data":"{\\"pan\\":\\"6222021234567894\\",\\"x\\":\\"call 13800138000\\"}","xml":"<a><pan>6222021234567894</pan></a>"}',
  '[[["13800138000"],["\\u0031\\u0033800138000","\\ud83d\\ude00 13800138000"]],-1.5e3,0]',
  `{"long":"${'x'.repeat(5000)} 6222021234567894","n":1}`,
];

function planted(random: Random): string {
  const record: Record<string, unknown> = {};
  for (let i = 0; i < 6; i++) {
    const { before, text, after } = plant(random, random.pick(PLANTED_KINDS), random.pick(ENCODINGS));
    const name = random.pick(['remark', 'pan', 'secret', 'mobile', 'custName', 'note', 'x', '身份证号', 'gone']);
    const value = random.chance(50) ? before + text + after : text;
    record[name + (random.chance(30) ? String(i) : '')] = random.pick<unknown>([
      value,
      [value, i],
      { value, pan: text },
    ]);
  }
  return JSON.stringify(random.chance(30) ? [record, record] : { order: record, line: cleanTraffic(random, 1) });
}

function cuts(random: Random, length: number): number[] {
  const sizes: number[] = [];
  for (let left = length; left > 0; left -= sizes.at(-1)!) sizes.push(Math.min(left, 1 + random.below(40)));
  return sizes;
}

describe('the same as of the held body', () => {
  test('wherever it is cut', () => {
    const held = start(RULES);
    const passing = start({ ...RULES, stream: true });
    const random = new Random(1);
    const documents = [...DOCUMENTS, ...Array.from({ length: caseCount(40) }, () => planted(random))];
    let changed = 0;
    for (const document of documents) {
      const expected = answer(held.root, document);
      assert.equal(expected.client.status, 200, document);
      const wanted = expected.client.body.toString('latin1');
      if (wanted !== Buffer.from(document).toString('latin1')) changed++;
      const length = Buffer.byteLength(document);
      const every = (size: number): number[] => Array.from({ length: Math.ceil(length / size) }, () => size);
      for (const chunks of [[], 'bytes' as const, every(2), every(3), cuts(random, length), cuts(random, length)]) {
        const got = answer(passing.root, document, chunks);
        assert.equal(got.client.body.toString('latin1'), wanted, `${document} in ${JSON.stringify(chunks)}`);
      }
    }
    assert.ok(changed > DOCUMENTS.length, `${changed} documents were changed`);
    for (const { vm } of [held, passing]) assert.deepEqual([vm.failed, vm.violations], [false, []]);
  });

  test('of requests', () => {
    const { root, vm } = start({ ...RULES, stream: true });
    for (const chunks of ['bytes' as const, [7, 9]]) {
      const { upstream, client } = exchange(root, {
        request: { method: 'POST', headers: JSON_TYPE, body: '{"pan":"6222021234567894","n":[1]}', chunks },
      });
      assert.equal(client.status, 200);
      assert.equal(upstream.body.toString(), '{"pan":"622202******7894","n":[1]}');
    }
    assert.equal(vm.liveContexts, vm.roots.size);
  });
});

describe('what cannot be masked', () => {
  test('is refused while the headers are held, by its type', () => {
    const { root } = start({ ...RULES, stream: true });
    const { client } = exchange(root, {
      request: { method: 'GET' },
      upstream: () => ({ headers: { 'content-type': 'text/plain' }, body: '13800138000' }),
    });
    assert.equal(client.status, 502);
    assert.doesNotMatch(client.body.toString(), /13800138000/);
  });

  for (const [what, body] of [
    ['a mistake', '{"a":"13800138000","b":}'],
    ['an end too early', '{"a":"13800138000","b":"4111111111111111'],
    ['a name that comes twice', '{"a":"13800138000","a":1}'],
    [
      'a value that is longer than what is held back',
      `{"a":"13800138000","b":"${'x'.repeat(MAX_STREAM_VALUE_BYTES)}"}`,
    ],
    ['names that are longer than what is kept', `{"a":"13800138000","${'x'.repeat(4090)}":{"b":{"c":1}}}`],
  ] as const)
    test(`ends the message: ${what}`, () => {
      const { root, vm } = start({ ...RULES, stream: true });
      const { client } = answer(root, body, [30, 1000, 20_000]);
      const seen = client.body.toString();
      assert.doesNotMatch(seen, /13800138000|4111111111111111/);
      assert.ok(client.status !== 200 || client.reset, `${client.status} ${seen.slice(0, 80)}`);
      assert.equal(vm.counted('fim.mask.refused'), 1);
      assert.equal(vm.failed, false);
    });

  test('a value of as many bytes as are held back passes', () => {
    const { root } = start({ ...RULES, stream: true });
    const body = `{"b":"${'x'.repeat(MAX_STREAM_VALUE_BYTES - 2)}"}`;
    assert.equal(answer(root, body, 'bytes').client.body.toString(), body);
  });

  test('is refused with the configuration', () => {
    for (const [format, rules] of [
      ['XML', { fields: [{ name: 'pan' }] }],
      ['JSON', { fields: [{ name: 'pan', method: 'Remove' }] }],
      ['JSON', { fields: [{ path: '$.a[3].pan' }] }],
      ['JSON', { dictionary: [{ kind: 'Phone', method: 'Remove' }] }],
    ] as const) {
      const routes = [{ name: 'a', body: { format }, stages: { fieldMasker: { ...rules, stream: true } } }];
      const { accepted, logs } = createVm(masker).configure(JSON.stringify({ version: '1.0', generation: 1, routes }));
      assert.equal(accepted, false);
      assert.match(logs.map((entry) => entry.message).join('\n'), /FIM-MASK-0011/);
    }
  });
});

describe('server-sent events', () => {
  const EVENTS = { 'content-type': 'text/event-stream;charset=utf-8' };
  const stream = (body: string, chunks: number[] | 'bytes' = [], more: object = {}): ExchangeResult =>
    exchange(start({ ...RULES, stream: true, ...more }).root, {
      request: { method: 'GET' },
      upstream: () => ({ headers: EVENTS, body, chunks, contentLength: false }),
    });

  /** Bytes that come, and those that go on. */
  const PARTS: [string, string][] = [
    ['data: {"pan":"6222021234567894"}\n\n', 'data: {"pan":"622202******7894"}\n\n'],
    ['data:{"n":1}\r\n\r\n', 'data:{"n":1}\r\n\r\n'],
    [
      'event: paid\ndata: {"a":\ndata: "13800138000"}\nid: 8\n\n',
      'event: paid\ndata: {"a":\ndata: "138****8000"}\nid: 8\n\n',
    ],
    ['data: {"secret":"x"}\r\r', 'data: {"secret":"*"}\r\r'],
    [': 13800138000\n\n', ':\n\n'],
    ['unknown: 13800138000\nretry: 10\n\n', 'retry: 10\n\n'],
    ['data\n\n\n', 'data\n\n\n'],
    ['data\ndata: {"a":"13800138000"}\n\n', 'data:\ndata:{"a":"138****8000"}\n\n'],
    ['data: [DONE]\n\n', 'data: [DONE]\n\n'],
    ['id: 13800138000\ndata: {}\nretry:13800138000\n\n', 'id: 138****8000\ndata: {}\n\n'],
  ];

  test('are masked one by one, wherever the stream is cut', () => {
    const body = PARTS.map(([comes]) => comes).join('');
    const expected = PARTS.map(([, goes]) => goes).join('');
    const random = new Random(5);
    const every = (size: number): number[] => Array.from({ length: body.length }, () => size);
    for (const chunks of [[], 'bytes' as const, every(2), every(3), cuts(random, body.length)]) {
      const { client } = stream(body, chunks);
      assert.equal(client.status, 200);
      assert.equal(client.body.toString(), expected, JSON.stringify(chunks));
    }
  });

  test('an event that does not end is none', () => {
    const { client } = stream('data: {"a":1}\n\ndata: {"a":"13800138000"}\n');
    assert.equal(client.body.toString(), 'data: {"a":1}\n\n');
    assert.equal(client.complete, true);
  });

  for (const [what, event] of [
    ['whose data are not of the format', 'data: call 13800138000\n\n'],
    ['that is too long', `data: "${'x'.repeat(MAX_STREAM_VALUE_BYTES)} 13800138000"\n\n`],
  ] as const)
    test(`one ${what} ends the stream`, () => {
      const { client } = stream(`data: {"a":1}\n\n${event}`, [15]);
      assert.doesNotMatch(client.body.toString(), /13800138000/);
      assert.ok(client.reset || client.status !== 200);
    });

  for (const [line, becomes] of [
    ['id: E123456', 'id: *******\n'],
    ['event:E123456', 'event:*******\n'],
    ['retry: E123456', ''],
  ] as const)
    test(`what a detector of the house finds in "${line}" does not go on`, () => {
      for (const detect of [[], RULES.detect]) {
        const detectors = [{ name: 'staff', pattern: 'E[0-9]{6}', way: { method: 'Full' } }];
        const { client } = stream(`data: {"a":1}\n\n${line}\ndata: {}\n\n`, [15], { detect, detectors });
        assert.equal(client.body.toString(), `data: {"a":1}\n\n${becomes}data: {}\n\n`);
      }
    });

  test('are refused where bodies are held', () => {
    const { client } = stream(PARTS[0]![0], [], { stream: false });
    assert.equal(client.status, 502);
    assert.match(client.body.toString(), /FIM-RT-0005/);
  });
});

test('memory does not grow with the message, nor with the number of messages', () => {
  const { root, vm } = start({ ...RULES, stream: true });
  const random = new Random(3);
  const part = planted(random);
  const body = (parts: number): string => `[${Array.from({ length: parts }, () => part).join(',')}]`;
  const pieces = (text: string): number[] => Array.from({ length: Math.ceil(text.length / 16_384) }, () => 16_384);
  const small = body(40);
  answer(root, small, pieces(small));
  const before = vm.memoryPages;
  const large = body(1500);
  assert.equal(answer(root, large, pieces(large)).client.status, 200);
  for (let i = 0; i < 50; i++) answer(root, small, pieces(small));
  assert.ok(vm.memoryPages <= before + 4, `${before} pages, then ${vm.memoryPages}`);
});
