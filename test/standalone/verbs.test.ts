// The other verbs of the command line.
import assert from 'node:assert/strict';
import { createCipheriv, randomBytes } from 'node:crypto';
import type { CipherGCMTypes } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { parse, parseAllDocuments } from 'yaml';
import { DevelopmentKms } from '../../envoy/standalone/development-kms.ts';
import { CHAIN, readKmsSettings } from '../../envoy/route/index.ts';
import type { KmsAccess } from '../../envoy/standalone/kms-client.ts';
import { askKms, storedKeyPath, transitPath } from '../../envoy/standalone/kms-client.ts';
import { fetchKey } from '../../envoy/standalone/open-protected.ts';
import { fim, ROOT } from './command.ts';

const CONTRACT = 'istio/samples/fund-redemption-v2.yaml';
const CARDS = 'istio/samples/card-query.yaml';

let folder: string;
before(() => (folder = mkdtempSync(join(tmpdir(), 'fim-verbs-test-'))));
after(() => rmSync(folder, { recursive: true, force: true }));

describe('validate', () => {
  test('valid: 0, and what cannot be honoured is said', async () => {
    const { status, stdout } = await fim(['validate', CONTRACT, CARDS]);
    assert.equal(status, 0, stdout);
    assert.match(stdout, /valid: .*default\/fund-redemption-v2/);
    assert.doesNotMatch(stdout, /FIM-CFG-1060/, 'fim up terminates national TLS');
  });

  test('what fim up refuses of national TLS, at its line', async () => {
    const file = join(folder, 'tls.yaml');
    const of = (name: string, tls: string): string =>
      `apiVersion: fim.financial/v1\nkind: FinancialRoute\nmetadata: {name: ${name}}\nspec:\n  match: {path: {value: /${name}}}\n  tls: ${tls}\n`;
    const pair = '{chain: hello, keyId: "kms://a/b"}';
    writeFileSync(file, of('a', `{cipherSuites: [ECC-SM4-SM3], certificates: [{sign: ${pair}, encrypt: ${pair}}]}`));
    const unusable = await fim(['validate', file]);
    assert.equal(unusable.status, 1);
    assert.match(unusable.stdout, /tls\.yaml:6:\d+: FIM-CFG-0027 \$\.spec\.tls\.certificates\[0\]/);
    writeFileSync(
      file,
      `${of('a', '{cipherSuites: [ECC-SM4-SM3]}')}---\n${of('b', '{cipherSuites: [ECDHE-SM4-SM3]}')}`,
    );
    const different = await fim(['validate', file]);
    assert.equal(different.status, 1);
    assert.match(different.stdout, /FIM-CFG-1073/);
  });

  test('invalid: 1, with code, path and line of each error', async () => {
    const file = join(folder, 'bad.yaml');
    writeFileSync(
      file,
      'apiVersion: fim.financial/v1\nkind: FinancialRoute\nmetadata: {name: bad}\nspec:\n  validation:\n    fields:\n      - {name: a, patern: x}\n  enforcement: Maybe\n',
    );
    const { status, stdout } = await fim(['validate', file, '--json']);
    assert.equal(status, 1);
    const report = JSON.parse(stdout) as {
      valid: boolean;
      errors: { code: string; path: string; line: number; file: string }[];
    };
    assert.equal(report.valid, false);
    assert.deepEqual(
      report.errors.map(({ path, line }) => [path, line]),
      [
        ['$.spec.validation.fields[0].patern', 7],
        ['$.spec.enforcement', 8],
      ],
    );
    for (const error of report.errors) assert.match(error.code, /^FIM-CFG-\d{4}$/);
    const text = await fim(['validate', file]);
    assert.match(
      text.stdout,
      /bad\.yaml:7:\d+: FIM-CFG-0010 \$\.spec\.validation\.fields\[0\]\.patern Unknown field: did you mean `pattern`\? known: /,
    );
    assert.match(text.stdout, /\n +Remove the field or correct its spelling/);
  });

  test('letters that changed places are one mistake', async () => {
    const file = join(folder, 'swapped.yaml');
    const names = ['feild', 'feilds', 'porfile', 'field', 'unrelated'];
    const route = (name: string): string =>
      `apiVersion: fim.financial/v1\nkind: FinancialRoute\nmetadata: {name: ${name}}\nspec:\n  validation: {${name}: []}\n`;
    writeFileSync(file, names.map(route).join('---\n'));
    const { stdout } = await fim(['validate', file]);
    const meant = names.map(
      (name) =>
        new RegExp(`FIM-CFG-0010 \\$\\.spec\\.validation\\.${name} [^\n]*did you mean \`(\\w+)\``).exec(stdout)?.[1],
    );
    assert.deepEqual(meant, ['fields', 'fields', 'profile', 'fields', undefined], stdout);
  });

  test('in Chinese, by the environment or --lang; what programs read is the same', async () => {
    const file = join(folder, 'period.yaml');
    writeFileSync(
      file,
      'apiVersion: fim.financial/v1\nkind: FinancialRoute\nmetadata: {name: bad}\nspec:\n  enforcement: observed\n  rateLimit: {requests: 5, period: 1 second}\n',
    );
    const english = await fim(['validate', file]);
    assert.match(
      english.stdout,
      /FIM-CFG-0015 \$\.spec\.enforcement Not one of the allowed values: did you mean `Observe`\? allowed: Enforce, Observe\n/,
    );
    assert.match(
      english.stdout,
      /FIM-CFG-1039 \$\.spec\.rateLimit\.period Duration is malformed or out of range\n +Write `1s`/,
    );
    const chinese = await fim(['--lang', 'zh', 'validate', file]);
    assert.match(chinese.stdout, /FIM-CFG-1039 \$\.spec\.rateLimit\.period 时长格式错误或超出范围\n +请写成 `1s`/);
    assert.match(
      chinese.stdout,
      /FIM-CFG-0015 \$\.spec\.enforcement [^:]*：您是否想写 `Observe`？ 可取：Enforce, Observe\n/,
    );
    assert.doesNotMatch(chinese.stdout, /did you mean|allowed:|known:/);
    const advised = await fim(['--lang', 'zh', 'validate', join(folder, 'none.yaml')]);
    assert.match(advised.stderr + advised.stdout, /FIM-CFG-1001 [^A-Z]*.*\n +请检查路径及其权限。/);
    assert.equal((await fim(['validate', file], { env: { LC_ALL: '', LANG: 'zh_CN.UTF-8' } })).stdout, chinese.stdout);
    const json = await fim(['--lang', 'zh', 'validate', file, '--json']);
    assert.equal(json.stdout, (await fim(['validate', file, '--json'])).stdout);
    assert.equal((await fim(['--lang', 'fr', 'validate', file])).status, 2);
  });

  test('no file: 2; a file that is not there: 1', async () => {
    assert.equal((await fim(['validate'])).status, 2);
    assert.equal((await fim(['validate', join(folder, 'none.yaml')])).status, 1);
  });
});

