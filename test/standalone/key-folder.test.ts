// The development KMS on disk: what it writes, what it answers by state, who may ask, and the verbs that change it.
import assert from 'node:assert/strict';
import { createPublicKey } from 'node:crypto';
import { spawnSync } from 'node:child_process';
import {
  chmodSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  readdirSync,
  rmSync,
  statSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { DevelopmentKms } from '../../envoy/standalone/development-kms.ts';
import type { AuditRecord } from '../../envoy/standalone/key-folder.ts';
import { KeyFolder } from '../../envoy/standalone/key-folder.ts';
import { KeyRegister } from '../../envoy/standalone/key-register.ts';
import { fim } from './command.ts';

const ID = 'kms://prod/fund/key';
const folder = mkdtempSync(join(tmpdir(), 'fim-kms-test-'));
after(() => rmSync(folder, { recursive: true, force: true }));

interface Answer {
  status: number;
  body: {
    data: {
      data: { algorithm: string; material: string } | null;
      metadata: { version: number; deletion_time: string; destroyed: boolean };
      plaintext: string;
      ciphertext: string;
    };
    errors: string[];
  };
}

async function ask(url: URL, path: string, init: RequestInit = {}): Promise<Answer> {
  const response = await fetch(new URL(path, url), init);
  return { status: response.status, body: (await response.json()) as Answer['body'] };
}

async function serving(
  t: { after: (end: () => Promise<void>) => void },
  options: ConstructorParameters<typeof DevelopmentKms>[0],
): Promise<{ kms: DevelopmentKms; url: URL }> {
  const kms = new DevelopmentKms(options);
  const url = await kms.start();
  t.after(() => kms.stop());
  return { kms, url };
}

const READ = '/v1/secret/data/prod/fund/key';
/** An hour from now. */
const END = new Date(Date.now() + 3_600_000).toISOString();

test('keys outlive the process, are encrypted on disk, and everything is for the owner only', async (t) => {
  const data = join(folder, 'kept');
  const { kms, url } = await serving(t, { folder: data });
  kms.createKey(ID);
  kms.rotate(ID);
  const { body } = await ask(url, READ);
  const material = Buffer.from(body.data.data!.material, 'base64');
  for (const file of readdirSync(data)) {
    const bytes = readFileSync(join(data, file));
    assert.equal(statSync(join(data, file)).mode & 0o777, 0o600, file);
    for (const form of [material, Buffer.from(material.toString('hex')), Buffer.from(material.toString('base64'))])
      assert.equal(bytes.includes(form), false, file);
  }
  assert.equal(statSync(data).mode & 0o777, 0o700);
  const other = await serving(t, { folder: data });
  assert.deepEqual((await ask(other.url, READ)).body, body);
  other.kms.rotate(ID);
  assert.equal((await ask(url, READ)).body.data.metadata.version, 3, 'what another process wrote is seen');
});

test('without its storage key, or with one that others can read, the folder is refused', () => {
  const data = join(folder, 'refused');
  new DevelopmentKms({ folder: data }).createKey(ID);
  chmodSync(join(data, 'storage.key'), 0o644);
  assert.throws(() => new DevelopmentKms({ folder: data }), /FIM-KMS-0004 .*chmod 600/);
  rmSync(join(data, 'storage.key'));
  assert.throws(() => new DevelopmentKms({ folder: data }), /FIM-KMS-0004 .*missing/);
  writeFileSync(join(data, 'storage.key'), Buffer.alloc(32), { mode: 0o600 });
  const kms = new DevelopmentKms({ folder: data });
  const key = kms.register.find('prod/fund/key')!;
  assert.throws(() => kms.register.material(key, key.versions[0]!), /FIM-KMS-0004/);
});

test('a store that was cut off is said to be damaged, and not written over as if it had been empty', () => {
  const data = join(folder, 'damaged');
  new DevelopmentKms({ folder: data }).createKey(ID);
  const whole = readFileSync(join(data, 'keys.json'), 'utf8');
  for (const left of ['', whole.slice(0, 20), '{}', '{"keys":{}}', '[]', 'null']) {
    writeFileSync(join(data, 'keys.json'), left);
    assert.throws(
      () => new DevelopmentKms({ folder: data }).createKey('kms://prod/other'),
      /FIM-KMS-0004 .*damaged/,
      left,
    );
    assert.equal(readFileSync(join(data, 'keys.json'), 'utf8'), left);
  }
  writeFileSync(join(data, 'keys.json'), whole);
  new DevelopmentKms({ folder: data }).rotate(ID);
});

test('a version that is disabled or destroyed is answered as Vault answers a deleted one', async (t) => {
  const { kms, url } = await serving(t, {});
  kms.createKey(ID);
  kms.rotate(ID);
  kms.register.setState('prod/fund/key', 'disabled', 1);
  const disabled = await ask(url, `${READ}?version=1`);
  assert.equal(disabled.status, 404);
  assert.equal(disabled.body.data.data, null);
  assert.match(disabled.body.data.metadata.deletion_time, /^\d{4}-.*Z$/);
  kms.register.setState('prod/fund/key', 'enabled', 1);
  assert.equal((await ask(url, `${READ}?version=1`)).status, 200);
  kms.register.setState('prod/fund/key', 'destroyed');
  const destroyed = await ask(url, READ);
  assert.equal(destroyed.status, 404);
  assert.deepEqual([destroyed.body.data.metadata.version, destroyed.body.data.metadata.destroyed], [2, true]);
  assert.throws(() => kms.register.setState('prod/fund/key', 'enabled', 2), /FIM-KMS-0005/);
  assert.equal(kms.register.find('prod/fund/key')!.versions[1]!.sealed, '');
});

test('transit: a data key comes in clear and wrapped, and only the wrapped form brings it back', async (t) => {
  const { kms, url } = await serving(t, {});
  kms.createKey('kms://transit/pay');
  const post = (path: string, body: object): Promise<Answer> =>
    ask(url, `/v1/transit/${path}`, { method: 'POST', body: JSON.stringify(body) });
  const issued = await post('datakey/plaintext/pay', { bits: 128 });
  assert.equal(Buffer.from(issued.body.data.plaintext, 'base64').length, 16);
  assert.match(issued.body.data.ciphertext, /^vault:v1:/);
  kms.rotate('kms://transit/pay');
  const { ciphertext } = issued.body.data;
  assert.equal((await post('decrypt/pay', { ciphertext })).body.data.plaintext, issued.body.data.plaintext);
  assert.equal((await post('decrypt/pay', { ciphertext: ciphertext.replace(/.{8}$/, 'AAAAAAA=') })).status, 400);
  kms.register.setState('transit/pay', 'disabled', 1);
  assert.equal((await post('decrypt/pay', { ciphertext })).status, 400);
  assert.match((await post('datakey/plaintext/pay', {})).body.data.ciphertext, /^vault:v2:/);
  for (const [path, body] of [
    ['datakey/plaintext/none', {}],
    ['datakey/plaintext/pay', { bits: 7 }],
    ['decrypt/pay', {}],
    ['decrypt/pay', { ciphertext: 'vault:v9:AAAA' }],
  ] as const) {
    assert.equal((await post(path, body)).status, 400, path);
  }
  assert.equal((await ask(url, '/v1/secret/data/transit/pay')).status, 404, 'a wrapping key is never given away');
});

test("with a token, who has none or another gets nothing; Vault's header and the bearer scheme both carry it", async (t) => {
  const { kms, url } = await serving(t, { token: () => 's.secret' });
  kms.createKey(ID);
  assert.equal((await ask(url, READ)).status, 403);
  assert.equal((await ask(url, READ, { headers: { 'x-vault-token': 's.secrex' } })).status, 403);
  assert.equal((await ask(url, READ, { headers: { 'x-vault-token': 's.secret' } })).status, 200);
  assert.equal((await ask(url, READ, { headers: { authorization: 'Bearer s.secret' } })).status, 200);
  assert.equal((await ask(url, '/v1/sys/health')).status, 200);
});

test('the trail says who did what, in order, and never what a key is', async (t) => {
  const data = join(folder, 'audited');
  const { kms, url } = await serving(t, { folder: data });
  kms.createKey(ID);
  const { body } = await ask(url, READ);
  await ask(url, `${READ}?version=9`);
  kms.rotate(ID);
  assert.deepEqual(
    kms.auditTrail.map(({ verb, key, version, status }) => [verb, key, version, status]),
    [
      ['create', 'prod/fund/key', 1, undefined],
      ['read', 'prod/fund/key', 1, 200],
      ['read', 'prod/fund/key', undefined, 404],
      ['rotate', 'prod/fund/key', 2, undefined],
    ],
  );
  assert.match(kms.auditTrail[1]!.peer, /^127\.0\.0\.1:\d+$/);
  assert.equal(readFileSync(join(data, 'audit.jsonl'), 'utf8').includes(body.data.data!.material), false);
});

test('the end belongs to a version: a rotation lifts it, it can be moved, and one of the whole key from an earlier release is kept', async (t) => {
  const data = join(folder, 'ends');
  const { kms, url } = await serving(t, { folder: data });
  const past = '2026-01-01T00:00:00.000Z';
  const ends = async (version: number): Promise<unknown> =>
    ((await ask(url, `${READ}?version=${version}`)).body.data.data as { expires?: string }).expires;
  kms.register.create('prod/fund/key', 'SM4', { expires: past });
  assert.equal(await ends(1), past);
  assert.equal(kms.rotate(ID), 2);
  assert.equal(await ends(2), undefined);
  assert.equal(kms.register.renew('prod/fund/key', END, 1), 1);
  assert.equal(await ends(1), END);
  kms.register.renew('prod/fund/key', undefined, 1);
  assert.equal(await ends(1), undefined);

  const file = join(data, 'keys.json');
  const store = JSON.parse(readFileSync(file, 'utf8')) as { keys: { expires?: string }[] };
  store.keys[0]!.expires = past;
  writeFileSync(file, JSON.stringify(store));
  assert.deepEqual([await ends(1), await ends(2)], [past, past]);
  assert.equal(kms.rotate(ID), 3);
  assert.equal(await ends(3), undefined);

  kms.register.create('transit/pay', 'transit', { expires: past });
  assert.equal((await ask(url, '/v1/transit/datakey/plaintext/pay', { method: 'POST', body: '{}' })).status, 400);
});

test('a folder that others can look into is refused', () => {
  const data = join(folder, 'open');
  mkdirSync(data, { mode: 0o755 });
  chmodSync(data, 0o755);
  assert.throws(() => new DevelopmentKms({ folder: data }), /FIM-KMS-0004 .*chmod 700/);
  assert.deepEqual(readdirSync(data), []);
});

test('the lock of a process that is there, however long it stalls, is not taken over; that of one that has gone is, at once', () => {
  const data = join(folder, 'locked');
  const kms = new DevelopmentKms({ folder: data });
  kms.createKey(ID);
  const lock = join(data, 'lock');
  const start = (pid: number): string =>
    readFileSync(`/proc/${pid}/stat`, 'utf8')
      .replace(/^.*\) /s, '')
      .split(' ')[19]!;
  writeFileSync(lock, JSON.stringify({ pid: process.pid, start: start(process.pid), token: 'another' }));
  utimesSync(lock, 0, 0);
  assert.throws(() => kms.rotate(ID), /FIM-KMS-0004 .*another process is writing/);
  assert.ok(readFileSync(lock, 'utf8').includes('another'));

  writeFileSync(lock, JSON.stringify({ pid: process.pid, start: '1', token: 'its number was given away' }));
  assert.equal(kms.rotate(ID), 2);
  writeFileSync(lock, JSON.stringify({ pid: spawnSync(process.execPath, ['-e', '']).pid, start: '1', token: 'gone' }));
  assert.equal(kms.rotate(ID), 3);
});

