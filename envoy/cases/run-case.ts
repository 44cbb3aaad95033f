// Runs test cases against the very module.
import { dirname } from 'node:path';
import type { LoadedModule } from '../host/index.ts';
import { durationMs, type Path, type PluginConfig } from '../route/index.ts';
import type { Case, Step } from './case-file.gen.ts';
import { compare, type Failure } from './compare.ts';
import { stepsOf } from './load-cases.ts';
import { Rehearsal } from './rehearsal.ts';
import { TestKeys } from './test-keys.ts';

/** Stages that remember messages: cases of such policies begin with a new machine. */
const REMEMBERING = ['rateLimiter', 'messageSignature', 'resilience'] as const;

export interface CaseResult {
  /** Empty: the case holds. */
  failures: Failure[];
  /** Names of the routes that took its messages. */
  routes: Set<string>;
}

/** Cases of one policy. */
export class CaseRunner {
  private readonly module: LoadedModule;
  private readonly folder: string;
  private readonly keys: TestKeys;
  private readonly config: PluginConfig;
  private readonly remembers: boolean;
  private kept: Rehearsal | undefined;

  /** `folder`: bodies in files are there. */
  private constructor(module: LoadedModule, config: PluginConfig, folder: string, keys: TestKeys) {
    this.module = module;
    this.folder = folder;
    this.config = config;
    this.keys = keys;
    this.remembers = config.routes.some(({ stages }) => REMEMBERING.some((stage) => stages[stage] !== undefined));
  }

  /** `file`: of the cases. Errors: those of TestKeys. */
  static of(
    module: LoadedModule,
    config: PluginConfig,
    file: string,
    keys?: Readonly<Record<string, string>>,
  ): CaseRunner {
    return new CaseRunner(module, config, dirname(file), new TestKeys(config.routes, keys));
  }

  /** The runner of another policy with the same keys, such as one without a certain rule. */
  with(config: PluginConfig): CaseRunner {
    return new CaseRunner(this.module, config, this.folder, this.keys);
  }

  /** Error: FIM-UP-0080 where a body cannot be read, or the module refuses the policy. */
  run(one: Case, at: Path = []): CaseResult {
    this.keys.available = true;
    const steps = stepsOf(one);
    const losesKeys = steps.some(({ keyService }) => keyService !== undefined);
    const rehearsal = this.rehearsal(losesKeys);
    const sent: { step: Step; place: Path }[] = [];
    for (const [n, step] of steps.entries()) {
      const place: Path = one.steps === undefined ? at : [...at, 'steps', n];
      if (step.keyService !== undefined) this.keys.available = step.keyService === 'Available';
      if (step.advance !== undefined) rehearsal.vm.clock.advance(durationMs(step.advance));
      for (let i = 0; step.request !== undefined && i < (step.times ?? 1); i++) {
        rehearsal.send(step);
        sent.push({ step, place });
      }
    }
    const seen = rehearsal.verdicts();
    const failures = sent.flatMap(({ step, place }, number) =>
      compare(step.expect!, seen[number]!, { at: place, folder: this.folder }),
    );
    const { vm } = rehearsal;
    for (const violation of [...vm.violations, ...(vm.failed ? ['the module trapped'] : [])])
      failures.push({ at, message: violation });
    if (vm.failed || losesKeys) this.kept = undefined;
    return { failures, routes: new Set(seen.flatMap(({ route }) => route ?? [])) };
  }

  /** A machine in the state of a new proxy, or one that has only keys in its memory. */
  private rehearsal(withoutKeys: boolean): Rehearsal {
    if (this.kept === undefined || this.remembers || withoutKeys)
      this.kept = new Rehearsal(this.module, { config: this.config, keys: this.keys, folder: this.folder });
    return this.kept;
  }
}
