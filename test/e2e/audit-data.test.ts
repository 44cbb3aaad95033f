// Chosen fields of messages in records, masked or sealed, from a real Envoy to a real collector: what stands there, what
// opens it, and that nothing else of the message does.
import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { eachRecord } from '../../services/audit/log-reader.ts';
import { type RunningCollector, startCollector } from '../../services/audit/start-collector.ts';
import { fim } from '../standalone/command.ts';
import { Harness, KEY_ID } from './harness.ts';
import { type Reply, send } from './http-client.ts';
import { route, together } from './resources.ts';
import { findSecrets, type Output } from './secret-search.ts';

const SEAL_KEY = 'kms://prod/audit/seal';
const WIDE_KEY = 'kms://prod/audit/wide';
const at = (name: string, spec: object): string => route(name, { match: { path: { value: `/${name}` } }, ...spec });
const card = { as: 'card', path: '$.card', mask: { kind: 'BankCard' } };

const ROUTES = together(
  at('json', {
    validation: { fields: [{ name: 'amount', type: 'number' }] },
    masking: { fields: [{ name: 'card', method: 'Full', direction: 'Request' }] },
    encryption: { keyId: KEY_ID, request: 'Encrypt', response: 'None' },
    audit: {
      data: [
        card,
        { as: 'payer', path: '$.payer.name', seal: { keyId: SEAL_KEY } },
        { as: 'payee', path: '$.payees[*].id', seal: { keyId: WIDE_KEY, algorithm: 'AES-256-GCM' } },
        { as: 'digest', name: 'card', mask: { kind: 'BankCard', method: 'Hash', keyId: 'kms://prod/audit/hash' } },
        { as: 'whole', path: '$.payer', mask: { kind: 'Generic' } },
        { as: 'teller', header: 'X-Teller', mask: { kind: 'Phone' } },
        { as: 'account', parameter: 'account', mask: { kind: 'Account', method: 'KeepFirstLast', keepLast: 2 } },
        { as: 'long', name: 'long', mask: { kind: 'Generic' } },
        { as: 'result', direction: 'Response', path: '$.holder', mask: { kind: 'Name' } },
        { as: 'node', direction: 'Response', header: 'x-node', seal: { keyId: SEAL_KEY } },
      ],
    },
  }),
  at('xml', {
    body: { format: 'XML' },
    audit: {
      data: [
        { as: 'name', name: 'Nm', mask: { kind: 'Name' } },
        { as: 'id', path: '$.Doc.Id', seal: { keyId: SEAL_KEY } },
      ],
    },
  }),
  at('terminal', {
    body: { format: 'ISO8583', iso8583: { specification: 'unionpay-terminal' } },
    audit: {
      data: [
        { as: 'pan', path: '$.DE2', mask: { kind: 'BankCard' } },
        { as: 'terminal', path: '$.DE37', seal: { keyId: SEAL_KEY } },
      ],
    },
  }),
  at('keyless', { audit: { data: [{ as: 'a', name: 'a', seal: { keyId: 'kms://prod/none' } }] } }),
  at('telling', { audit: { withoutKey: 'Tell', data: [{ as: 'a', name: 'a', seal: { keyId: 'kms://prod/none' } }] } }),
);

const CARD = '6222021234567890128';
/** Values that stand nowhere else. */
const PLANTED = [
  CARD,
  'Wang Qz7 Xiaoming',
  'PAYEE-Qz7-000131',
  'PAYEE-Qz7-000132',
  '13812345678',
  '6217Qz7000099',
  'L0ngQz7',
  'Holder-Qz7',
  'node-qz7-17',
  '李Qz7雷',
  'ID-Qz7-1',
  '6222021234567894',
  '91Qz7-refused',
];
const ADMIN = ['/config_dump', '/stats', '/stats/prometheus', '/clusters', '/memory', '/runtime'];

