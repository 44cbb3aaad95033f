// A key service that requires a token. The gateway's Envoy sends it from a file of its pod; no object and no config
// dump contains it.
import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { after, before, describe, it } from 'node:test';
import { DevelopmentKms } from '../../envoy/standalone/development-kms.ts';
import { kmsSecrets } from '../../envoy/xds/index.ts';
import { buildModules } from '../../scripts/build.ts';
import { send } from '../e2e/http-client.ts';
import { RecordingUpstream } from '../e2e/recording-upstream.ts';
import { Mesh } from './stack/mesh.ts';
import { NAMESPACE } from './stack/topology.ts';
import { until } from './stack/until.ts';

const SET_UP_MS = 1_800_000;
const TOKEN = randomBytes(16).toString('hex');
const KEY_ID = 'kms://prod/fund/guarded';

describe('a key service that wants a token', () => {
  let mesh: Mesh;
  let upstream: RecordingUpstream;
  let url: string;

  before(
    async () => {
      const [module] = await buildModules(['fim']);
      mesh = await Mesh.start();
      upstream = await RecordingUpstream.start();
      mesh.atEnd(() => upstream.stop());
      const kms = new DevelopmentKms({ token: () => TOKEN });
      const kmsUrl = await kms.start();
      mesh.atEnd(() => kms.stop());
      kms.createKey(KEY_ID);
      // Files that a Secret would mount into the proxies' pods.
      const tokenFile = path.join(mesh.folder, 'token');
      writeFileSync(tokenFile, TOKEN, { mode: 0o600 });
      writeFileSync(path.join(mesh.folder, 'token.json'), JSON.stringify(kmsSecrets({ tokenFile }).token));
      Object.assign(process.env, {
        FIM_KMS_PROXY_FOLDER: mesh.folder,
        FIM_KMS_PROXY_FILES: 'token',
        FIM_KMS_TOKEN_FILE: tokenFile,
      });
      mesh.releaseModule(readFileSync(module!.path));
      const operator = await mesh.addOperator('guarded', { kms: kmsUrl });
      const gateway = await mesh.addGateway();
      await mesh.addWorkload('web', upstream.url, '*');
      await operator.leads();
      url = mesh.gatewayUrl(gateway);
      await until('the gateway leads to the workload', async () => (await send(url, { method: 'GET' })).status === 200);
    },
    { timeout: SET_UP_MS },
  );
  after(() => mesh?.stop());

  it('gives the key to the gateway', async () => {
    await mesh.objects.apply({
      apiVersion: 'fim.financial/v1',
      kind: 'FinancialRoute',
      metadata: { name: 'guarded', namespace: NAMESPACE },
      spec: { encryption: { keyId: KEY_ID, request: 'Encrypt' } },
    });
    await until('a message arrives encrypted', async () => {
      const { status } = await send(url, { body: '{"secret":"plain"}' });
      const body = upstream.arrived.at(-1)?.body.toString() ?? '';
      return status === 200 && body.includes('"kid"') && !body.includes('plain');
    });
  });

  it('and nothing that Kubernetes keeps holds the token', async () => {
    const objects = await mesh.objects.list('networking.istio.io/v1alpha3', 'EnvoyFilter', NAMESPACE);
    assert.ok(objects.some(({ metadata }) => metadata.name === 'fim-kms'));
    assert.ok(JSON.stringify(objects).includes('token.json'));
    assert.ok(!JSON.stringify(objects).includes(TOKEN));
  });
});
