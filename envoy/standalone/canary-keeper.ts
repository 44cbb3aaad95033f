// State of this proxy's canary, kept in a file, so that it outlives restarts.
import { mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import {
  begin,
  CanaryWindow,
  commanded,
  gatesOf,
  isRunning,
  judged,
  shadowed,
  shadowSince,
  shareOf,
  type CanaryCommand,
  type CanaryState,
  type Counts,
  type ShadowCounts,
  type Verdict,
} from '../release/index.ts';
import type { Division } from '../xds/index.ts';
import { CodedError } from './coded-error.ts';
import type { OnEvent } from './events.ts';
import type { CanaryPolicy, Policy } from './policy.ts';
import { divisionOf } from './rollout.ts';

/** A policy as it is to be in force. */
export interface Chosen {
  policy: Policy;
  /** Module release of that policy. Undefined: the current one. */
  module?: CanaryPolicy['module'];
  /** Files of the modules by name, where a former release is in force. */
  kept?: ReadonlyMap<string, string>;
  /** The policy that some requests meet instead. */
  canary?: { plan: CanaryPolicy; division: Division };
}

/** Output of `fim canary status`. */
export interface CanaryReport extends CanaryState {
  mode: 'Divide' | 'Shadow';
  /** Percent of the keys. */
  share: number;
  /** Whether the proxy does as this says. False: it is on its way, or waits. */
  inForce: boolean;
  steps: number[];
  verdict: Verdict | null;
  /** Counts of a shadow since it is in force. Null: it is none, or its counters cannot be read. */
  shadow: ShadowCounts | null;
  /** Some of its differences: kind, code and path, never a value. Absent: nobody was asked. */
  samples?: string[];
}

const FILE = 'canary.json';

/** The one canary of a proxy: its state, and the judging of its step. */
export class CanaryKeeper {
  private readonly folder: string;
  private readonly onEvent: OnEvent;
  private plan: CanaryPolicy | undefined;
  private state: CanaryState | undefined;
  private window: CanaryWindow | undefined;
  private verdict: Verdict | null = null;
  private shadow: ShadowCounts | null = null;
  private shadowBefore: ShadowCounts | undefined;
  /** The last state that the proxy was seen to follow, as text. */
  private followed = '';

  /** `folder`: made with the first canary, for this user only. */
  constructor(folder: string, onEvent: OnEvent) {
    this.folder = folder;
    this.onEvent = onEvent;
    this.state = this.read();
  }

  /**
   * How a policy is to be in force, by the state of its canary. Error: FIM-UP-0070 (a canary follows one that was promoted
   * and is not in the route's own spec).
   */
  choose(policy: Policy): Chosen {
    const plan = policy.canary;
    if (plan === undefined) return { policy };
    const state = this.stateFor(plan);
    if (state.phase === 'Promoted')
      return { policy: plan.variant, ...(plan.module === undefined ? {} : { module: plan.module }) };
    if (!isRunning(state)) return { policy };
    if (plan.shadowed !== undefined) return { policy: plan.shadowed };
    const division = divisionOf(plan, shareOf(plan.terms, state));
    return { policy, canary: { plan, division } };
  }

  /** The proxy does as the policy and its canary say. `counts`, `shadow`: what was counted until then. */
  taken(policy: Policy, counts: Counts | undefined, shadow?: ShadowCounts): void {
    const { canary: plan } = policy;
    this.plan = plan;
    if (plan === undefined) {
      this.forget();
      return;
    }
    const state = this.stateFor(plan);
    const follows = [identityOf(state), JSON.stringify(plan.terms)].join('\n');
    if (follows === this.followed) return;
    this.followed = follows;
    this.window = counts === undefined ? undefined : new CanaryWindow(gatesOf(plan.terms.gates), counts);
    this.verdict = null;
    this.shadow = null;
    this.shadowBefore = shadow;
    this.keep({ ...state, sinceMs: Date.now() });
  }

  /** Whether the canary is a shadow, which other counters tell of. */
  get isShadow(): boolean {
    return this.plan?.shadowed !== undefined;
  }

  /** The same as `look`, of a shadow. */
  lookAtShadow(counts: ShadowCounts | undefined): boolean {
    const { state } = this;
    if (state === undefined) return false;
    if (!this.inForce) return true;
    if (!isRunning(state)) return false;
    if (counts === undefined) {
      this.shadow = null;
      return this.follow({ ...state, reason: 'the counters of the proxy cannot be read' });
    }
    this.shadowBefore ??= counts;
    this.shadow = shadowSince(this.shadowBefore, counts);
    return this.follow(shadowed(state, this.shadow, Date.now()));
  }

  /** Takes a look. `counts`: undefined if they cannot be read. True: the proxy must be changed. */
  look(counts: Counts | undefined): boolean {
    const { plan, state } = this;
    if (plan === undefined || state === undefined) return false;
    if (!this.inForce) return true;
    if (!isRunning(state)) return false;
    if (counts !== undefined) this.window ??= new CanaryWindow(gatesOf(plan.terms.gates), counts);
    this.verdict = counts === undefined || this.window === undefined ? null : this.window.look(counts);
    const next =
      this.verdict === null
        ? { ...state, reason: 'Inconclusive: the counters of the proxy cannot be read' }
        : judged(plan.terms, state, this.verdict, Date.now());
    return this.follow(next);
  }

  /** Follows a command. True: the proxy must be changed. Error: FIM-UP-0071. */
  command(command: CanaryCommand): boolean {
    const { plan, state } = this;
    if (plan === undefined || state === undefined) throw new CodedError('FIM-UP-0071', 'no route has a canary');
    const next = commanded(plan.terms, state, command);
    if (typeof next === 'string') throw new CodedError('FIM-UP-0071', next);
    return this.follow(next);
  }

  /** A former release takes its place: it rules nobody any more. */
  displace(reason: string): void {
    const { state } = this;
    if (state === undefined || !(isRunning(state) || state.phase === 'Promoted')) return;
    this.follow({ ...state, phase: 'RolledBack', sinceMs: null, reason });
  }

  /** Undefined: no route has a canary. */
  report(): CanaryReport | undefined {
    const { plan, state } = this;
    if (plan === undefined || state === undefined) return undefined;
    return {
      ...state,
      mode: plan.terms.mode ?? 'Divide',
      share: state.phase === 'Promoted' ? 100 : isRunning(state) && !this.isShadow ? shareOf(plan.terms, state) : 0,
      inForce: this.inForce,
      steps: plan.terms.steps ?? [],
      verdict: this.verdict,
      shadow: this.shadow,
    };
  }

  /** Whether the proxy does as the state says. */
  private get inForce(): boolean {
    return this.state !== undefined && this.followed.startsWith(`${identityOf(this.state)}\n`);
  }

  private follow(next: CanaryState): boolean {
    const before = this.state!;
    const changes = identityOf(next) !== identityOf(before);
    this.state = next;
    if (changes || next.phase !== before.phase) {
      this.keep(next);
      this.tell();
    }
    return changes;
  }

  private stateFor(plan: CanaryPolicy): CanaryState {
    const { state } = this;
    if (state?.route === plan.route && state.release === plan.release) return state;
    if (state?.route === plan.route && state.phase === 'Promoted' && state.base === plan.base)
      throw new CodedError('FIM-UP-0070', plan.route);
    return begin(plan.route, plan.release, plan.base);
  }

  private tell(): void {
    const { verdict, shadow: _, ...report } = this.report()!;
    const figures = verdict === null ? {} : { canary: verdict.canary, stable: verdict.stable };
    this.onEvent({ event: 'canary', ...report, ...figures });
  }

  private keep(state: CanaryState): void {
    const before = this.state;
    this.state = state;
    mkdirSync(this.folder, { recursive: true, mode: 0o700 });
    const path = join(this.folder, FILE);
    writeFileSync(`${path}.partial`, `${JSON.stringify({ version: 1, state })}\n`, { mode: 0o600 });
    renameSync(`${path}.partial`, path);
    if (before?.release !== state.release || before.route !== state.route) this.tell();
  }

  private forget(): void {
    if (this.state === undefined) return;
    this.state = undefined;
    this.window = undefined;
    this.verdict = null;
    this.shadow = null;
    this.followed = '';
    rmSync(join(this.folder, FILE), { force: true });
  }

  /** Error: FIM-UP-0072 (the file is not one of these). */
  private read(): CanaryState | undefined {
    const path = join(this.folder, FILE);
    let text: string;
    try {
      text = readFileSync(path, 'utf8');
    } catch {
      return undefined;
    }
    try {
      const { version, state } = JSON.parse(text) as { version: number; state: CanaryState };
      if (version === 1 && typeof state.route === 'string' && typeof state.release === 'string') return state;
    } catch {
      // Told below, as what can be read and is something else.
    }
    throw new CodedError('FIM-UP-0072', path);
  }
}

/** Work of the proxy that follows. */
function identityOf(state: CanaryState): string {
  return [state.route, state.release, isRunning(state) ? 'runs' : state.phase, state.step].join('\n');
}