type Line = Record<string, unknown> & { event_id: string; data_masked?: Record<string, unknown> };

describe('fields of messages in records', () => {
  let harness: Harness;
  let collector: RunningCollector;
  const folder = mkdtempSync(join(tmpdir(), 'fim-audit-data-'));
  before(async () => {
    collector = await startCollector({ folder });
    harness = await Harness.start({
      routes: ROUTES,
      logsAccess: true,
      audit: { url: new URL(collector.url) },
      withKms: (kms) => {
        kms.createKey(SEAL_KEY);
        kms.createKey(WIDE_KEY, 'AES-256');
        kms.createKey('kms://prod/audit/hash', 'HMAC-SM3');
      },
    });
    await fetch(new URL('/logging?wasm=trace', harness.stack.envoy.admin.base), { method: 'POST' });
  });
  after(async () => {
    await harness?.stop();
    await collector?.stop();
    rmSync(folder, { recursive: true, force: true });
  });

  const linesOf = (path: string): Line[] => {
    const found: Line[] = [];
    eachRecord(folder, ({ record }) => {
      if ((record as Line)['path'] === path) found.push(record as Line);
      return true;
    });
    return found;
  };
  const recorded = async (path: string, count = 1): Promise<Line> => {
    await harness.poll(() => Promise.resolve(linesOf(path).length >= count));
    return linesOf(path).at(-1)!;
  };
  const open = async (
    event: string,
    field: string,
  ): Promise<{ status: number | null; stdout: string; stderr: string }> =>
    fim([
      ...['audit', 'open', event, folder, '--field', field, '--reason', 'a complaint'],
      ...['--kms', harness.kmsUrl.href, '--collector', collector.url],
    ]);
  const BODY = {
    amount: 12,
    card: CARD,
    payer: { name: 'Wang Qz7 Xiaoming' },
    payees: [{ id: 'PAYEE-Qz7-000131' }, { id: 'PAYEE-Qz7-000132' }],
    long: 'L0ngQz7'.repeat(200),
  };
  const sendJson = async (body: object): Promise<Reply> =>
    send(harness.url, {
      path: '/json?account=6217Qz7000099&b=1',
      headers: { 'content-type': 'application/json', 'x-teller': '13812345678' },
      body: JSON.stringify(body),
    });

  it('are masked by the rules of masking, before anything else changes them', async () => {
    harness.upstream.answer = (_, response) =>
      void response
        .writeHead(200, { 'content-type': 'application/json', 'x-node': 'node-qz7-17' })
        .end('{"holder":"Holder-Qz7"}');
    assert.equal((await sendJson(BODY)).status, 200);
    const { data_masked: data, keys } = await recorded('/json');
    assert.equal(data!['card'], '622202*********0128');
    assert.match(String(data!['digest']), /^[0-9a-f]{64}$/);
    assert.equal(data!['whole'], '***');
    assert.equal(data!['teller'], '138****5678');
    assert.equal(data!['account'], '6217*******99');
    assert.equal(data!['long'], '***');
    assert.equal(data!['result'], 'H*********');
    assert.deepEqual(
      (keys as { id: string; version: number }[]).map(({ id, version }) => `${id}#${version}`).sort(),
      ['kms://prod/audit/hash#1', `${SEAL_KEY}#1`, `${WIDE_KEY}#1`, `${KEY_ID}#1`].sort(),
    );
  });

  it('open for whoever has the key, in their own record and field', async () => {
    const line = await recorded('/json');
    for (const [field, plain] of [
      ['payer', 'Wang Qz7 Xiaoming'],
      ['payee', 'PAYEE-Qz7-000131, PAYEE-Qz7-000132'],
      ['node', 'node-qz7-17'],
    ] as const) {
      const opened = await open(line.event_id, field);
      assert.equal(opened.stdout, plain, opened.stderr);
    }
    const masked = await open(line.event_id, 'card');
    assert.equal(masked.stdout, '');
    assert.match(masked.stderr, /FIM-AUD-0027/);
    let openings = 0;
    eachRecord(folder, ({ record }) => {
      if ((record as Line)['kind'] === 'opened') openings++;
      return true;
    });
    assert.equal(openings, 3);
  });

  it('stand in records of refused messages, too', async () => {
    const before = linesOf('/json').length;
    assert.equal((await sendJson({ ...BODY, amount: '91Qz7-refused' })).status, 422);
    const line = await recorded('/json', before + 1);
    assert.equal(line['verdict'], 'Refused');
    assert.equal(line.data_masked!['card'], '622202*********0128');
  });

  it('come from XML and ISO 8583 as well', async () => {
    const xml = '<Doc><Id>ID-Qz7-1</Id><Nm>李Qz7雷</Nm></Doc>';
    await send(harness.url, { path: '/xml', headers: { 'content-type': 'application/xml' }, body: xml });
    const line = await recorded('/xml');
    assert.equal(line.data_masked!['name'], '李****');
    assert.equal((await open(line.event_id, 'id')).stdout, 'ID-Qz7-1');
    const message = Buffer.from(
      '6000030000603210320072020070240000080012001662220212345678940000000000000100000000012912313233343536373839303132112233445566778800279F2608A1B2C3D4E5F607185A0862220212345678945F2403291231',
      'hex',
    );
    const type = { 'content-type': 'application/octet-stream' };
    await send(harness.url, { path: '/terminal', headers: type, body: message });
    const terminal = await recorded('/terminal');
    assert.equal(terminal.data_masked!['pan'], '622202******7894');
    assert.equal((await open(terminal.event_id, 'terminal')).stdout, '123456789012');
  });

  it('whose key is not to be had refuse the message, or are told as such', async () => {
    const type = { 'content-type': 'application/json' };
    const refused = await send(harness.url, { path: '/keyless', headers: type, body: '{"a":"91Qz7-refused"}' });
    assert.equal(refused.status, 503);
    const told = await send(harness.url, { path: '/telling', headers: type, body: '{"a":"91Qz7-refused"}' });
    assert.equal(told.status, 200);
    assert.deepEqual((await recorded('/telling')).data_masked, { a: '(no key)' });
  });

  it('leave no plaintext in the log of audit, nor in logs, dumps and counters of the proxy', async () => {
    const outputs: Output[] = readdirSync(folder, { recursive: true, withFileTypes: true })
      .filter((entry) => entry.isFile())
      .map((entry) => ({ name: entry.name, bytes: readFileSync(join(entry.parentPath, entry.name)) }));
    assert.ok(outputs.some(({ bytes }) => bytes.includes('data_masked')));
    for (const path of ADMIN)
      outputs.push({ name: path, bytes: Buffer.from(await harness.stack.envoy.admin.get(path)) });
    outputs.push({ name: 'log', bytes: Buffer.from(harness.log.join('\n')) });
    outputs.push({ name: 'access log', bytes: readFileSync(harness.accessLog) });
    const commandLine = readFileSync(`/proc/${harness.stack.envoy.pid}/cmdline`, 'utf8').split('\0');
    const run = dirname(commandLine[commandLine.indexOf('-c') + 1]!);
    for (const entry of readdirSync(run, { recursive: true, withFileTypes: true }))
      if (entry.isFile() && !entry.name.endsWith('.wasm'))
        outputs.push({ name: `run/${entry.name}`, bytes: readFileSync(join(entry.parentPath, entry.name)) });
    const secrets = PLANTED.map((text) => ({ name: text, bytes: Buffer.from(text) }));
    assert.deepEqual(findSecrets(outputs, secrets), []);
    for (const [n, text] of PLANTED.entries())
      assert.equal(findSecrets([{ name: 'o', bytes: Buffer.from(`x${text}y`) }], [secrets[n]!]).length > 0, true);
  });
});
