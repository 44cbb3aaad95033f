// The matched route decides whether a compressed request is decompressed.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { gzipSync } from 'node:zlib';
import { Harness } from './harness.ts';
import { JSON_TYPE, problemOf, send } from './http-client.ts';
import { route, together } from './resources.ts';

/** A route that decompresses accepts `{"kind":NAME}` only. One that does not refuses compressed bodies with 415. */
function either(name: string, match: object, compressed: 'Decompress' | 'Refuse'): string {
  return route(name, { match, body: { compressed }, validation: { fields: [{ name: 'kind', pattern: `^${name}$` }] } });
}

const ROUTES = together(
  either('exact', { path: { type: 'Exact', value: '/a/b' } }, 'Decompress'),
  either('prefix', { path: { value: '/a' } }, 'Refuse'),
  either('deep', { path: { value: '/a/b/c' } }, 'Decompress'),
  either('pattern', { path: { type: 'Pattern', value: '/x/v[0-9]+/.*' } }, 'Decompress'),
  either('hosts', { hosts: ['*.bank.cn'], path: { value: '/h' } }, 'Decompress'),
  either('host', { hosts: ['pay.bank.cn'], path: { value: '/h' } }, 'Refuse'),
  either('method', { methods: ['PUT'], path: { value: '/m' } }, 'Decompress'),
  either('header', { headers: [{ name: 'X-Canary', value: 'v2' }], path: { value: '/x' } }, 'Decompress'),
  either('present', { headers: [{ name: 'x-any', type: 'Present' }], path: { value: '/x/y' } }, 'Refuse'),
  either(
    'version',
    { headers: [{ name: 'x-version', type: 'Pattern', value: '2\\.[0-9]+' }], path: { value: '/p' } },
    'Decompress',
  ),
  either('rest', {}, 'Refuse'),
);

let harness: Harness;
before(async () => (harness = await Harness.start({ routes: ROUTES })));
after(() => harness.stop());

const CASES: [path: string, headers: Record<string, string>, route: string, method?: string][] = [
  ['/a/b', {}, 'exact'],
  ['/a/b?q=1', {}, 'exact'],
  ['/a', {}, 'prefix'],
  ['/ab', {}, 'rest'],
  ['/a/b/c', {}, 'deep'],
  ['/a/b/c/d?/v1/', {}, 'deep'],
  ['/a/b/cd', {}, 'prefix'],
  ['/x/v12/y', {}, 'pattern'],
  ['/x/v/y?/x/v1/', {}, 'rest'],
  ['/z/x/v1/y', {}, 'rest'],
  ['/h', { host: 'eu.pay.Bank.cn:8080' }, 'hosts'],
  ['/h', { host: 'pay.bank.cn' }, 'host'],
  ['/h', { host: 'PAY.bank.cn:99' }, 'host'],
  ['/h', { host: 'bank.cn' }, 'rest'],
  ['/m', {}, 'rest'],
  ['/m', {}, 'method', 'PUT'],
  ['/x', { 'x-canary': 'v2' }, 'header'],
  ['/x', { 'x-canary': 'v22' }, 'rest'],
  ['/x/y', { 'x-any': '1', 'x-canary': 'v2' }, 'present'],
  ['/p', { 'x-version': '2.17' }, 'version'],
  ['/p', { 'x-version': 'a2.1' }, 'rest'],
  ['/p', { 'x-version': '2x1' }, 'rest'],
  ['//a//b', {}, 'exact'],
  ['/a/./x/../b', {}, 'exact'],
];
const DECOMPRESSING = new Set(['exact', 'deep', 'pattern', 'hosts', 'method', 'header', 'version']);

for (const [path, headers, name, method = 'POST'] of CASES) {
  test(`${method} ${path} ${JSON.stringify(headers)} meets ${name}`, async () => {
    const plain = JSON.stringify({ kind: name });
    assert.equal(
      (await send(harness.url, { method, path, headers: { ...JSON_TYPE, ...headers }, body: plain })).status,
      200,
      'plugin',
    );
    const packed = await send(harness.url, {
      method,
      path,
      headers: { ...JSON_TYPE, ...headers, 'content-encoding': 'gzip' },
      body: gzipSync(plain),
    });
    assert.equal(packed.status, DECOMPRESSING.has(name) ? 200 : 415, packed.body.toString());
  });
}

test('a path that some servers take for another route is not judged by either', async () => {
  const reply = await send(harness.url, { path: '/a/b/', body: '{"kind":"prefix"}' });
  assert.deepEqual([reply.status, problemOf(reply).code], [400, 'FIM-RT-0041']);
});

test('an escaped slash is refused before any route', async () => {
  assert.equal((await send(harness.url, { path: '/a%2Fb', body: '{}' })).status, 400);
});
