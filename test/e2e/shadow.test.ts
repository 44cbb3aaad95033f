// A shadow through a real Envoy with two workers: what its policy says is counted, and nothing else comes of it.
import assert from 'node:assert/strict';
import { after, before, describe, it, type TestContext } from 'node:test';
import type { CanaryReport } from '../../envoy/standalone/canary-keeper.ts';
import { compileLimitsTrap } from '../host/compile.ts';
import { control } from './control.ts';
import { Harness, type HarnessOptions } from './harness.ts';

const fields = (kinds: string): string => `fields: [{name: transCode, pattern: "^0[${kinds}][0-9]{6}$"}]`;

/** A route that takes codes of 01 and 02, whose shadow takes those of 01 and 03. */
const route = ({
  own = `validation: {${fields('12')}}`,
  shadow = `validation: {${fields('13')}, verdictHeader: X-Verdict, extract: [{name: code, path: "$.transCode"}]}`,
  mode = 'Shadow',
  more = '',
} = {}) => `
apiVersion: fim.financial/v1
kind: FinancialRoute
metadata: {name: pay}
spec:
  match: {path: {type: Prefix, value: /pay}}
  ${own}
  canary:
    mode: ${mode}
    ${more}
    spec:
      ${shadow}
`;

async function start(t: TestContext, routes: string, options: Partial<HarnessOptions> = {}): Promise<Harness> {
  const harness = await Harness.start({ routes, ...options });
  t.after(() => harness.stop());
  return harness;
}

async function pay({ url }: Harness, code: string, headers: Record<string, string> = {}): Promise<number> {
  const answer = await fetch(`${url}/pay`, {
    method: 'POST',
    body: JSON.stringify({ transCode: code }),
    headers: { 'content-type': 'application/json', ...headers },
    signal: AbortSignal.timeout(60_000),
  });
  await answer.arrayBuffer();
  return answer.status;
}

const reportOf = async (harness: Harness): Promise<CanaryReport> =>
  (await control(harness, 'GET', '/canary')).body.canary;

/** Waits until so many messages were judged. */
async function judged(harness: Harness, count: number): Promise<CanaryReport> {
  let report: CanaryReport | undefined;
  await harness.poll(async () => {
    report = await reportOf(harness);
    const { same = 0, stricter = 0, laxer = 0, other = 0 } = report.shadow ?? {};
    return same + stricter + laxer + other >= count;
  });
  return report!;
}

describe('a shadow', () => {
  let harness: Harness;
  before(async () => void (harness = await Harness.start({ routes: route() })));
  after(() => harness?.stop());

  it('says what would change, and changes nothing', async () => {
    const statuses: number[] = [];
    for (const kind of ['01', '02', '03', '04', '02', '03', '02']) statuses.push(await pay(harness, `${kind}000000`));
    assert.deepEqual(statuses, [200, 200, 422, 422, 200, 422, 200], 'as the policy in force has it');
    const { phase, mode, share, shadow, samples } = await judged(harness, 7);
    assert.deepEqual({ phase, mode, share }, { phase: 'Progressing', mode: 'Shadow', share: 0 });
    assert.deepEqual(shadow, {
      same: 2,
      stricter: 3,
      laxer: 2,
      other: 0,
      skipped: 0,
      codes: { 'laxer FIM-PBOC-0007': 2, 'stricter FIM-PBOC-0007': 3 },
      died: 0,
    });
    assert.deepEqual(samples?.toSorted(), ['laxer FIM-PBOC-0007 /transCode', 'stricter FIM-PBOC-0007 /transCode']);
    for (const { headers } of harness.upstream.arrived) assert.deepEqual(headers['x-verdict'], undefined);
  });

  it('leaves the counters of the policy in force to it, and is told by metrics', async () => {
    let stats = new Map<string, number>();
    await harness.poll(async () => {
      stats = await harness.stack.envoy.admin.stats(String.raw`fim\.(pboc|shadow)`);
      return (stats.get('wasmcustom.fim.pboc.valid') ?? 0) >= 4;
    });
    assert.equal(stats.get('wasmcustom.fim.pboc.valid'), 4);
    assert.equal(stats.get('wasmcustom.fim.pboc.invalid'), 3);
    assert.equal(stats.get('wasmcustom.fim.pboc.breaches_total{rule=pattern}'), 3);
    const differences = 'wasmcustom.fim.shadow.differences_total';
    assert.equal(stats.get(`${differences}{shadow=stricter,code=FIM-PBOC-0007,route=default/pay}`), 3);
  });

  it('keeps a bounded sample of places, none of which is a name or a value of a message', async () => {
    const wild = 'validation: {fields: [{path: "$.parts[*].code", pattern: "^0", required: false}]}';
    const applied = await harness.edit(route({ shadow: wild }));
    assert.equal(applied.event, 'applied');
    const send = async (body: object): Promise<void> => {
      const answer = await fetch(`${harness.url}/pay`, {
        method: 'POST',
        body: JSON.stringify({ transCode: '01000000', ...body }),
        headers: { 'content-type': 'application/json' },
      });
      assert.equal(answer.status, 200);
      await answer.arrayBuffer();
    };
    await send({ parts: [{ code: '0' }, { code: '6222021234567890' }] });
    await send({ parts: { 6222021234567891: { code: '6222021234567890' } } });
    const { samples = [] } = await judged(harness, 2);
    assert.ok(samples.length > 0);
    assert.doesNotMatch(samples.join(), /6222/);
  });

  it('steps aside for a canary, which begins at its first step, or is promoted by a person', async () => {
    const divided = route({ mode: 'Divide', more: 'hash: {header: X-User}\n    steps: [10, 50]' });
    assert.equal((await harness.edit(route({ more: 'hash: {header: X-User}\n    steps: [10, 50]' }))).event, 'applied');
    assert.equal((await control(harness, 'POST', '/canary/step')).body.code, 'FIM-UP-0071');
    assert.equal((await harness.edit(divided)).event, 'applied');
    await harness.poll(async () => (await reportOf(harness)).inForce);
    const { mode, share, step } = await reportOf(harness);
    assert.deepEqual({ mode, share, step }, { mode: 'Divide', share: 10, step: 0 });
    assert.equal((await harness.edit(route())).event, 'applied');
    assert.equal(await pay(harness, '03000000'), 422);
    assert.equal((await control(harness, 'POST', '/canary/promote')).body.canary.phase, 'Promoted');
    assert.equal(await pay(harness, '03000000'), 200);
  });
});