test('who was overtaken all the same writes nothing over what the other wrote', () => {
  const data = join(folder, 'overtaken');
  const store = new KeyFolder(data);
  store.locked(() => store.write('{"keys":[]}'));
  assert.throws(
    () =>
      store.locked(() => {
        writeFileSync(join(data, 'lock'), 'of another');
        store.write('{"keys":[1]}');
      }),
    /FIM-KMS-0004 .*taken it over/,
  );
  assert.equal(store.read(), '{"keys":[]}');
  assert.equal(readFileSync(join(data, 'lock'), 'utf8'), 'of another', 'its lock is left to it');
});

test('nothing is changed where the trail cannot be written, and what is done is not called undone', () => {
  const data = join(folder, 'trail');
  const store = new KeyFolder(data);
  const register = new KeyRegister(store);
  register.create('a', 'SM4');
  mkdirSync(join(data, 'audit.jsonl'));
  const record = (version: number): AuditRecord => ({ time: '', verb: 'rotate', key: 'a', version, peer: 'cli' });
  assert.throws(() => store.audited(() => register.rotate('a'), record, assert.fail), /FIM-KMS-0004/);
  assert.equal(register.find('a')!.versions.length, 1);
  rmSync(join(data, 'audit.jsonl'), { recursive: true });
  const problems: string[] = [];
  symlinkSync('/dev/full', join(data, 'audit.jsonl'));
  assert.equal(
    store.audited(
      () => register.rotate('a'),
      record,
      (problem) => problems.push(problem),
    ),
    2,
  );
  assert.match(problems.join(), /ENOSPC/);
});

