// A proof is of what was proven: not of a plan that came later, nor of another route, nor of pods that ran something
// else.
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { NAMESPACE, Rig, type FakeProxy } from './rig.ts';
import { until } from './until.ts';

const LABELS = { 'gateway.networking.k8s.io/gateway-name': 'edge' };
const OBJECT = 'fim-gateways';
const limited = (value: string, requests = 10): object => ({
  match: { path: { type: 'PathPrefix', value } },
  rateLimit: { requests, period: '1s' },
});
const generation = (rig: Rig): number => rig.config(OBJECT)!.generation;
const programmed = (rig: Rig, name: string): string | undefined =>
  rig.status(name)?.conditions.find(({ type }) => type === 'Programmed')?.status;

/** Lets a change come to the object while the route must not be called programmed. */
async function newGeneration(rig: Rig, before: number, waits: string): Promise<void> {
  await until('the next generation', () => {
    assert.notEqual(programmed(rig, waits), 'True', 'before the object is another');
    return generation(rig) > before;
  });
  await rig.quiet();
  await rig.condition(waits, 'Programmed', 'False', 'Pending');
}

async function inForce(rig: Rig, proxy: FakeProxy, ...names: string[]): Promise<void> {
  await until('the object', () =>
    names.every((name) => rig.config(OBJECT)?.routes.some((route) => route.name === `${NAMESPACE}/${name}`)),
  ).catch((error: Error) => {
    const has = rig.config(OBJECT)?.routes.map(({ name }) => name);
    const said = names.map((name) => `${name}: ${JSON.stringify(rig.status(name)?.conditions)}`);
    throw new Error(`${error.message}; it has ${has?.join(', ')}\n${said.join('\n')}`);
  });
  await rig.quiet();
  proxy.take(generation(rig));
  for (const name of names) await rig.condition(name, 'Programmed', 'True');
}

describe('a proof', () => {
  it('with the older of two equal routes is none of the younger, which was not in it', async (t) => {
    const rig = await Rig.start(t);
    const proxy = await rig.pod('gw-1', LABELS);
    rig.route('young', limited('/pay', 5), '2026-02-02T00:00:00Z');
    rig.route('old', limited('/pay'), '2026-01-01T00:00:00Z');
    await inForce(rig, proxy, 'old');
    await rig.condition('young', 'Accepted', 'False', 'Conflicted');
    const before = generation(rig);
    rig.server.remove('financialroutes', NAMESPACE, 'old');
    await newGeneration(rig, before, 'young');
    proxy.take(generation(rig));
    await rig.condition('young', 'Programmed', 'True');
  });

  it('with a narrower route is none of the requests that go to the wider one without it', async (t) => {
    const rig = await Rig.start(t);
    const proxy = await rig.pod('gw-1', LABELS);
    rig.route('wide', limited('/pay'), '2025-01-01T00:00:00Z');
    rig.route('narrow', limited('/pay/card'));
    rig.route('elsewhere', limited('/report'));
    await inForce(rig, proxy, 'wide', 'narrow', 'elsewhere');
    const before = generation(rig);
    await rig.quiet();
    const written = rig.server.get('financialroutes', NAMESPACE, 'elsewhere')?.metadata.resourceVersion;
    rig.server.remove('financialroutes', NAMESPACE, 'narrow');
    await until('the next generation', () => generation(rig) > before);
    await rig.condition('wide', 'Programmed', 'False', 'Pending');
    assert.equal(programmed(rig, 'elsewhere'), 'True');
    proxy.take(generation(rig));
    await rig.condition('wide', 'Programmed', 'True');
    // Its requests were never another's: nothing was to be said.
    assert.equal(rig.server.get('financialroutes', NAMESPACE, 'elsewhere')?.metadata.resourceVersion, written);
  });

  it('is none of a route whose profile has been edited since', async (t) => {
    const rig = await Rig.start(t);
    const proxy = await rig.pod('gw-1', LABELS);
    const profile = (pattern: string): object =>
      rig.server.put('validationprofiles', {
        metadata: { name: 'house', namespace: NAMESPACE },
        spec: { fields: [{ name: 'a', pattern }] },
      });
    profile('^[0-9]+$');
    rig.route('checked', { validation: { profile: 'house' } });
    rig.route('other', limited('/other'));
    await inForce(rig, proxy, 'checked', 'other');
    const before = generation(rig);
    profile('^[a-z]+$');
    await until('the next generation', () => generation(rig) > before);
    await rig.condition('checked', 'Programmed', 'False', 'Pending');
    assert.equal(programmed(rig, 'other'), 'True');
    proxy.take(generation(rig));
    await rig.condition('checked', 'Programmed', 'True');
  });

  it('of an operator is read by the next one for the generation that it was of, and for no other', async (t) => {
    const rig = await Rig.start(t);
    const proxy = await rig.pod('gw-1', LABELS);
    rig.route('limit', limited('/pay'));
    await inForce(rig, proxy, 'limit');
    const before = generation(rig);
    rig.route('limit', limited('/pay', 11));
    await until('the edit', () => generation(rig) > before);
    await rig.stopOperator();
    await rig.startOperator();
    await rig.quiet();
    await rig.condition('limit', 'Programmed', 'False', 'Pending');
    proxy.take(generation(rig));
    await rig.condition('limit', 'Programmed', 'True');
    // One that finds all as it was proven asks for nothing anew.
    const proven = generation(rig);
    await rig.quiet();
    await rig.stopOperator();
    await rig.startOperator();
    await rig.quiet();
    await rig.condition('limit', 'Programmed', 'True');
    assert.equal(generation(rig), proven);
  });

  it('of a pod that ran something else in between is asked for anew', async (t) => {
    const rig = await Rig.start(t);
    const web = { app: 'web' };
    const proxy = await rig.pod('web-1', { ...web, track: 'new' });
    const object = (): { name: string; generation: number }[] =>
      rig.server
        .all('envoyfilters')
        .flatMap(({ metadata: { name, annotations } }) =>
          name.startsWith('fim-sidecars-') && annotations?.['fim.financial/retired-at'] === undefined
            ? [{ name, generation: rig.config(name)!.generation }]
            : [],
        );
    rig.route('wide', { selector: { matchLabels: web }, ...limited('/a') });
    const [wide] = await until('its object', () => object().length === 1 && object());
    await rig.quiet();
    proxy.take(wide!.generation);
    await rig.condition('wide', 'Programmed', 'True');
    rig.route('narrow', { selector: { matchLabels: { ...web, track: 'new' } }, ...limited('/b') });
    const narrow = await until('the narrower object', () => object().find(({ name }) => name !== wide!.name));
    await rig.condition('narrow', 'Programmed', 'False', 'Pending');
    proxy.take(narrow.generation);
    await rig.condition('narrow', 'Programmed', 'True');
    await rig.quiet();
    // The pod is the wider workload's again, whose generation it has counted, but does not run.
    rig.server.remove('financialroutes', NAMESPACE, 'narrow');
    const now = (): number => object().find(({ name }) => name === wide!.name)!.generation;
    await until('a generation that tells', () => now() > wide!.generation);
    await rig.quiet();
    assert.equal(programmed(rig, 'wide'), 'False');
    proxy.take(now());
    await rig.condition('wide', 'Programmed', 'True');
  });
});
