// A canary through a real Envoy with two workers: whose requests meet it, and how it ends.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, beforeEach, describe, it, type TestContext } from 'node:test';
import type { CanaryReport } from '../../envoy/standalone/canary-keeper.ts';
import type { StackEvent } from '../../envoy/standalone/events.ts';
import { compileLimitsTrap } from '../host/compile.ts';
import { control } from './control.ts';
import { Harness, KEY_ID, type HarnessOptions } from './harness.ts';

const STABLE = '^01[0-9]{6}$';
const CANARY = '^0[12][0-9]{6}$';

interface Terms {
  steps?: string;
  percent?: number;
  interval?: string;
  gates?: string;
  onFailure?: string;
  pattern?: string;
  more?: string;
}

/** A route whose canary takes codes of 02, too. */
const route = ({
  steps,
  percent = 30,
  interval = '1s',
  gates = '',
  onFailure,
  pattern = CANARY,
  more = '',
}: Terms = {}) => `
apiVersion: fim.financial/v1
kind: FinancialRoute
metadata: {name: pay}
spec:
  match: {path: {type: Prefix, value: /pay}}
  validation: {fields: [{name: transCode, pattern: "${STABLE}"}]}
  canary:
    header: {name: X-Canary, value: v2.1.3, setBy: the gateway of the test}
    hash: {header: X-User}
    ${steps === undefined ? `percent: ${percent}` : `steps: ${steps}`}
    interval: ${interval}
    gates: {${gates}}
    variantHeader: true
    ${onFailure === undefined ? '' : `onFailure: ${onFailure}`}
    spec: {validation: {fields: [{name: transCode, pattern: "${pattern}"}]}}
${more}---
apiVersion: fim.financial/v1
kind: FinancialRoute
metadata: {name: other}
spec:
  match: {path: {type: Prefix, value: /other}}
  validation: {fields: [{name: transCode, pattern: "${STABLE}"}]}
`;

type CanaryEvent = Extract<StackEvent, { event: 'canary' }>;

const stateOf = async (harness: Harness): Promise<CanaryReport> =>
  (await control(harness, 'GET', '/canary')).body.canary;

class Client {
  readonly harness: Harness;
  constructor(harness: Harness) {
    this.harness = harness;
  }

  /** Status of a payment, and the variant that the upstream was told. */
  async pay(
    code: string,
    headers: Record<string, string> = {},
    path = '/pay',
  ): Promise<{ status: number; variant: string }> {
    const { upstream, url } = this.harness;
    const answer = await fetch(`${url}${path}`, {
      method: 'POST',
      body: JSON.stringify({ transCode: code }),
      headers: { 'content-type': 'application/json', ...headers },
      signal: AbortSignal.timeout(60_000),
    });
    await answer.arrayBuffer();
    return { status: answer.status, variant: String(upstream.arrived.at(-1)?.headers['x-fim-variant'] ?? '') };
  }

  /** Users of 40 whose payments of the new kind are taken. */
  async inCanary(): Promise<number[]> {
    const taken: number[] = [];
    for (let user = 0; user < 40; user++)
      if ((await this.pay('02000000', { 'x-user': `user-${user}` })).status === 200) taken.push(user);
    return taken;
  }
}

async function start(t: TestContext, terms: Terms, options: Partial<HarnessOptions> = {}): Promise<Harness> {
  const harness = await Harness.start({ routes: route(terms), ...options });
  t.after(() => harness.stop());
  return harness;
}