describe('what a shadow cannot judge', () => {
  it('is named, and the rest is judged', async (t) => {
    const limit = 'rateLimit: {limits: [{name: few, requests: 1, period: 1h}]}';
    const good = route({ shadow: `${limit}\n      validation: {${fields('13')}}` });
    const harness = await start(t, good);
    const notice = harness.events
      .find((event) => event.event === 'applied')
      ?.notices.find(({ code }) => code === 'FIM-CFG-1182');
    assert.equal(notice?.path, '$.spec.canary.spec.rateLimit');
    for (let i = 0; i < 3; i++) assert.equal(await pay(harness, '02000000'), 200, 'nothing of the limit is used up');
    assert.equal((await judged(harness, 3)).shadow?.stricter, 3);
    const rejected = async (routes: string): Promise<string | undefined> => {
      const event = await harness.edit(routes);
      return event.event === 'rejected' ? event.errors[0]?.code : undefined;
    };
    assert.equal(await rejected(route({ own: limit })), 'FIM-CFG-1180', 'the policy in force does not look at bodies');
    assert.equal(await rejected(route({ shadow: limit })), 'FIM-CFG-1181', 'nothing to judge');
    assert.equal((await harness.edit(good)).event, 'applied');
    const answers = `validation: {${fields('13')}, response: true}`;
    assert.equal(await rejected(route({ shadow: answers })), 'FIM-CFG-1180', 'it does not look at responses');
    assert.equal(await pay(harness, '01000000'), 200);
  });

  it('are its own bounds: it reads bodies in its own way', async (t) => {
    const shadow = `body: {maxBytes: 64}\n      validation: {${fields('12')}}`;
    const harness = await start(t, route({ shadow }));
    assert.equal(await pay(harness, '01000000'), 200);
    const answer = await fetch(`${harness.url}/pay`, {
      method: 'POST',
      body: JSON.stringify({ transCode: '01000000', text: 'x'.repeat(100) }),
      headers: { 'content-type': 'application/json' },
    });
    assert.equal(answer.status, 200);
    const { shadow: counts } = await judged(harness, 2);
    assert.deepEqual([counts?.same, counts?.codes], [1, { 'stricter FIM-RT-0002': 1 }]);
  });
});

describe('a machine that dies beside a shadow', () => {
  it('ends it', async (t) => {
    const harness = await start(t, route(), { moduleFiles: { 'fim.wasm': await compileLimitsTrap() } });
    assert.equal(await pay(harness, '02000000'), 200);
    await harness.poll(async () => {
      await pay(harness, '01000000', { 'x-die': 'now' });
      return (await reportOf(harness)).phase === 'RolledBack';
    });
    await harness.poll(async () => (await reportOf(harness)).inForce);
    assert.equal((await reportOf(harness)).reason, 'a machine died beside the shadow');
    await harness.poll(async () => (await pay(harness, '02000000')) === 200);
  });
});
