// The stages of the tests, in the order in which they run.
import { runScript } from './command.ts';
import { runSuiteOnce, type SuiteOptions } from './node-suite.ts';
import type { Ran } from './outcome.ts';
import { runUnits } from './unit.ts';

/** Request from the command line. */
export interface StageRequest {
  names: string[];
  optimize: boolean;
  print: (line: string) => void;
}

export interface Stage {
  name: string;
  /** One line for the screen. */
  about: string;
  /** `main` stages make up `npm test`. Other tiers have commands of their own. */
  tier: 'main' | 'mesh' | 'peers';
  /** Stages of different lanes run side by side, if they are neighbours in the list. */
  lane?: string;
  run: (request: StageRequest) => Promise<Ran>;
}

const MINUTE_MS = 60_000;
/** Time after which a check is stopped and has failed. */
const CHECK_MS = 10 * MINUTE_MS;

/** A command that is a stage by itself: it passes or fails. */
function check(name: string, about: string, [script, ...args]: [string, ...string[]], more: Partial<Stage>): Stage {
  return {
    name,
    about,
    tier: 'main',
    run: async () => ({ outcome: await runScript(script, args, CHECK_MS) }),
    ...more,
  };
}

/** The test files of a folder under test/. */
function suite(
  name: string,
  about: string,
  { concurrency = 2, deadlineMs = 25 * MINUTE_MS, long = [] }: Partial<SuiteOptions>,
  more: Partial<Stage> = {},
): Stage {
  return {
    name,
    about,
    tier: 'main',
    run: ({ names, print }) => runSuiteOnce({ tier: name, names, concurrency, long, deadlineMs, print }),
    ...more,
  };
}

function inLane(lane: string, stages: readonly Stage[]): Stage[] {
  return stages.map((stage) => ({ ...stage, lane }));
}

/** Checks that take seconds and find most mistakes. */
const FIRST: Stage[] = [
  check('types', 'types and lint', ['scripts/check.ts', 'types'], { lane: 'types' }),
  check('generated', 'generated files match their sources', ['scripts/generate.ts', '--check'], { lane: 'sources' }),
  check('tidy', 'layout, imports, sizes, names, limits, codes, links', ['scripts/tidy.ts'], { lane: 'sources' }),
];

/**
 * Stages that keep processors busy. They fill what the waiting ones leave: one file at a time, since tests of real
 * proxies beside them have to get their turn.
 */
const WORKING = inLane('working', [
  {
    name: 'unit',
    about: 'AssemblyScript units (as-pect)',
    tier: 'main',
    run: async (request) => ({ outcome: await runUnits({ folder: 'test/unit', ...request }) }),
  },
  suite('host', 'scenarios on the proxy-wasm host, built modules', {
    concurrency: 1,
    long: ['scenarios', 'streaming'],
  }),
  suite('crypto', 'ciphers, digests and signatures against published vectors', { concurrency: 1 }),
  suite('route', 'FinancialRoute: load, rules, translation', { concurrency: 1 }),
  suite('contract', 'one corpus, verdicts by layer', { concurrency: 1 }),
  suite('fuzz', 'random input', { concurrency: 1 }),
  suite('audit', 'the collector of audit: its log, crashes, tampering, proofs', { concurrency: 1 }),
  suite('tidy', 'the tidy rules catch what they are for', { concurrency: 1 }),
  suite('runner', 'the test runner sees what fails, hangs or is left out', { concurrency: 1 }),
  check('format', 'layout of the sources', ['scripts/check.ts', 'format'], {}),
]);

/** Stages that mostly wait for other processes, clocks and deadlines. */
const WAITING = inLane('waiting', [
  suite('e2e', 'real Envoy', {
    long: ['key-troubles', 'national-tls-life', 'keys', 'retired'],
  }),
  suite('standalone', 'Envoy, development KMS and upstream, command line', {
    long: ['up', 'key-folder', 'verbs', 'tlcp'],
  }),
  suite('operator', 'the operator: plans, status, queue, a small API server, manifests', { long: ['tenants'] }),
]);

/** Everything, in the order of the numbers on the screen. */
export const STAGES: Stage[] = [
  ...FIRST,
  check('build', 'the modules', ['scripts/build.ts'], {}),
  ...WORKING,
  ...WAITING,
  // Alone: how soon an edit is live under load says nothing beside other stages.
  suite('load', 'real Envoy under load: edits, swaps, rotations', { concurrency: 1 }),
  {
    name: 'mesh-programs',
    about: 'etcd, Kubernetes and Istio from source (about 8 minutes the first time, then cached)',
    tier: 'mesh',
    run: async ({ print }) => ({
      outcome: await runScript('test/mesh/programs/programs.ts', [], 30 * MINUTE_MS, (line) => print(`    ${line}`)),
    }),
  },
  suite(
    'mesh',
    'real API server, istiod, pilot-agent and Envoy',
    { concurrency: 1, deadlineMs: 30 * MINUTE_MS },
    { tier: 'mesh' },
  ),
  suite(
    'peers',
    'other implementations, containers',
    { concurrency: 1, deadlineMs: 20 * MINUTE_MS },
    { tier: 'peers' },
  ),
];
