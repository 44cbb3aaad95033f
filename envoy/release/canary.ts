// The state of a canary, and how it goes on: a pure step function over verdicts, commands and time.
import type { RouteCanary } from '../route/index.ts';
import { durationMs, isShadow } from '../route/index.ts';
import type { Verdict } from './judge.ts';
import type { ShadowCounts } from './shadow-counts.ts';

/** `Promoted`: it is the policy in force. `RolledBack`: a gate failed. `Aborted`: somebody ended it. */
export type CanaryPhase = 'Progressing' | 'Paused' | 'Promoted' | 'RolledBack' | 'Aborted';

export interface CanaryState {
  /** `namespace/name`. */
  route: string;
  /** Identity of what differs: policy and module. */
  release: string;
  /** Hash of the route's own policy when the canary began. */
  base: string;
  phase: CanaryPhase;
  /** Number of the step, from 0. */
  step: number;
  /** Milliseconds since 1970 at which the step came into force. Null: it is not in force yet. */
  sinceMs: number | null;
  /** Why it stands as it does, in words. */
  reason: string;
}

export type CanaryCommand = 'step' | 'promote' | 'abort' | 'pause' | 'resume';

export function begin(route: string, release: string, base: string): CanaryState {
  return { route, release, base, phase: 'Progressing', step: 0, sinceMs: null, reason: 'it begins' };
}

/** Whether some requests meet the canary and others do not. */
export function isRunning({ phase }: Pick<CanaryState, 'phase'>): boolean {
  return phase === 'Progressing' || phase === 'Paused';
}

/** Share of the keys in this state, percent. */
export function shareOf({ steps, percent }: RouteCanary, { step }: CanaryState): number {
  if (steps === undefined) return percent ?? 0;
  return steps[Math.min(step, steps.length - 1)] ?? 0;
}

/** State after a verdict on the step. */
export function judged(terms: RouteCanary, state: CanaryState, verdict: Verdict, nowMs: number): CanaryState {
  if (!isRunning(state) || state.sinceMs === null) return state;
  if (verdict.kind === 'Fails') {
    if (terms.onFailure === 'Pause') return { ...state, phase: 'Paused', reason: verdict.reason };
    return { ...state, phase: 'RolledBack', sinceMs: nowMs, reason: verdict.reason };
  }
  if (state.phase === 'Paused') return state;
  const { steps, interval = '30s' } = terms;
  const isOver = nowMs - state.sinceMs >= durationMs(interval);
  if (verdict.kind === 'Inconclusive') return { ...state, reason: `Inconclusive: ${verdict.reason}` };
  if (!isOver || steps === undefined) return { ...state, reason: verdict.reason };
  return advanced(terms, state, verdict.reason);
}

/** State of a shadow after a look. What it says rules nothing, so that nothing but a machine that dies ends it. */
export function shadowed(state: CanaryState, counts: ShadowCounts, nowMs: number): CanaryState {
  if (!isRunning(state) || state.sinceMs === null) return state;
  if (counts.died > 0)
    return { ...state, phase: 'RolledBack', sinceMs: nowMs, reason: 'a machine died beside the shadow' };
  const differ = counts.stricter + counts.laxer + counts.other;
  return { ...state, reason: `${differ} of ${counts.same + differ} messages differ` };
}

/** State after a command. A text: why it cannot be followed. */
export function commanded(terms: RouteCanary, state: CanaryState, command: CanaryCommand): CanaryState | string {
  if (!isRunning(state)) return `the canary is ${state.phase}`;
  switch (command) {
    case 'step':
      if (isShadow(terms)) return 'a shadow has no steps: promote or abort it, or write `mode: Divide`';
      if (terms.steps === undefined) return 'the canary has no steps: promote or abort';
      return advanced(terms, state, 'by command');
    case 'promote':
      return { ...state, phase: 'Promoted', sinceMs: null, reason: 'by command' };
    case 'abort':
      return { ...state, phase: 'Aborted', sinceMs: null, reason: 'by command' };
    case 'pause':
      return { ...state, phase: 'Paused', reason: 'by command' };
    case 'resume':
      return state.phase === 'Paused' ? { ...state, phase: 'Progressing', sinceMs: null, reason: 'by command' } : state;
  }
}

function advanced({ steps = [] }: RouteCanary, state: CanaryState, reason: string): CanaryState {
  const step = state.step + 1;
  return step < steps.length
    ? { ...state, phase: 'Progressing', step, sinceMs: null, reason }
    : { ...state, phase: 'Promoted', sinceMs: null, reason };
}