test('fim kms: keys of every algorithm are made, rotated, listed, disabled and served', async () => {
  const data = join(folder, 'verbs');
  const kms = async (...args: string[]): Promise<Record<string, unknown>> => {
    const { status, stdout, stderr } = await fim(['kms', ...args, '--data', data, '--json']);
    assert.equal(status, 0, stderr);
    return JSON.parse(stdout) as Record<string, unknown>;
  };
  assert.deepEqual(await kms('create', ID), { key: ID, verb: 'create', version: 1 });
  await kms('create', 'kms://a/aes', '--algorithm', 'AES-256', '--expires', END);
  await kms('create', 'kms://a/mac', '--algorithm', 'HMAC-SM3');
  await kms('create', 'kms://a/sm2', '--algorithm', 'SM2-PRIVATE');
  await kms('create', 'kms://a/tdes', '--algorithm', 'TDES');
  await kms('create', 'kms://transit/pay');
  assert.deepEqual(await kms('rotate', ID), { key: ID, verb: 'rotate', version: 2 });
  assert.deepEqual(await kms('disable', ID, '--version', '1'), { key: ID, verb: 'disable', version: 1 });
  const { keys } = (await kms('list')) as {
    keys: { key: string; algorithm: string; versions: { state: string; expires?: string }[] }[];
  };
  assert.deepEqual(
    keys.map(({ key, algorithm }) => [key, algorithm]),
    [
      ['kms://a/aes', 'AES-256'],
      ['kms://a/mac', 'HMAC-SM3'],
      ['kms://a/sm2', 'SM2-PRIVATE'],
      ['kms://a/tdes', 'TDES'],
      [ID, 'SM4'],
      ['kms://transit/pay', 'transit'],
    ],
  );
  assert.equal(keys[0]!.versions[0]!.expires, END);
  assert.deepEqual(
    keys[4]!.versions.map(({ state }) => state),
    ['disabled', 'enabled'],
  );
  const server = new DevelopmentKms({ folder: data });
  const url = await server.start();
  const pem = (await ask(url, '/v1/secret/data/a/sm2')).body.data.data!.material;
  await server.stop();
  writeFileSync(join(folder, 'public.pem'), createPublicKey(pem).export({ type: 'spki', format: 'pem' }));
  await kms('create', 'kms://a/sm2-public', '--algorithm', 'SM2-PUBLIC', '--from', join(folder, 'public.pem'));
  writeFileSync(join(folder, 'private.pem'), pem);
  await kms('rotate', 'kms://a/sm2', '--from', join(folder, 'private.pem'));
});