describe('render', () => {
  test('for envoy: all files, as YAML and as JSON, without keys', async () => {
    const yaml = await fim(['render', CONTRACT, '--for', 'envoy', '--modules', 'separate']);
    assert.equal(yaml.status, 0, yaml.stderr);
    const documents = parseAllDocuments(yaml.stdout);
    assert.equal(documents.length, 4 + CHAIN.length);
    const json = await fim(['render', CONTRACT, '--for', 'envoy', '--json', '--modules', 'separate']);
    const files = JSON.parse(json.stdout) as Record<string, unknown>;
    assert.deepEqual(Object.keys(files), [
      'envoy.json',
      'discovered/tlcp-connections.json',
      'discovered/tlcp-requests.json',
      'discovered/routes.json',
      ...CHAIN.map(({ folder }) => `discovered/fim.${folder}.json`),
    ]);
    assert.deepEqual(parse(String(documents[0])), files['envoy.json']);
    assert.match(json.stdout, /allow_on_headers_stop_iteration/);
    assert.match(json.stdout, /FAIL_RELOAD/);
  });

  test('for envoy: a canary in its first step, or as a shadow', async () => {
    const filterOf = async (name: string): Promise<string> => {
      const file = `test/corpus/valid/${name}`;
      const { stdout } = await fim(['render', file, '--for', 'envoy', '--json']);
      return JSON.stringify((JSON.parse(stdout) as Record<string, unknown>)['discovered/fim.json']);
    };
    const divided = await filterOf('canary.yaml');
    assert.match(divided, /composite\.v3\.Composite/);
    assert.match(divided, /"threshold":9900/, 'one of a hundred users');
    assert.match(divided, /"name":"fim\.canary"/);
    const shadow = await filterOf('canary-shadow.yaml');
    assert.doesNotMatch(shadow, /Composite/);
    assert.match(shadow, /\\"shadow\\":\{\\"release\\"/);
  });

  test('for something else, or of something invalid', async () => {
    assert.equal((await fim(['render', CONTRACT, '--for', 'nginx'])).status, 2);
    const file = join(folder, 'empty.yaml');
    writeFileSync(file, '');
    assert.equal((await fim(['render', file, '--for', 'envoy'])).status, 1);
  });
});

describe('settings of a KMS', () => {
  const FLAGS = [
    '--kms-path-prefix',
    '/v1/kv/data/',
    '--kms-transit-mount',
    'bank/transit',
    '--kms-timeout-ms',
    '900',
    '--kms-hold-ms',
    '800',
    '--kms-refresh-ms',
    '700',
  ];

  test('reach the modules, in both renderings', async () => {
    for (const target of ['envoy', 'istio']) {
      const { stdout } = await fim(['render', CONTRACT, '--for', target, '--json', ...FLAGS]);
      const [, settings] = /\\"kms\\":(\{[^}]*\})/.exec(stdout) ?? [];
      assert.deepEqual(
        JSON.parse((settings ?? '').replaceAll('\\', '')),
        {
          cluster: 'fim-kms',
          holdMs: 800,
          pathPrefix: '/v1/kv/data/',
          refreshMs: 700,
          timeoutMs: 900,
          transitMount: 'bank/transit',
        },
        target,
      );
    }
  });

  test('that are none: 2', async () => {
    for (const flags of [
      ['--kms-path-prefix', 'v1/kv'],
      ['--kms-path-prefix', '/v1/../data/x'],
      ['--kms-transit-mount', '/transit'],
      ['--kms-timeout-ms', '0'],
      ['--kms-hold-ms', '1e3'],
      ['--kms-refresh-ms', '99'],
    ]) {
      const { status, stderr } = await fim(['up', ...flags]);
      assert.equal(status, 2, flags.join(' '));
      assert.match(stderr, /FIM-UP-0020/);
    }
  });

  test('a key at another mount is found there', () => {
    assert.deepEqual(
      readKmsSettings(() => undefined),
      {},
    );
    const settings = readKmsSettings((name) => (name === 'kms-path-prefix' ? '/v1/kv/data/' : undefined));
    assert.ok(typeof settings === 'object');
    assert.equal(
      storedKeyPath({ url: new URL('http://kms'), ...settings } as KmsAccess, 'kms://a/b'),
      '/v1/kv/data/a/b',
    );
  });
});

