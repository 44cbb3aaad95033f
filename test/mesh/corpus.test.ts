// The CRD and the corpus, judged by a real API server: what the files state of the schema and of the CEL rules is what
// it says.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { after, before, describe, it } from 'node:test';
import { parse } from 'yaml';
import { type CorpusCase, readCorpus } from '../contract/corpus-case.ts';
import { withCrdDefaults } from '../contract/structural-schema.ts';
import { type ApiReply, ApiServer } from './stack/api-server.ts';
import { buildPrograms } from './programs/programs.ts';

const KINDS = ['financialroutes', 'financialbaselines'];
const CRDS = KINDS.map(
  (plural) =>
    parse(readFileSync(`istio/crd/${plural}.fim.financial.yaml`, 'utf8')) as Parameters<ApiServer['addDefinition']>[0],
);
const ROUTES = '/apis/fim.financial/v1/namespaces/default/financialroutes';
const BASELINES = '/apis/fim.financial/v1/financialbaselines';
const STRICT = 'fieldValidation=Strict&fieldManager=test';
const SET_UP_MS = 1_200_000;

describe('a real API server', () => {
  const server = new ApiServer();

  before(
    async () => {
      await server.start(await buildPrograms(() => {}));
      for (const definition of CRDS) assert.equal((await server.addDefinition(definition)).status, 201);
    },
    { timeout: SET_UP_MS },
  );

  after(() => server.stop());

  for (const plural of KINDS)
    it(`takes the definition of ${plural} without a warning: structural, every rule within its cost`, async () => {
      const { body } = await server.send(
        'GET',
        `/apis/apiextensions.k8s.io/v1/customresourcedefinitions/${plural}.fim.financial`,
      );
      const { conditions } = body.status as { conditions: { type: string; status: string; message: string }[] };
      const held = Object.fromEntries(conditions.map(({ type, status }) => [type, status]));
      assert.equal(held.Established, 'True', JSON.stringify(conditions));
      assert.equal(held.NamesAccepted, 'True', JSON.stringify(conditions));
      assert.ok(!conditions.some(({ type }) => type === 'NonStructuralSchema'), JSON.stringify(conditions));
    });

  it('stores and gives back the contract resource as it stands', async () => {
    const resource = parse(readFileSync('istio/samples/fund-redemption-v2.yaml', 'utf8')) as { spec: unknown };
    const created = await server.send('POST', `${ROUTES}?${STRICT}`, resource);
    assert.equal(created.status, 201, created.body.message ?? '');
    const stored = await server.send('GET', `${ROUTES}/fund-redemption-v2`);
    assert.deepEqual(
      stored.body.spec,
      (withCrdDefaults(resource) as typeof resource).spec,
      'nothing pruned; defaults are added',
    );
    assert.deepEqual(
      (stored.body.spec as { wasm: unknown }).wasm,
      (resource.spec as { wasm: unknown }).wasm,
      'nothing is defaulted into the wasm configuration',
    );
  });

  /** Metadata is the server's own to judge, not the schema's: every resource goes under a name that is fine. */
  function judge(example: CorpusCase): Promise<ApiReply> {
    const resource = { ...(parse(example.text) as { kind?: string }), metadata: { name: 'example' } };
    return server.send(
      'POST',
      `${resource.kind === 'FinancialBaseline' ? BASELINES : ROUTES}?${STRICT}&dryRun=All`,
      resource,
    );
  }

  for (const example of [...readCorpus('valid'), ...readCorpus('invalid')]) {
    const { schema, cel, typescript } = example.verdicts;
    // A text that is not one YAML object cannot be sent, so only the reader judges it.
    if (schema.outcome === 'not reached') continue;
    const expected =
      schema.outcome === 'refused'
        ? 'refused by the schema'
        : cel.outcome === 'refused'
          ? 'refused by a rule'
          : 'accepted';
    it(`${expected}: ${example.name}`, async () => {
      const { status, body } = await judge(example);
      if (expected === 'accepted') assert.equal(status, 201, body.message ?? '');
      else {
        assert.ok(status === 400 || status === 422, `${status} ${body.message ?? ''}`);
        const rule = /FIM-CFG-\d{4}/.exec(body.message ?? '')?.[0];
        if (expected === 'refused by a rule') assert.equal(rule, typescript.code, body.message ?? '');
      }
    });
  }
});