test('fim kms: what cannot be done has a code', async () => {
  const data = join(folder, 'codes');
  assert.equal((await fim(['kms', 'create', ID, '--data', data])).status, 0);
  writeFileSync(join(folder, 'short'), 'short');
  const cases: [args: string[], status: number, code: string][] = [
    [['create', ID], 1, 'FIM-KMS-0005'],
    [['rotate', 'kms://none'], 1, 'FIM-KMS-0002'],
    [['disable', ID, '--version', '7'], 1, 'FIM-KMS-0002'],
    [['disable', ID, '--version', 'x'], 2, 'FIM-UP-0020'],
    [['create', 'kms://a/../b'], 1, 'FIM-CFG-0017'],
    [['create', 'kms://a/x', '--algorithm', 'DES'], 2, 'FIM-UP-0020'],
    [['create', 'kms://a/x', '--algorithm', 'transit'], 2, 'FIM-UP-0020'],
    [['create', 'kms://a/x', '--expires', 'soon'], 2, 'FIM-UP-0020'],
    [['create', 'kms://a/x', '--expires', '2020-01-01T00:00:00Z'], 2, 'FIM-UP-0020'],
    [['create', 'kms://a/x', '--expires', '2099-02-30T00:00:00Z'], 2, 'FIM-UP-0020'],
    [['rotate', ID, '--expires', '2020-01-01T00:00:00Z'], 2, 'FIM-UP-0020'],
    [['renew', ID, '--expires', '2020-01-01T00:00:00Z'], 2, 'FIM-UP-0020'],
    [['renew', ID], 2, '--expires'],
    [['create', 'kms://a/x', '--from', join(folder, 'short')], 1, 'FIM-KMS-0005'],
    [['create', 'kms://a/x', '--algorithm', 'SM2-PUBLIC'], 1, 'FIM-KMS-0005'],
    [['serve', '--listen', '0.0.0.0:0'], 1, 'FIM-UP-0016'],
    [['serve', '--listen', ':0', '--token-file', join(folder, 'none')], 1, 'FIM-KMS-0006'],
  ];
  for (const [args, status, code] of cases) {
    const ended = await fim(['kms', ...args, '--data', data]);
    assert.match(ended.stderr, new RegExp(code), args.join(' '));
    assert.equal(ended.status, status, args.join(' '));
  }
  for (const verb of ['create', 'rotate', 'list', 'renew', 'disable', 'enable', 'destroy', 'serve'])
    assert.match((await fim(['kms', verb, '--help'])).stdout, new RegExp(`Usage: fim kms ${verb}`));
});

