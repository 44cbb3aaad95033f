// The contract resource in Envoy in a container: an image of the Envoy in use, no registry, no network.
import assert from 'node:assert/strict';
import { createDecipheriv, type CipherGCMTypes } from 'node:crypto';
import { after, before, describe, it } from 'node:test';
import { envoyBinary } from '../../envoy/standalone/envoy-binary.ts';
import { type Engine, useEngine } from './container-engine.ts';
import { importImage, removeImage } from './image.ts';
import { Pod } from './pod/pod.ts';

const ROUTE = 'istio/samples/fund-redemption-v2.yaml';
const KEY_PATH = '/v1/secret/data/prod/fund/key-2023';
const POST = { method: 'POST', headers: { 'content-type': 'application/json' } };
const GOOD = '{"transCode":"01200101","amount":"100.00","memo":"季度赎回"}';
const SET_UP_MS = 180_000;

interface Seen {
  path: string;
  contentType: string;
  body: string;
}

describe('the contract resource, Envoy in a container', () => {
  let engine: Engine | undefined;
  const images: string[] = [];
  const pod = new Pod();

  before(
    async () => {
      engine = await useEngine();
      const node = await importImage('fim-test/node', process.execPath);
      images.push(node);
      const envoy = await importImage('fim-test/envoy', await envoyBinary());
      images.push(envoy);
      await pod.start({ node, envoy }, ROUTE);
    },
    { timeout: SET_UP_MS },
  );

  after(async () => {
    await pod.stop();
    for (const image of images) await removeImage(image);
    await engine?.stop();
  });

  async function seen(): Promise<Seen[]> {
    return JSON.parse((await pod.send('upstream', '/_seen')).body) as Seen[];
  }

  it('says which engine runs it', (t) => {
    t.diagnostic(`container engine: ${engine?.how}`);
    assert.equal(images.length, 2);
  });

  it('encrypts an accepted message; the key of the KMS opens it', async () => {
    const answer = await pod.send('listener', '/fund/redemption', { ...POST, body: GOOD });
    assert.equal(answer.status, 200, answer.body);
    const [arrived] = await seen();
    assert.equal(arrived?.path, '/fund/redemption');
    assert.equal(arrived.contentType, 'application/vnd.fim.encrypted+json');
    assert.ok(!arrived.body.includes('01200101'), 'the plaintext is not there');
    const { alg, kid, iv, ct, tag } = JSON.parse(arrived.body) as Record<string, string>;
    assert.deepEqual([alg, kid], ['SM4-GCM', 'kms://prod/fund/key-2023#1']);
    const { data } = JSON.parse((await pod.send('kms', KEY_PATH)).body) as { data: { data: { material: string } } };
    const cipher = createDecipheriv(
      'sm4-gcm' as CipherGCMTypes,
      Buffer.from(data.data.material, 'base64'),
      Buffer.from(iv ?? '', 'base64'),
      { authTagLength: 16 },
    );
    cipher.setAAD(Buffer.from(`fim-json\n${alg}\n${kid}\n`)).setAuthTag(Buffer.from(tag ?? '', 'base64'));
    assert.equal(Buffer.concat([cipher.update(Buffer.from(ct ?? '', 'base64')), cipher.final()]).toString(), GOOD);
  });

  it('rejects a message that breaks the pattern, and the upstream sees nothing of it', async () => {
    const before = await seen();
    const answer = await pod.send('listener', '/fund/redemption', { ...POST, body: '{"transCode":"99999999"}' });
    assert.equal(answer.status, 422);
    assert.equal(answer.headers['content-type'], 'application/problem+json');
    const problem = JSON.parse(answer.body) as { code: string; errors: { code: string; path: string }[] };
    assert.equal(problem.code, 'FIM-PBOC-0001');
    assert.deepEqual(
      problem.errors.map(({ code, path }) => [code, path]),
      [['FIM-PBOC-0007', '/transCode']],
    );
    assert.ok(!answer.body.includes('99999999'), 'no value in the reply');
    assert.deepEqual(await seen(), before);
  });
});
