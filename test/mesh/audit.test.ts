// Audit in a mesh: a gateway's records reach a collector that requires a token, and the route says so.
import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { after, before, describe, it } from 'node:test';
import { guardedSecrets } from '../../envoy/xds/index.ts';
import { type RunningCollector, startCollector } from '../../services/audit/start-collector.ts';
import { send } from '../e2e/http-client.ts';
import { OperatedMesh } from './operated-mesh.ts';
import { until } from './stack/until.ts';

const SET_UP_MS = 1_800_000;
const TOKEN = randomBytes(16).toString('hex');
const ROUTE = `
apiVersion: fim.financial/v1
kind: FinancialRoute
metadata: {name: transfers}
spec:
  match: {path: {type: Prefix, value: /transfers}}
  validation: {fields: [{name: account, pattern: "^[0-9]{4}$"}]}
  audit: {mode: Sync}
`;

describe('audit in a mesh', () => {
  let operated: OperatedMesh;
  let collector: RunningCollector;
  let folder: string;
  let known = TOKEN;

  before(
    async () => {
      operated = await OperatedMesh.start(undefined, {
        operator: async (mesh) => {
          folder = path.join(mesh.folder, 'audit');
          collector = await startCollector({ folder, tokens: () => [known] });
          mesh.atEnd(() => collector.stop());
          // Files that a Secret would mount into the proxies' pods.
          const tokenFile = path.join(mesh.folder, 'token');
          writeFileSync(tokenFile, TOKEN, { mode: 0o600 });
          writeFileSync(
            path.join(mesh.folder, 'token.json'),
            JSON.stringify(guardedSecrets('fim-audit', { tokenFile }).token),
          );
          return {
            flags: [
              `--audit=${collector.url}`,
              `--audit-proxy-folder=${mesh.folder}`,
              '--audit-proxy-files=token',
              `--audit-token-file=${tokenFile}`,
            ],
          };
        },
      });
    },
    { timeout: SET_UP_MS },
  );
  after(() => operated?.stop());

  const records = (): { kind: string; route?: string; verdict?: string; code?: string }[] =>
    readdirSync(path.join(folder, 'segments')).flatMap((file) =>
      readFileSync(path.join(folder, 'segments', file), 'utf8')
        .split('\n')
        .filter((line) => line !== '')
        .map((line) => (JSON.parse(line) as { r: { kind: string } }).r),
    );

  it('leaves a record of each message, passed and refused, and the route is Audited', async () => {
    await operated.apply(ROUTE);
    await operated.condition('transfers', 'Programmed', 'True');
    const waiting = await operated.condition('transfers', 'Audited', 'Unknown', 'NothingSent');
    assert.match(waiting.message, /gw-0 had none to send yet/);
    assert.equal((await send(operated.url, { path: '/transfers', body: '{"account":"1234"}' })).status, 200);
    assert.equal((await send(operated.url, { path: '/transfers', body: '{"account":"x"}' })).status, 422);
    const said = await operated.condition('transfers', 'Audited', 'True');
    assert.equal(said.message, 'The collector has records of 1 of 1 proxy.');
    await until('both are recorded', () => records().filter(({ kind }) => kind === 'message').length === 2);
    assert.deepEqual(
      records().flatMap(({ kind, route, verdict, code }) => (kind === 'message' ? [[route, verdict, code]] : [])),
      [
        ['demo/transfers', 'Passed', undefined],
        ['demo/transfers', 'Refused', 'FIM-PBOC-0001'],
      ],
    );
  });

  it('says so when records do not arrive, and when they do again; nothing that Kubernetes keeps holds the token', async () => {
    assert.ok(!JSON.stringify(await operated.objects()).includes(TOKEN));
    known = 'another';
    // Its record stays in the proxy: the answer is withheld.
    assert.equal((await send(operated.url, { path: '/transfers', body: '{"account":"1234"}' })).status, 502);
    const lost = await operated.condition('transfers', 'Audited', 'False', 'NotDelivered');
    assert.match(lost.message, /FIM-OP-0050: .* gw-0/);
    await operated.condition('transfers', 'Ready', 'False', 'NotDelivered');
    known = TOKEN;
    await operated.condition('transfers', 'Audited', 'True');
    await operated.condition('transfers', 'Ready', 'True');
  });

  it('and the cluster goes with the route', async () => {
    await operated.remove('transfers');
    await until(
      'fim-audit has gone',
      async () => !(await operated.objects()).some(({ metadata }) => metadata.name === 'fim-audit'),
    );
  });
});