test('fim kms: a file of text is a key when it is said how it is written', async () => {
  const data = join(folder, 'texts');
  const file = join(folder, 'text');
  const digits = '00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff';
  const server = new DevelopmentKms({ folder: data });
  const url = await server.start();
  const base64 = (bytes: string): string => Buffer.from(bytes, 'hex').toString('base64');
  const ascii = (text: string): string => Buffer.from(text).toString('base64');
  let made = 0;
  for (const [algorithm, text, encoding, material] of [
    ['HMAC-SM3', digits, undefined, undefined],
    ['HMAC-SM3', digits, 'hex', base64(digits)],
    ['HMAC-SM3', digits, 'raw', ascii(digits)],
    ['HMAC-SM3', digits, 'base64', digits],
    ['HMAC-SM3', 'a passphrase, said over the telephone\n', undefined, undefined],
    ['HMAC-SM3', 'a passphrase, said over the telephone', undefined, ascii('a passphrase, said over the telephone')],
    ['SM4', `${digits.slice(32)}\n`, undefined, undefined],
    ['SM4', `${digits.slice(32)}\n`, 'hex', base64(digits.slice(32))],
    ['SM4', `${base64(digits.slice(32))}\n`, 'base64', base64(digits.slice(32))],
    ['AES-256', digits.slice(32), undefined, undefined],
    ['AES-256', digits.slice(32), 'raw', ascii(digits.slice(32))],
    ['AES-256', digits, undefined, undefined],
    ['AES-256', digits, 'hex', base64(digits)],
    ['TDES', digits.slice(48), undefined, undefined],
    ['TDES', digits.slice(48), 'hex', base64(digits.slice(48))],
    ['SM4', 'not hexadecimal', 'hex', undefined],
    ['HMAC-SM3', `0x${digits}`, undefined, undefined],
    ['HMAC-SM3', `0x${digits}`, 'hex', base64(digits)],
    ['HMAC-SM3', `\ufeff${base64(digits)}`, undefined, undefined],
    ['HMAC-SM3', `\ufeff${base64(digits)}`, 'base64', base64(digits)],
  ] as const) {
    writeFileSync(file, text);
    const path = `texts/${made++}`;
    const ended = await fim([
      'kms',
      'create',
      `kms://${path}`,
      '--algorithm',
      algorithm,
      '--from',
      file,
      ...(encoding === undefined ? [] : ['--encoding', encoding]),
      '--data',
      data,
    ]);
    assert.equal(ended.status, material === undefined ? 1 : 0, `${algorithm} ${text} ${encoding}`);
    if (material === undefined) assert.match(ended.stderr, /FIM-KMS-0005/);
    else
      assert.equal(
        (await ask(url, `/v1/secret/data/${path}`)).body.data.data?.material,
        material,
        `${algorithm} ${text} ${encoding}`,
      );
  }
  writeFileSync(file, digits.slice(32));
  const rotate = (...more: string[]): ReturnType<typeof fim> =>
    fim(['kms', 'rotate', 'kms://texts/7', '--data', data, ...more]);
  assert.match((await rotate('--from', file)).stderr, /FIM-KMS-0005.*--encoding/s);
  assert.equal((await rotate('--from', file, '--encoding', 'hex')).status, 0);
  for (const wrong of [
    ['--encoding', 'hex'],
    ['--from', file, '--encoding', 'octal'],
  ])
    assert.match((await rotate(...wrong)).stderr, /FIM-UP-0020/);
  await server.stop();
});