describe('whose requests meet a canary', () => {
  let harness: Harness;
  let client: Client;

  before(async () => {
    harness = await Harness.start({ routes: route(), logsAccess: true });
    client = new Client(harness);
  });
  after(() => harness?.stop());
  beforeEach(() => void (harness.upstream.arrived.length = 0));

  it('takes those with the header, and those of its share of users', async () => {
    assert.deepEqual(await client.pay('02000000', { 'x-canary': 'v2.1.3' }), { status: 200, variant: 'canary' });
    assert.deepEqual(await client.pay('01000000', { 'x-canary': 'v2.1.2' }), { status: 200, variant: 'stable' });
    assert.equal((await client.pay('02000000')).status, 422, 'without header and key');
    const users = await client.inCanary();
    assert.ok(users.length >= 4 && users.length <= 20, `${users.length} of 40 users`);
    assert.deepEqual(await client.inCanary(), users, 'each user meets one');
  });

  it('tells upstreams, the access log and metrics, of its own route alone', async () => {
    assert.equal((await client.pay('01000000', { 'x-fim-variant': 'forged' })).variant, 'stable');
    assert.equal((await client.pay('01000000', { 'x-fim-variant': 'forged' }, '/other')).variant, '');
    await client.pay('02000000', { 'x-canary': 'v2.1.3' });
    await client.pay('09000000', { 'x-canary': 'v2.1.3' });
    await harness.poll(async () => {
      const stats = await harness.stack.envoy.admin.stats(String.raw`fim\.variant`);
      const of = (variant: string, outcome: string): number =>
        stats.get(`wasmcustom.fim.variant.requests_total{variant=${variant},outcome=${outcome}}`) ?? 0;
      const code = stats.get('wasmcustom.fim.variant.refused_total{variant=canary,code=FIM-PBOC-0001}') ?? 0;
      return of('stable', 'answered') > 0 && of('canary', 'answered') > 0 && of('canary', 'refused') > 0 && code > 0;
    });
    await harness.poll(async () => readFileSync(harness.accessLog, 'utf8').includes('"variant":"canary"'));
  });
});

describe('how a canary goes on', () => {
  it('grows by steps and is promoted by its figures', async (t) => {
    const harness = await start(t, { steps: '[20, 60]', gates: 'minRequests: 10' });
    const client = new Client(harness);
    await harness.poll(async () => {
      for (let user = 0; user < 40; user++) await client.pay('01000000', { 'x-user': `user-${user}` });
      return (await stateOf(harness)).phase === 'Promoted';
    });
    const shares = harness.events.filter((event): event is CanaryEvent => event.event === 'canary');
    assert.deepEqual(
      shares.map(({ phase, share }) => `${phase} ${share}`),
      ['Progressing 20', 'Progressing 60', 'Promoted 100'],
    );
    await harness.poll(async () => (await stateOf(harness)).inForce);
    assert.equal((await client.pay('02000000')).status, 200, 'everybody meets it');
  });

  it('keeps a user whom it has taken, step by step', async (t) => {
    const harness = await start(t, { steps: '[10, 40, 80]', interval: '1h' });
    const client = new Client(harness);
    let before = await client.inCanary();
    for (const share of [40, 80]) {
      const { status, body } = await control(harness, 'POST', '/canary/step');
      assert.equal(status, 200);
      assert.equal(body.canary.share, share);
      const now = await client.inCanary();
      assert.deepEqual(
        before.filter((user) => !now.includes(user)),
        [],
      );
      assert.ok(now.length > before.length);
      before = now;
    }
    const { body } = await control(harness, 'POST', '/canary/abort');
    assert.equal(body.canary.phase, 'Aborted');
    assert.deepEqual(await client.inCanary(), []);
    assert.equal((await control(harness, 'POST', '/canary/promote')).body.code, 'FIM-UP-0071');
  });

  it('is never promoted on too few requests', async (t) => {
    const harness = await start(t, { steps: '[50]', gates: 'minRequests: 1000' });
    const client = new Client(harness);
    for (let i = 0; i < 20; i++) await client.pay('01000000', { 'x-user': `user-${i}` });
    await harness.poll(async () => /^Inconclusive: [1-9]\d* of 1000/.test((await stateOf(harness)).reason));
    assert.equal((await stateOf(harness)).phase, 'Progressing');
  });

  it('goes on where it was after a restart', async (t) => {
    const stateFolder = await mkdtemp(join(tmpdir(), 'fim-state-'));
    t.after(() => rm(stateFolder, { recursive: true, force: true }));
    const terms = { steps: '[10, 40]', interval: '1h' };
    const earlier = await Harness.start({ routes: route(terms), stateFolder });
    let users: number[];
    try {
      await control(earlier, 'POST', '/canary/step');
      users = await new Client(earlier).inCanary();
    } finally {
      await earlier.stop();
    }
    const harness = await start(t, terms, { stateFolder });
    const { share, step } = await stateOf(harness);
    assert.deepEqual({ share, step }, { share: 40, step: 1 });
    assert.deepEqual(await new Client(harness).inCanary(), users);
  });
});

