// Every way by which Envoy ends without the filter, on a real one: nothing passes that a declared route should have
// judged, and nothing that nobody has looked at.
import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { Harness } from './harness.ts';
import { send } from './http-client.ts';
import { route } from './resources.ts';
import { compileWicked } from './wicked/compile.ts';
import { DiscoveredFile } from './wicked/swap.ts';

const GOOD = '{"transCode":"01000001"}';
const BAD = '{"transCode":"99"}';
const ROUTE = route('judged', {
  match: { path: { value: '/pay' } },
  validation: { fields: [{ name: 'transCode', pattern: '^01' }] },
});
/** Each on a connection of its own: both workers are asked. */
const ASKED = 12;

let harness: Harness;
let file: DiscoveredFile;
let wicked: string;
before(async () => {
  harness = await Harness.start({ routes: ROUTE });
  file = await DiscoveredFile.of(harness);
  wicked = join(harness.folder, 'wicked.wasm');
  writeFileSync(wicked, await compileWicked());
});
after(() => harness.stop());

/** Status and code of each of several answers. */
async function ask(path: string, body: string): Promise<string[]> {
  const replies = await Promise.all(Array.from({ length: ASKED }, () => send(harness.url, { path, body })));
  return [
    ...new Set(
      replies.map(({ status, body: text }) =>
        `${status} ${/FIM-[A-Z]+-\d{4}/.exec(text.toString())?.[0] ?? ''}`.trim(),
      ),
    ),
  ].sort();
}

const everything = async (): Promise<string[][]> => [
  await ask('/pay', BAD),
  await ask('/pay', GOOD),
  await ask('/free', BAD),
];
const JUDGED = [['422 FIM-PBOC-0001'], ['200'], ['200']];
const SEALED = [['503 FIM-RT-0020'], ['503 FIM-RT-0020'], ['503 FIM-RT-0020']];
const same = (a: string[][], b: string[][]): boolean => JSON.stringify(a) === JSON.stringify(b);

/** No bad message has ever arrived on the route, whatever stood in the chain. */
function assertNothingSlipped(): void {
  assert.deepEqual(
    harness.upstream.arrived.filter(({ path, body }) => path === '/pay' && body.toString() === BAD),
    [],
  );
}

async function restored(): Promise<void> {
  file.restore();
  await harness.poll(async () => same(await everything(), JUDGED));
  assertNothingSlipped();
}

const refusals = async (): Promise<number> =>
  (await harness.stack.envoy.admin.stats('update_rejected$')).get(
    'extension_config_discovery.http_filter.fim.update_rejected',
  ) ?? 0;
const attempts = async (): Promise<number> =>
  (await harness.stack.envoy.admin.stats('fim.update_attempt$')).get(
    'extension_config_discovery.http_filter.fim.update_attempt',
  ) ?? 0;

describe('what fails on workers only, after the checks and the main thread took it', () => {
  let count = 0;
  for (const mode of [
    'refuse-configure',
    'trap-configure',
    'refuse-start',
    'trap-start',
    'full',
    'trap-headers',
    'silent',
  ]) {
    test(`${mode}: 503 with a code, for all requests, until it is mended`, async () => {
      file.put(file.changed({ module: wicked, text: `${mode}/${++count}` }));
      await harness.poll(async () => same(await everything(), SEALED));
      const { begun } = harness.upstream;
      assert.deepEqual(await everything(), SEALED);
      assert.equal(harness.upstream.begun, begun);
      await restored();
    });
  }

  test('the terminal has been told that nobody judges, and that machines died', async () => {
    for (const code of ['FIM-UP-0030', 'FIM-UP-0031'])
      await harness.waitFor(() => harness.events.find((event) => event.event === 'warning' && event.code === code));
  });
});

describe('what Envoy does not take: what was in force stays in force', () => {
  for (const [name, text] of [
    ['a module file that is not there', () => file.changed({ module: join(harness.folder, 'nowhere.wasm') })],
    ['a file that is no module', () => file.changed({ module: join(harness.folder, 'routes', 'route.yaml') })],
    ['an empty configuration', () => file.changed({ text: '' })],
    ['a configuration without members', () => file.changed({ text: '{}' })],
    ['a configuration of another version', () => file.changed({ text: '{"version":"2.0","routes":[]}' })],
    ['a file that is not JSON', () => '{'],
  ] as const) {
    test(name, async () => {
      const [refused, attempted] = [await refusals(), await attempts()];
      file.put(text());
      await harness.poll(async () => (await refusals()) > refused || (await attempts()) > attempted);
      assert.deepEqual(await everything(), JUDGED);
      await restored();
    });
  }

  for (const [name, act] of [
    ['no resource in the file', () => file.put('{"version_info":"none","resources":[]}')],
    ['a resource of another name', () => file.put(file.changed({ name: 'another' }))],
    ['a file that is removed', () => file.remove()],
  ] as const) {
    test(name, async () => {
      act();
      for (let round = 0; round < 5; round++) assert.deepEqual(await everything(), JUDGED);
      await restored();
    });
  }
});
