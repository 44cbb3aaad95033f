// Parts of the control plane die, come back, change places: the data plane does not notice, and what was asked
// meanwhile comes true.
import assert from 'node:assert/strict';
import { cpSync, mkdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { after, before, describe, it } from 'node:test';
import { send } from '../e2e/http-client.ts';
import { route } from '../e2e/resources.ts';
import { OperatedMesh } from './operated-mesh.ts';
import { describeLoad, Load } from './stack/load.ts';
import type { Operator } from './stack/operator.ts';
import { until } from './stack/until.ts';

const SET_UP_MS = 1_200_000;
const ROOT = path.resolve(import.meta.dirname, '../..');
/** Longer than a lease lasts. */
const TAKE_OVER_LIMIT_MS = 30_000;
const NEXT_VERSION = '0.1.1';
/** Taken by every policy of this file. */
const ALWAYS = '{"transCode":"01200101"}';

/** This checkout's operator under another version. */
function nextVersion(folder: string): string {
  mkdirSync(folder);
  for (const part of ['istio', 'envoy', 'services'])
    cpSync(path.join(ROOT, part), path.join(folder, part), { recursive: true });
  const described = JSON.parse(readFileSync(path.join(ROOT, 'package.json'), 'utf8')) as object;
  writeFileSync(path.join(folder, 'package.json'), JSON.stringify({ ...described, version: NEXT_VERSION }));
  symlinkSync(path.join(ROOT, 'node_modules'), path.join(folder, 'node_modules'));
  return path.join(folder, 'istio/operator/main.ts');
}

describe('outages under load', () => {
  let stack: OperatedMesh;
  let leader: Operator;
  let load: Load;
  const policy = (other: string): string =>
    route('edits', { validation: { fields: [{ name: 'transCode', pattern: `^(?:01200101|${other})$` }] } });
  const takes = async (text: string): Promise<boolean> =>
    (await send(stack.url, { body: JSON.stringify({ transCode: text }) })).status === 200;

  before(
    async () => {
      stack = await OperatedMesh.start();
      leader = stack.operator;
      await stack.apply(policy('first'));
      await stack.condition('edits', 'Programmed', 'True');
      load = new Load({ url: stack.url, body: ALWAYS, connections: 2, pauseMs: 2 });
    },
    { timeout: SET_UP_MS },
  );
  after(async () => {
    await load?.stop();
    await stack?.stop();
  });

  /** An edit that is made, in force and Programmed. */
  async function edit(text: string): Promise<void> {
    await stack.apply(policy(text));
    await until(`${text} is in force`, () => takes(text));
    await stack.condition('edits', 'Programmed', 'True');
  }

  it('the API server is killed and comes back: the operator goes on by itself', async () => {
    await stack.mesh.api.kill();
    assert.ok(await takes('first'), 'the policy serves on');
    await stack.mesh.api.startServer();
    // A lease that was not renewed in time ends the process. Its pod would be restarted.
    if (leader.isOver) await leader.start();
    await edit('apiserver');
    assert.ok(!leader.isOver);
  });

  it('istiod is killed: an edit is not Programmed until it is back', async () => {
    await stack.mesh.istiod.kill();
    await stack.apply(policy('istiod'));
    await until('the operator has applied it', async () => JSON.stringify(await stack.filters()).includes('istiod'));
    const { status } = (await stack.conditions('edits')).Programmed ?? {};
    assert.notEqual(status, 'True');
    assert.ok((await takes('apiserver')) && !(await takes('istiod')), 'the policy before it serves on');
    await stack.mesh.istiod.start();
    await until('it is in force', () => takes('istiod'));
    await stack.condition('edits', 'Programmed', 'True');
  });

  it('the leader is killed: another replica takes over', async (t) => {
    const second = await stack.mesh.addOperator('second');
    assert.ok(!second.lines().some(({ event }) => event === 'leading'), 'one leads');
    await leader.kill();
    const killed = performance.now();
    await until('the second leads', () => second.lines().some(({ event }) => event === 'leading'), TAKE_OVER_LIMIT_MS);
    t.diagnostic(`taken over after ${((performance.now() - killed) / 1000).toFixed(1)} s, of a lease of 15 s`);
    leader = second;
    await edit('failover');
  });

  it('a leader that was paused for longer than its lease does not work beside its successor', async () => {
    const third = await stack.mesh.addOperator('third');
    process.kill(leader.pid, 'SIGSTOP');
    await until('the third leads', () => third.lines().some(({ event }) => event === 'leading'), TAKE_OVER_LIMIT_MS);
    await edit('paused');
    process.kill(leader.pid, 'SIGCONT');
    await until('the paused one has ended itself', () => leader.isOver);
    const lost = leader.lines().at(-1);
    assert.ok(
      leader.lines().some(({ event, reason }) => event === 'stopping' && /lease/.test(String(reason))),
      JSON.stringify(lost),
    );
    leader = third;
    assert.equal(await third.metric('fim_operator_leading'), 1);
    await edit('resumed');
  });

  it('a rolling upgrade: the old one ends in order, the new one leads at once, the policy stays', async (t) => {
    const [before] = await stack.filters();
    const next = await stack.mesh.addOperator('next', { main: nextVersion(path.join(stack.mesh.folder, 'next')) });
    const began = performance.now();
    await leader.stop();
    await until('the next leads', () => next.lines().some(({ event }) => event === 'leading'), TAKE_OVER_LIMIT_MS);
    t.diagnostic(`handed over in ${((performance.now() - began) / 1000).toFixed(1)} s`);
    leader = next;
    await until(
      'the object bears the new version',
      async () => (await stack.filters())[0]?.metadata.annotations?.['fim.financial/operator-version'] === NEXT_VERSION,
    );
    const [after] = await stack.filters();
    // An operator without earlier readings may make one more generation to prove what runs. Its policy is the same,
    // byte for byte.
    const policyOf = (object: typeof after): string =>
      JSON.stringify(object?.spec).replace(/\{\\"generation\\":\d+,/, '{');
    assert.notEqual(policyOf(after), JSON.stringify(after?.spec), 'the generation was not found');
    assert.equal(policyOf(after), policyOf(before), 'proxies get no other policy');
    await stack.condition('edits', 'Programmed', 'True');
    await edit('upgraded');
  });

  it('no request has failed through all of that', async (t) => {
    const report = await load.stop();
    t.diagnostic(describeLoad(report));
    assert.deepEqual(report.failures, {});
    assert.ok(report.requests > 1000);
  });
});