describe('a bad canary', () => {
  /** Asks until the canary is gone; stable users must lose nothing. */
  async function untilGone(t: TestContext, harness: Harness, ofStable: () => Promise<void>): Promise<CanaryEvent> {
    const from = performance.now();
    await harness.poll(async () => {
      await ofStable();
      return (await stateOf(harness)).phase === 'RolledBack';
    });
    t.diagnostic(`gone after ${Math.round(performance.now() - from)} ms`);
    await harness.poll(async () => (await stateOf(harness)).inForce);
    return harness.events.findLast((event): event is CanaryEvent => event.event === 'canary')!;
  }

  const asUsers = (client: Client, code: string) => async (): Promise<void> => {
    for (let user = 0; user < 40; user++) {
      const { status, variant } = await client.pay(code, { 'x-user': `user-${user}` });
      if (variant === 'stable') assert.equal(status, 200);
    }
  };

  it('that refuses what the policy in force takes is gone', async (t) => {
    const harness = await start(t, { percent: 50, pattern: '^02[0-9]{6}$', gates: 'minRequests: 20' });
    const client = new Client(harness);
    const { reason, phase, share, canary } = await untilGone(t, harness, async () => {
      for (let user = 0; user < 40; user++) await client.pay('01000000', { 'x-user': `user-${user}` });
    });
    assert.match(reason, /^refusalRate 100\.00 %, of stable 0\.00 %$/);
    assert.deepEqual({ phase, share }, { phase: 'RolledBack', share: 0 });
    assert.deepEqual(Object.keys(canary!.codes), ['FIM-PBOC-0001']);
    assert.equal((await client.pay('01000000', { 'x-canary': 'v2.1.3' })).status, 200);
  });

  it('that fails in one of twenty requests is gone', async (t) => {
    const harness = await start(t, { percent: 50, gates: 'minRequests: 60' });
    let count = 0;
    harness.upstream.answer = ({ headers }, response) => {
      const fails = headers['x-fim-variant'] === 'canary' && ++count % 20 === 0;
      response.writeHead(fails ? 500 : 200, { 'content-type': 'application/json' }).end('{}');
    };
    const { reason } = await untilGone(t, harness, asUsers(new Client(harness), '01000000'));
    assert.match(reason, /^errorRate \d\.\d\d %, of stable 0\.00 %$/);
  });

  it('that is slower is gone', async (t) => {
    const harness = await start(t, { percent: 50, gates: 'minRequests: 20, p99: "+20%"' });
    harness.upstream.answer = ({ headers }, response) => {
      const answer = (): unknown => response.writeHead(200, { 'content-type': 'application/json' }).end('{}');
      if (headers['x-fim-variant'] === 'canary') setTimeout(answer, 400);
      else answer();
    };
    const client = new Client(harness);
    const { reason } = await untilGone(t, harness, async () => {
      await Promise.all(Array.from({ length: 40 }, (_, user) => client.pay('01000000', { 'x-user': `user-${user}` })));
    });
    assert.match(reason, /^p99 .* ms, of stable .* ms$/);
  });

  it('stays for somebody to decide with onFailure: Pause', async (t) => {
    const harness = await start(t, {
      steps: '[50]',
      pattern: '^02[0-9]{6}$',
      gates: 'minRequests: 20',
      onFailure: 'Pause',
    });
    const client = new Client(harness);
    await harness.poll(async () => {
      for (let user = 0; user < 40; user++) await client.pay('01000000', { 'x-user': `user-${user}` });
      return (await stateOf(harness)).phase === 'Paused';
    });
    const { share, reason } = await stateOf(harness);
    assert.equal(share, 50);
    assert.match(reason, /^refusalRate/);
  });
});

