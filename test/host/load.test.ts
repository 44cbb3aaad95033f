// The host refuses the modules that Envoy refuses, for the same reasons.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createVm, dryRun, loadModule, LoadError } from '../../envoy/host/index.ts';
import { compileFixture, compileGuest } from './compile.ts';

const ABI =
  'export function proxy_abi_version_0_2_1(): void {}\nexport function malloc(size: usize): usize { return heap.alloc(size); }\n';
const QUIET = ['--use', 'abort=guest/stop', '--exportStart', '_initialize'];
const STOP = 'export function stop(m: string | null, f: string | null, l: u32, c: u32): void { unreachable(); }\n';

async function reason(source: string, options: string[] = QUIET): Promise<string> {
  const bytes = await compileGuest(source, options);
  try {
    createVm(loadModule(bytes));
    return 'loaded';
  } catch (error) {
    assert.ok(error instanceof LoadError);
    return `${error.reason}: ${error.message}`;
  }
}

test('a plain module loads', async () => {
  assert.equal(await reason(ABI + STOP), 'loaded');
});

test('bytes that are no module', () => {
  assert.throws(() => loadModule(Buffer.from('not wasm')), { reason: 'corrupt' });
});

test('a truncated module', async () => {
  const bytes = await compileFixture();
  assert.throws(() => loadModule(bytes.subarray(0, bytes.length / 2)), { reason: 'corrupt' });
});

test('no ABI version, no malloc', async () => {
  assert.match(await reason(STOP), /^abi-version/);
  assert.match(await reason(`export function proxy_abi_version_0_2_1(): void {}\n${STOP}`), /^missing-function/);
});

test('env.abort, env.trace, env.seed and unknown functions', async () => {
  const uses = {
    'env.abort': [
      `${ABI}export function run(text: string | null): i32 { return text!.length; }`,
      ['--exportStart', '_initialize'],
    ],
    'env.trace': [`${ABI}${STOP}export function run(): void { trace("x"); }`, QUIET],
    'env.seed': [`${ABI}${STOP}export function run(): f64 { return Math.random(); }`, QUIET],
    'env.proxy_future': [
      `${ABI}${STOP}@external("env", "proxy_future") declare function future(): void;\nexport function run(): void { future(); }`,
      QUIET,
    ],
    'env.proxy_clear_route_cache': [
      `${ABI}${STOP}@external("env", "proxy_clear_route_cache") declare function clear(): i32;\nexport function run(): i32 { return clear(); }`,
      QUIET,
    ],
  } as const;
  for (const [name, [source, options]] of Object.entries(uses))
    assert.equal(
      await reason(source, [...options]),
      `missing-import: Failed to load Wasm module due to a missing import: ${name}`,
    );
});

test('an import of another type', async () => {
  const source = `${ABI}${STOP}@external("env", "proxy_get_buffer_status") declare function set(a: i32, b: u32, c: u32, d: usize, e: usize): u32;\nexport function run(): u32 { return set(0, 0, 0, 0, 0); }`;
  assert.match(
    await reason(source),
    /^import-type: .*env\.proxy_get_buffer_status, module has iiiii:i, host has iii:i$/,
  );
});

test('host functions in the start section and in _initialize', async () => {
  const source = `${ABI}${STOP}@external("env", "proxy_set_tick_period_milliseconds") declare function tick(ms: u32): u32;\nexport const started = tick(5);`;
  assert.match(await reason(source, ['--use', 'abort=guest/stop']), /^start-section/);
  assert.match(await reason(source), /^initialize: .*called from the initialization/);
  const logs = `${ABI}${STOP}@external("env", "proxy_log") declare function log(level: u32, at: usize, size: usize): u32;\nexport const started = log(2, 0, 0);`;
  assert.equal(await reason(logs), 'loaded');
});

test('a dry run reports a module that fails with one coded error', async () => {
  const fixture = await compileFixture();
  assert.deepEqual(dryRun(fixture, 'fine').errors, []);
  assert.deepEqual(dryRun(fixture, 'refuse').errors, [
    { code: 'FIM-CFG-0019', path: '', detail: 'configure 6 refuse' },
  ]);
  const trapped = dryRun(fixture, 'trap');
  assert.equal(trapped.accepted, false);
  assert.match(trapped.errors[0]?.detail ?? '', /proxy_on_configure failed: .*unreachable/);
  assert.equal(dryRun(Buffer.from('junk'), '{}').errors[0]?.code, 'FIM-CFG-0019');
});
