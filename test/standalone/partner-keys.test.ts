// SM2 keys as partners' libraries write them: module, development KMS and the look at the KMS before the start take the
// same, hold the same key, and refuse the same.
import assert from 'node:assert/strict';
import { createPrivateKey, createPublicKey, randomFillSync } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { CodedError } from '../../envoy/standalone/coded-error.ts';
import { DevelopmentKms } from '../../envoy/standalone/development-kms.ts';
import { isFault, readStoredKey } from '../../envoy/standalone/key-answer.ts';
import type { Sm2Half } from '../../envoy/standalone/sm2-key.ts';
import { Sm2KeyError, sm2BytesOfFile, sm2KeyPem } from '../../envoy/standalone/sm2-key.ts';
import { Random } from '../fuzz/guest.ts';
import { compileKeys } from '../host/compile.ts';
import { fim } from './command.ts';

interface PartnerKey {
  name: string;
  writer: string;
  algorithm: Sm2Half;
  /** Text that a KMS may give as `material`, or that a file may contain. */
  text?: string;
  /** The bytes of a file. */
  base64?: string;
  scalar?: string;
  point?: string;
  refused?: string;
}

const { keys } = JSON.parse(readFileSync(join(import.meta.dirname, '../vectors/keys/sm2.json'), 'utf8')) as {
  keys: PartnerKey[];
};
const LIBRARIES = [
  'OpenSSL 3.0',
  'OpenSSL 3.5',
  'Tongsuo',
  'GmSSL',
  'gmssl (Python)',
  'sm-crypto ',
  'sm-crypto-v2',
  'tjfoc/gmsm',
  'emmansun/gmsm',
  'Hutool',
  'BouncyCastle',
];
/** Keys with a bit or two changed, or cut. */
const CHANGES = 4_000;
const folder = mkdtempSync(join(tmpdir(), 'fim-partner-keys-'));
after(() => rmSync(folder, { recursive: true, force: true }));

interface Guest {
  memory: WebAssembly.Memory;
  _initialize(): void;
  allocate(bytes: number): number;
  read(body: number, length: number): number;
  scalar(out: number): void;
  point(out: number): void;
}

let guest: Guest;
before(
  async () => {
    const module = new WebAssembly.Module(Buffer.from(await compileKeys()));
    const imports: Record<string, Record<string, (...args: number[]) => number>> = {};
    for (const { module: from, name } of WebAssembly.Module.imports(module)) (imports[from] ??= {})[name] = () => 0;
    (imports['wasi_snapshot_preview1'] ??= {})['random_get'] = (to, length) => (
      randomFillSync(new Uint8Array(guest.memory.buffer, to!, length!)),
      0
    );
    guest = new WebAssembly.Instance(module, imports).exports as unknown as Guest;
    guest._initialize();
  },
  { timeout: 300_000 },
);

const nameOf = ({ writer, name, algorithm }: PartnerKey): string => `${writer}: ${name} as ${algorithm}`;
const fileOf = ({ text, base64 }: PartnerKey): Buffer =>
  text === undefined ? Buffer.from(base64!, 'base64') : Buffer.from(text);

/** The key in hexadecimal digits. Undefined: it is refused. */
type Found = string | undefined;
const expected = (key: PartnerKey): Found => (key.refused === undefined ? (key.scalar ?? key.point) : undefined);

function inModule(algorithm: Sm2Half, material: string): Found {
  const body = Buffer.from(JSON.stringify({ data: { data: { algorithm, material }, metadata: { version: 1 } } }));
  const at = guest.allocate(body.length + 128);
  new Uint8Array(guest.memory.buffer, at, body.length).set(body);
  if (guest.read(at, body.length) === 0) return undefined;
  if (algorithm === 'SM2-PRIVATE') guest.scalar(at);
  else guest.point(at);
  return Buffer.from(guest.memory.buffer, at, algorithm === 'SM2-PRIVATE' ? 32 : 65).toString('hex');
}

function inPem(algorithm: Sm2Half, pem: Buffer): Found {
  if (algorithm === 'SM2-PUBLIC')
    return createPublicKey(pem).export({ type: 'spki', format: 'der' }).subarray(-65).toString('hex');
  const der = Buffer.from(pem.toString().replaceAll(/-----.*-----|\n/g, ''), 'base64');
  assert.deepEqual(
    createPublicKey(createPrivateKey(pem)).export({ type: 'spki', format: 'der' }).subarray(-65),
    der.subarray(-65),
    "its public key is OpenSSL's",
  );
  return der.subarray(36, 68).toString('hex');
}

function inAnswer(algorithm: Sm2Half, material: string): Found {
  const found = readStoredKey({
    status: 200,
    text: JSON.stringify({ data: { data: { algorithm, material }, metadata: { version: 1 } } }),
  });
  if (!isFault(found)) return inPem(algorithm, found.material);
  assert.equal(found.code, 'FIM-KMS-0003');
  return undefined;
}

test('every library has its part', () => {
  for (const library of LIBRARIES)
    assert.ok(
      keys.some(({ writer, refused }) => writer.startsWith(library) && refused === undefined),
      library,
    );
  for (const key of keys)
    assert.equal(
      [key.scalar, key.point, key.refused].filter((verdict) => verdict !== undefined).length,
      1,
      nameOf(key),
    );
});