describe('a release of the module as a canary', () => {
  it('whose machine dies is gone, and the policy in force loses nothing', async (t) => {
    const terms = { percent: 30, gates: 'minRequests: 1000' };
    const routes = route(terms).replace(/ {4}spec: \{validation.*\n/, '    module: {release: v2}\n');
    const harness = await start(t, terms, { routes, moduleFiles: { 'fim-v2.wasm': await compileLimitsTrap() } });
    const client = new Client(harness);
    const asCanary = { 'x-canary': 'v2.1.3' };
    assert.deepEqual(await client.pay('01000000', asCanary), { status: 200, variant: 'canary' });
    const from = performance.now();
    await harness.poll(async () => {
      await client.pay('01000000', { ...asCanary, 'x-die': 'now' });
      assert.equal((await client.pay('01000000', { 'x-die': 'now' })).status, 200, 'of stable');
      return (await stateOf(harness)).phase === 'RolledBack';
    });
    t.diagnostic(`gone after ${Math.round(performance.now() - from)} ms`);
    assert.equal((await stateOf(harness)).reason, 'a machine of the canary died');
    await harness.poll(async () => (await stateOf(harness)).inForce);
    assert.deepEqual(await client.pay('01000000', asCanary), { status: 200, variant: '' });
  });
});

describe('the files and a canary', () => {
  it('refuses another canary after one that was promoted and not written into the route', async (t) => {
    const harness = await start(t, { percent: 30 });
    assert.equal((await control(harness, 'POST', '/canary/promote')).body.canary.inForce, true);
    const again = await harness.edit(route({ pattern: '^03[0-9]{6}$' }));
    assert.equal(again.event === 'rejected' && again.errors[0]?.code, 'FIM-UP-0070');
    assert.equal((await new Client(harness).pay('02000000')).status, 200, 'what was promoted stays');
  });

  it('ends a canary whose section is taken out', async (t) => {
    const harness = await start(t, { percent: 30 });
    const client = new Client(harness);
    const plain = route().replace(/ {2}canary:[^]*?(?=---)/, '');
    assert.equal((await harness.edit(plain)).event, 'applied');
    assert.equal((await client.pay('02000000', { 'x-canary': 'v2.1.3' })).status, 422);
    assert.equal((await control(harness, 'GET', '/canary')).body.canary, null);
  });

  it('waits for a KMS that is away when its machines have to start, and says so', async (t) => {
    const keyed = (more: string): string =>
      route()
        .replace(/ {2}validation: .*\n/, (line) => `${line}  encryption: {keyId: "${KEY_ID}", request: Encrypt}\n`)
        .replace(/ {2}canary:[^]*?(?=---)/, more);
    const harness = await Harness.start({ routes: keyed('') });
    t.after(() => harness.stop());
    const client = new Client(harness);
    assert.equal((await client.pay('01000000')).status, 200);
    await harness.keysFetched();
    await harness.kms.stop();
    const from = harness.events.length;
    const canary =
      '  canary: {header: {name: X-Canary, value: v2.1.3, setBy: the test}, spec: {validation: {fields: [{name: transCode, pattern: "^02"}]}}}\n';
    const edited = harness.edit(keyed(canary));
    await harness.waitFor(() =>
      harness.events.slice(from).find((event) => event.event === 'warning' && event.code === 'FIM-UP-0017'),
    );
    assert.equal((await client.pay('01000000', { 'x-canary': 'v2.1.3' })).status, 200, 'the policy in force goes on');
    await harness.startKms();
    assert.equal((await edited).event, 'applied');
    assert.equal((await stateOf(harness)).inForce, true);
    assert.equal((await client.pay('02000000', { 'x-canary': 'v2.1.3' })).status, 200);
  });

  it('leaves what is in force where the release of its module is not there', async (t) => {
    const harness = await start(t, { percent: 30 });
    const absent = await harness.edit(route().replace(/ {4}spec: \{validation.*\n/, '    module: {release: absent}\n'));
    assert.equal(absent.event === 'rejected' && absent.errors[0]?.code, 'FIM-UP-0009');
    assert.equal(
      (await new Client(harness).pay('02000000', { 'x-canary': 'v2.1.3' })).status,
      200,
      'the former canary goes on',
    );
  });
});
