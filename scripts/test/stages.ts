// The stages of the tests, in the order in which they run.
import { runScript } from './command.ts';
import { runSuite } from './node-suite.ts';
import type { Outcome } from './outcome.ts';
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
  run: (request: StageRequest) => Promise<Outcome>;
}

const SECOND_MS = 1000;
const MINUTE_MS = 60 * SECOND_MS;

function check(name: string, about: string, script: string, args: string[], deadlineMs: number): Stage {
  return { name, about, tier: 'main', run: () => runScript(script, args, deadlineMs) };
}

function suite(
  name: string,
  about: string,
  concurrency: number,
  deadlineMs: number,
  tier: Stage['tier'] = 'main',
): Stage {
  return {
    name,
    about,
    tier,
    run: ({ names, print }) => runSuite({ tier: name, names, concurrency, deadlineMs, print }),
  };
}

export const STAGES: Stage[] = [
  check('generated', 'generated files match their sources', 'scripts/generate.ts', ['--check'], MINUTE_MS),
  check('tidy', 'layout, imports, sizes, names, limits, codes, links', 'scripts/tidy.ts', [], MINUTE_MS),
  check('types', 'types, lint and layout of the sources', 'scripts/check.ts', [], 3 * MINUTE_MS),
  check('build', 'the modules', 'scripts/build.ts', [], 10 * MINUTE_MS),
  {
    name: 'unit',
    about: 'AssemblyScript units (as-pect)',
    tier: 'main',
    run: (request) => runUnits({ folder: 'test/unit', ...request }),
  },
  suite('runner', 'the test runner sees what fails, hangs or is left out', 1, 3 * MINUTE_MS),
  suite('tidy', 'the tidy rules catch what they are for', 2, MINUTE_MS),
  suite('crypto', 'ciphers, digests and signatures against published vectors', 2, 10 * MINUTE_MS),
  suite('route', 'FinancialRoute: load, rules, translation', 2, 5 * MINUTE_MS),
  suite('contract', 'one corpus, verdicts by layer', 2, 3 * MINUTE_MS),
  suite('operator', 'the operator: plans, status, queue, a small API server, manifests', 2, 10 * MINUTE_MS),
  suite('host', 'scenarios on the proxy-wasm host, built modules', 2, 10 * MINUTE_MS),
  suite('standalone', 'Envoy, development KMS and upstream, command line', 2, 10 * MINUTE_MS),
  suite('e2e', 'real Envoy', 1, 15 * MINUTE_MS),
  suite('fuzz', 'random input', 2, 10 * MINUTE_MS),
  {
    name: 'mesh-programs',
    about: 'etcd, Kubernetes and Istio from source (about 8 minutes the first time, then cached)',
    tier: 'mesh',
    run: ({ print }) => runScript('test/mesh/programs/programs.ts', [], 30 * MINUTE_MS, (line) => print(`    ${line}`)),
  },
  suite('mesh', 'real API server, istiod, pilot-agent and Envoy', 1, 20 * MINUTE_MS, 'mesh'),
  suite('peers', 'other implementations, containers', 1, 20 * MINUTE_MS, 'peers'),
];
