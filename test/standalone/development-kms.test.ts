// The development KMS: a KV version 2 read, on loopback, for keys that were made, and for nobody else.
import assert from 'node:assert/strict';
import { request } from 'node:http';
import { after, before, test } from 'node:test';
import { DevelopmentKms } from '../../envoy/standalone/development-kms.ts';

const KEY_PATH = '/v1/secret/data/prod/fund/key';
const kms = new DevelopmentKms();
let url: URL;
before(async () => {
  url = await kms.start();
  kms.createKey('kms://prod/fund/key');
});
after(() => kms.stop());

interface Read {
  data: { data: { algorithm: string; material: string }; metadata: { version: number; destroyed: boolean } };
}

async function read(path: string): Promise<Read> {
  return (await (await fetch(new URL(path, url))).json()) as Read;
}

test('a key is 16 random bytes, and the same at each read', async () => {
  const first = await read(KEY_PATH);
  assert.equal(first.data.data.algorithm, 'SM4');
  assert.equal(Buffer.from(first.data.data.material, 'base64').length, 16);
  assert.equal(first.data.metadata.version, 1);
  kms.createKey('kms://prod/fund/key');
  assert.deepEqual(await read(KEY_PATH), first);
});

test('a new version becomes the newest; the old one is still to be had', async () => {
  const old = await read(KEY_PATH);
  const added = await fetch(new URL(KEY_PATH, url), { method: 'POST', body: '{}' });
  assert.deepEqual(await added.json(), { data: { version: 2 } });
  const fresh = await read(KEY_PATH);
  assert.equal(fresh.data.metadata.version, 2);
  assert.notEqual(fresh.data.data.material, old.data.data.material);
  assert.deepEqual(await read(`${KEY_PATH}?version=1`), old);
});

test('what was not made is not found', async () => {
  for (const path of [
    '/v1/secret/data/prod/other',
    `${KEY_PATH}?version=9`,
    `${KEY_PATH}/more`,
    '/v1/secret/data/',
    '/',
  ]) {
    assert.equal((await fetch(new URL(path, url))).status, 404, path);
  }
  assert.equal((await fetch(new URL('/v1/secret/data/prod/other', url), { method: 'POST' })).status, 405);
});

test('it answers for its own names only, and listens on loopback only', async () => {
  const status = await new Promise((done, failed) => {
    request(new URL(KEY_PATH, url), { headers: { host: 'evil.example' } }, (response) =>
      done(response.resume().statusCode),
    )
      .on('error', failed)
      .end();
  });
  assert.equal(status, 403);
  const newest = (await read(KEY_PATH)).data.metadata.version;
  for (const origin of ['https://evil.example', 'null', url.origin]) {
    assert.equal(
      (await fetch(new URL(KEY_PATH, url), { method: 'POST', body: '{}', headers: { origin } })).status,
      403,
      'a page in a browser on this machine changes nothing',
    );
  }
  assert.equal((await read(KEY_PATH)).data.metadata.version, newest);
  for (const host of ['0.0.0.0', '::', '192.0.2.1', 'example.org']) {
    await assert.rejects(new DevelopmentKms().start(host), /FIM-UP-0016/);
  }
});