test('the module reads what a KMS gives, and so does the look before the start', () => {
  for (const key of keys) {
    const material = key.text ?? key.base64!;
    assert.equal(inModule(key.algorithm, material), expected(key), `${nameOf(key)}: module`);
    assert.equal(inAnswer(key.algorithm, material), expected(key), `${nameOf(key)}: look`);
  }
});

test('a file is told why it is not taken', () => {
  for (const key of keys) {
    let reason: string | undefined;
    try {
      assert.equal(
        inPem(key.algorithm, Buffer.from(sm2KeyPem(key.algorithm, sm2BytesOfFile(fileOf(key), undefined)))),
        expected(key),
        nameOf(key),
      );
    } catch (error) {
      if (!(error instanceof Sm2KeyError)) throw error;
      reason = error.reason;
    }
    assert.equal(reason, key.refused, nameOf(key));
  }
});

test('changed at random, both take or refuse it still', (t) => {
  const random = new Random(Number(process.env['FIM_FUZZ_SEED'] ?? 20261129));
  let taken = 0;
  for (let i = 0; i < CHANGES; i++) {
    const key = keys[random.below(keys.length)]!;
    const bytes = Buffer.from(fileOf(key));
    if (bytes.length === 0) continue;
    for (let times = random.below(3); times >= 0; times--) bytes[random.below(bytes.length)]! ^= 1 << random.below(8);
    const cut = random.below(4) === 0 ? bytes.subarray(random.below(bytes.length)) : bytes;
    const material = cut.toString('base64');
    const found = inAnswer(key.algorithm, material);
    assert.equal(inModule(key.algorithm, material), found, `${nameOf(key)}, changed: ${material}`);
    if (found !== undefined) taken++;
  }
  t.diagnostic(`${taken} of ${CHANGES} are still keys`);
  assert.ok(taken > 0 && taken < CHANGES);
});

test('what the development KMS stores, it serves anew, without what stood around it, and the module reads it', async (t) => {
  const kms = new DevelopmentKms();
  const url = await kms.start();
  t.after(() => kms.stop());
  for (const [index, key] of keys.entries()) {
    const path = `partner/${index}`;
    try {
      kms.register.create(path, key.algorithm, { material: fileOf(key) });
    } catch (error) {
      assert.ok(
        error instanceof CodedError && error.code === 'FIM-KMS-0005' && key.refused !== undefined,
        `${nameOf(key)}: ${String(error)}`,
      );
      continue;
    }
    const answer = (await (await fetch(new URL(`/v1/secret/data/${path}`, url))).json()) as {
      data: { data: { material: string } };
    };
    const { material } = answer.data.data;
    assert.match(
      material,
      key.algorithm === 'SM2-PUBLIC'
        ? /^-----BEGIN PUBLIC KEY-----\n[^-]+-----END PUBLIC KEY-----\n$/
        : /^-----BEGIN PRIVATE KEY-----\n[^-]+-----END PRIVATE KEY-----\n$/,
      nameOf(key),
    );
    assert.equal(inModule(key.algorithm, material), expected(key), nameOf(key));
  }
});

test('`encoding` is kept to', () => {
  const { text, scalar } = keys.find(
    ({ writer, name }) => writer.startsWith('sm-crypto ') && name === 'scalar in hex',
  )!;
  const read = (material: string, encoding: string): Found => {
    const found = readStoredKey({
      status: 200,
      text: JSON.stringify({
        data: { data: { algorithm: 'SM2-PRIVATE', material, encoding }, metadata: { version: 1 } },
      }),
    });
    return isFault(found) ? undefined : inPem('SM2-PRIVATE', found.material);
  };
  assert.equal(read(text!, 'hex'), scalar);
  assert.equal(read(text!, 'base64'), undefined);
  assert.equal(read(Buffer.from(scalar!, 'hex').toString('base64'), 'hex'), undefined);
});

test("fim kms create takes a partner's file or says why not, and nothing of the key", async () => {
  const create = async (key: PartnerKey): Promise<{ status: number | null; stderr: string }> => {
    const file = join(folder, 'key');
    writeFileSync(file, fileOf(key));
    return fim([
      'kms',
      'create',
      `kms://a/${keys.indexOf(key)}`,
      '--data',
      join(folder, 'kms'),
      '--algorithm',
      key.algorithm,
      '--from',
      file,
      '--json',
    ]);
  };
  const named = (name: string): PartnerKey => keys.find((key) => key.name === name)!;
  assert.equal((await create(named("PKCS#8 PEM with SM2's own algorithm identifier"))).status, 0);
  const refused = await create(named('PKCS#12 as PEM, key and certificate'));
  assert.equal(refused.status, 1);
  assert.match(refused.stderr, /FIM-KMS-0005.*SM2-PUBLIC.*private key in it/s);
  for (const line of named('PKCS#12 as PEM, key and certificate').text!.split('\n'))
    if (line.length > 30) assert.ok(!refused.stderr.includes(line));
});
