import { durationMs } from '../duration.ts';
import type { BreakerFaults, RouteBreaker, RouteDeadline } from '../financial-route.gen.ts';
import type { Path } from '../json-path.ts';
import type { BreakerConfig, FaultsConfig, ResilienceConfig } from '../plugin-config.gen.ts';
import type { Report } from '../schema-check.ts';
import { stage } from './stage-row.ts';

/** Headers by which a client could change how long Envoy waits. */
const TIMEOUTS = ['x-envoy-upstream-rq-timeout-ms', 'x-envoy-upstream-rq-per-try-timeout-ms'];

/** Bounds of durations, milliseconds, and in words. */
const BOUNDS = {
  window: [100, 600_000, 'from 100ms to 10m'],
  openFor: [100, 3_600_000, 'from 100ms to 1h'],
  slow: [1, 3_600_000, 'from 1ms to 1h'],
  total: [1, 3_600_000, 'from 1ms to 1h'],
} as const;

/** Row of breaker and deadline. */
export const resilience = stage({
  section: 'resilience',
  folder: 'resilience',
  onlyFused: 'a request is sent after all stages have let it go on: only fim.wasm knows when',
  observable: true,

  rank: () => undefined,
  readsBody: ({ breaker }) => breaker?.faults?.responseCode?.field !== undefined,
  keys: () => [],
  ownHeaders: ({ deadline }) => (deadline === undefined ? [] : TIMEOUTS),

  check({ value, path }, { spec }, report) {
    const { breaker, deadline } = value;
    if (breaker === undefined && deadline === undefined) report('FIM-CFG-1093', path, 'a breaker, or a deadline');
    if (breaker?.open === 'Backup' && spec.channels?.some(({ role }) => role === 'Backup') !== true)
      report('FIM-CFG-1093', [...path, 'breaker', 'open'], 'the route has no Backup channel');
    const code = breaker?.faults?.responseCode;
    if (code !== undefined && (code.header === undefined) === (code.field === undefined))
      report('FIM-CFG-1093', [...path, 'breaker', 'faults', 'responseCode'], 'a header, or a field');
    for (const name of ['window', 'openFor', 'slow'] as const)
      checkTime(breaker?.[name], name, [...path, 'breaker', name], report);
    checkTime(deadline?.total, 'total', [...path, 'deadline', 'total'], report);
    if (deadline !== undefined && times(deadline).perHopMs >= times(deadline).totalMs)
      report('FIM-CFG-1093', [...path, 'deadline', 'perHop'], 'less than total: nothing would be left');
  },

  translate({ value, path }, { key, note }) {
    note([], path);
    const { breaker, deadline } = value;
    const config: ResilienceConfig = { id: key };
    if (breaker !== undefined) {
      note(['breaker'], [...path, 'breaker']);
      note(['breaker', 'faults'], [...path, 'breaker', 'faults']);
      note(['breaker', 'faults', 'field'], [...path, 'breaker', 'faults', 'responseCode', 'field']);
      config.breaker = breakerConfig(breaker);
    }
    if (deadline !== undefined) {
      note(['deadline'], [...path, 'deadline']);
      config.deadline = { ...times(deadline), ...(deadline.grpc === false ? { grpc: false } : {}) };
    }
    return config;
  },
});

function checkTime(text: string | undefined, name: keyof typeof BOUNDS, at: Path, report: Report): void {
  if (text === undefined) return;
  const [least, most, words] = BOUNDS[name];
  const ms = durationMs(text);
  if (ms < least || ms > most) report('FIM-CFG-1039', at, words);
}

function times({ total = '1s', perHop = '100ms' }: RouteDeadline): { totalMs: number; perHopMs: number } {
  return { totalMs: durationMs(total), perHopMs: durationMs(perHop) };
}

function breakerConfig({ window, openFor, slow, open, faults, ...rest }: RouteBreaker): BreakerConfig {
  return {
    ...rest,
    ...(open === 'Backup' ? { backup: true } : {}),
    ...(faults === undefined ? {} : { faults: faultsConfig(faults) }),
    ...(window === undefined ? {} : { windowMs: durationMs(window) }),
    ...(openFor === undefined ? {} : { openForMs: durationMs(openFor) }),
    ...(slow === undefined ? {} : { slowMs: durationMs(slow) }),
  };
}

function faultsConfig({ responseCode, ...statuses }: BreakerFaults): FaultsConfig {
  if (responseCode === undefined) return statuses;
  const { header, field, values } = responseCode;
  return {
    ...statuses,
    ...(header === undefined ? {} : { header: header.toLowerCase() }),
    ...(field === undefined ? {} : { field }),
    codes: values,
  };
}