describe('decrypt', () => {
  const kms = new DevelopmentKms();
  let url: URL;
  before(async () => {
    url = await kms.start();
    kms.createKey('kms://a/b');
  });
  after(() => kms.stop());

  async function protect(plain: string, kid: string, context?: string): Promise<string> {
    const iv = randomBytes(12);
    const cipher = createCipheriv('sm4-gcm' as CipherGCMTypes, await fetchKey(kid, url), iv);
    cipher.setAAD(Buffer.from(`fim-json\nSM4-GCM\n${kid}\n${context ?? ''}`));
    const ct = Buffer.concat([cipher.update(plain), cipher.final()]);
    return JSON.stringify({
      alg: 'SM4-GCM',
      kid,
      iv: iv.toString('base64'),
      ct: ct.toString('base64'),
      tag: cipher.getAuthTag().toString('base64'),
      ...(context ? { ctx: context } : {}),
    });
  }

  test('the plaintext comes out byte for byte, also by an older version of the key', async () => {
    const input = await protect('{"金额":1}', 'kms://a/b#1', 'ctx');
    kms.rotate('kms://a/b');
    const { status, stdout } = await fim(['decrypt', '--kms', url.href], { input });
    assert.equal(status, 0);
    assert.equal(stdout, '{"金额":1}');
  });

  test('a data key that came along is unwrapped by the KMS, for who shows the token as a bearer', async () => {
    const guarded = new DevelopmentKms({ token: () => 's.token' });
    const address = await guarded.start();
    try {
      guarded.createKey('kms://transit/pay');
      const token = join(folder, 'token');
      writeFileSync(token, 's.token\n');
      const access: KmsAccess = { url: address, credentials: { tokenFile: token, tokenHeader: 'Authorization' } };
      const answer = await askKms(access, {
        path: transitPath(access, 'datakey/plaintext', 'pay'),
        body: { bits: 128 },
        timeoutMs: 5000,
      });
      const { plaintext, ciphertext } = (JSON.parse(answer.text) as { data: { plaintext: string; ciphertext: string } })
        .data;
      const kid = 'kms://transit/pay#1';
      const iv = randomBytes(12);
      const cipher = createCipheriv('sm4-gcm' as CipherGCMTypes, Buffer.from(plaintext, 'base64'), iv);
      cipher.setAAD(Buffer.from(`fim-json\nSM4-GCM\n${kid}\n`));
      const ct = Buffer.concat([cipher.update('text'), cipher.final()]);
      const input = JSON.stringify({
        alg: 'SM4-GCM',
        kid,
        edk: ciphertext,
        iv: iv.toString('base64'),
        ct: ct.toString('base64'),
        tag: cipher.getAuthTag().toString('base64'),
      });
      const flags = ['decrypt', '--kms', address.href, '--kms-namespace', 'bank'];
      const opened = await fim([...flags, '--kms-token-file', token, '--kms-token-header', 'authorization'], { input });
      assert.equal(opened.stdout, 'text', opened.stderr);
      assert.match((await fim(flags, { input })).stderr, /FIM-KMS-0008/);
      assert.match(
        (await fim([...flags, '--kms-token-file', token], { input: input.replace(ciphertext, 'vault:v1:AAAA') }))
          .stderr,
        /FIM-KMS-0002/,
      );
      assert.match(
        (await fim([...flags, '--kms-token-file', token, '--kms-transit-mount', 'other'], { input })).stderr,
        /FIM-UP-0018/,
      );
    } finally {
      await guarded.stop();
    }
  });

  test('what does not open, is no such body, has an unknown key or no KMS has a code each', async () => {
    const good = await protect('x', 'kms://a/b#1');
    const cases: [input: string, kms: string, code: string][] = [
      [good.replace(/"tag":"../, '"tag":"//'), url.href, 'FIM-UP-0019'],
      ['{}', url.href, 'FIM-UP-0018'],
      ['', url.href, 'FIM-UP-0018'],
      [good.replace('a/b#1', 'a/c#1'), url.href, 'FIM-KMS-0002'],
      [good.replace('a/b#1', '../../sys/health#1'), url.href, 'FIM-UP-0018'],
      [good.replace('a/b#1', 'a/..#1'), url.href, 'FIM-UP-0018'],
      [good, 'http://127.0.0.1:9', 'FIM-UP-0017'],
    ];
    for (const [input, address, code] of cases) {
      const { status, stdout, stderr } = await fim(['decrypt', '--kms', address], { input });
      assert.equal(status, 1);
      assert.equal(stdout, '');
      assert.match(stderr, new RegExp(code));
    }
    assert.equal((await fim(['decrypt'])).status, 2);
  });
});

test('diff says what becomes weaker, and fails for it if asked', async () => {
  const next = join(folder, 'next.yaml');
  writeFileSync(next, readFileSync(join(ROOT, CARDS), 'utf8').replace('requests: 10', 'requests: 100'));
  const { status, stdout } = await fim(['diff', CARDS, next], { env: { LC_ALL: 'zh_CN.UTF-8' } });
  assert.equal(status, 0);
  assert.match(stdout, /减弱: 1\n {2}FinancialRoute default\/card-query\n {4}~ rateLimit\.requests: 10 → 100 /);
  assert.equal((await fim(['diff', CARDS, next, '--fail-on-weaker'])).status, 1);
  assert.equal((await fim(['diff', next, CARDS, '--fail-on-weaker'])).status, 0);
  assert.match((await fim(['diff', CARDS, CARDS])).stdout, /no difference/);
  assert.equal((await fim(['diff', CARDS, join(folder, 'none.yaml')])).status, 1);
});

test('version names every module', async () => {
  const { status, stdout } = await fim(['version', '--json']);
  assert.equal(status, 0);
  const { modules } = JSON.parse(stdout) as { modules: Record<string, string> };
  assert.deepEqual(Object.keys(modules), ['fim.wasm', ...CHAIN.map(({ folder }) => `${folder}.wasm`)]);
});

test('every verb has help', async () => {
  for (const verb of ['up', 'validate', 'test', 'replay', 'diff', 'render', 'decrypt', 'version']) {
    const { status, stdout } = await fim([verb, '--help']);
    assert.equal(status, 0);
    assert.match(stdout, new RegExp(`Usage: fim ${verb}`));
  }
});
