// `fim up` with its own KMS on disk: keys of the algorithms that routes ask for, a token, and `fim kms` beside it.
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { after, before, test } from 'node:test';
import { buildForUp, Running, fim } from './command.ts';

const folder = mkdtempSync(join(tmpdir(), 'fim-kms-up-'));
before(buildForUp);
after(() => rmSync(folder, { recursive: true, force: true }));
/** A rotation is noticed within 5 s. The rest is margin for a busy machine. */
const SEEN_MS = 60_000;

const resource = (name: string, encryption: object): string =>
  JSON.stringify({
    apiVersion: 'fim.financial/v1',
    kind: 'FinancialRoute',
    metadata: { name },
    spec: { match: { path: { type: 'Prefix', value: `/${name}` } }, encryption },
  });

interface Sealed {
  alg: string;
  kid: string;
  edk?: string;
}

test('keys are made for the algorithms of the routes, last beyond the process, and rotate from another one', async () => {
  const routes = join(folder, 'routes.yaml');
  const data = join(folder, 'keys');
  const token = join(folder, 'token');
  writeFileSync(token, 's.development\n', { mode: 0o600 });
  writeFileSync(
    routes,
    [
      resource('aes', { keyId: 'kms://a/aes', algorithm: 'AES-256-GCM', request: 'Encrypt' }),
      resource('wrapped', { keyId: 'kms://transit/pay', request: 'Encrypt' }),
    ].join('\n---\n'),
  );
  const running = new Running([routes, '--kms-data', data, '--kms-token-file', token]);
  try {
    const { listen, upstream, kms } = await running.event('ready');
    await running.event('applied');
    const sealed = async (path: string): Promise<Sealed> => {
      const { status } = await fetch(`http://${listen}${path}`, {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: '{"a":1}',
      });
      assert.equal(status, 200);
      return (await (await fetch(`${upstream}/_seen/body`)).json()) as Sealed;
    };
    const aes = await sealed('/aes');
    assert.deepEqual([aes.alg, aes.kid], ['AES-256-GCM', 'kms://a/aes#1']);
    const wrapped = await sealed('/wrapped');
    assert.match(wrapped.edk ?? '', /^vault:v1:/);
    assert.equal((await fetch(`${kms}/v1/secret/data/a/aes`)).status, 403, 'without the token');

    const { keys } = JSON.parse((await fim(['kms', 'list', '--data', data, '--json'])).stdout) as {
      keys: { key: string; algorithm: string }[];
    };
    assert.deepEqual(
      keys.map(({ key, algorithm }) => [key, algorithm]),
      [
        ['kms://a/aes', 'AES-256'],
        ['kms://transit/pay', 'transit'],
      ],
    );
    assert.equal((await fim(['kms', 'rotate', 'kms://a/aes', '--data', data])).status, 0);
    const deadline = Date.now() + SEEN_MS;
    while ((await sealed('/aes')).kid !== 'kms://a/aes#2') {
      assert.ok(Date.now() < deadline, 'the rotation is not in use');
      await pause(50);
    }
  } finally {
    await running.end('SIGINT');
  }
  const again = JSON.parse((await fim(['kms', 'list', '--data', data, '--json'])).stdout) as {
    keys: { versions: object[] }[];
  };
  assert.equal(again.keys[0]!.versions.length, 2);
});

test('flags that do not go together, and files that are no credentials, are told before anything starts', async () => {
  const routes = join(folder, 'one.yaml');
  writeFileSync(routes, resource('a', { keyId: 'kms://a/b', request: 'Encrypt' }));
  const cases: [args: string[], status: number, code: string][] = [
    [['--kms-ca', routes], 2, 'FIM-UP-0020'],
    [['--kms', 'https://127.0.0.1:1', '--kms-cert', routes], 2, 'FIM-UP-0020'],
    [['--kms', 'http://127.0.0.1:1', '--kms-data', folder], 2, 'FIM-UP-0020'],
    [['--kms-token-header', 'Authorization'], 2, 'FIM-UP-0020'],
    [['--kms-token-file', routes, '--kms-token-header', 'Cookie'], 2, 'FIM-UP-0020'],
    [['--kms-namespace', 'a b'], 2, 'FIM-UP-0020'],
    [['--kms-token-file', join(folder, 'none')], 1, 'FIM-KMS-0006'],
    [['--kms', 'https://127.0.0.1:1', '--kms-ca', join(folder, 'none')], 1, 'FIM-KMS-0006'],
  ];
  for (const [args, status, code] of cases) {
    const ended = await fim(['up', routes, ...args]);
    assert.match(ended.stderr, new RegExp(code), args.join(' '));
    assert.equal(ended.status, status, args.join(' '));
  }
});
