import { durationMs } from '../duration.ts';
import type {
  BreakerFaults,
  BreakerSnapshot,
  BudgetedStage,
  RouteBreaker,
  RouteDeadline,
  RouteQueue,
  RouteResilience,
  StageBudget,
} from '../financial-route.gen.ts';
import type { Path } from '../json-path.ts';
import type {
  BreakerConfig,
  FaultsConfig,
  QueueConfig,
  ResilienceConfig,
  SnapshotConfig,
} from '../plugin-config.gen.ts';
import type { Report } from '../schema-check.ts';
import type { Sections } from '../sections.ts';
import { stage } from './stage-row.ts';

/** Headers by which a client could change how long Envoy waits. */
const TIMEOUTS = ['x-envoy-upstream-rq-timeout-ms', 'x-envoy-upstream-rq-per-try-timeout-ms'];

/** Bounds of durations, milliseconds, and in words. */
const BOUNDS = {
  window: [100, 600_000, 'from 100ms to 10m'],
  openFor: [100, 3_600_000, 'from 100ms to 1h'],
  slow: [1, 3_600_000, 'from 1ms to 1h'],
  maxAge: [1, 86_400_000, 'from 1ms to 24h'],
  total: [1, 3_600_000, 'from 1ms to 1h'],
  budget: [1, 3_600_000, 'from 1ms to 1h'],
  maxWait: [1, 60_000, 'from 1ms to 1m'],
} as const;

/** Sections of the plugin's configuration, by those of a route; the others have the same name. */
const MEMBERS: Partial<Record<BudgetedStage, string>> = {
  rateLimit: 'rateLimiter',
  validation: 'pbocValidator',
  masking: 'fieldMasker',
  encryption: 'sm4Encryptor',
  signature: 'messageSignature',
};

/** Row of breaker and deadline. */
export const resilience = stage({
  section: 'resilience',
  folder: 'resilience',
  onlyFused: 'a request is sent after all stages have let it go on: only fim.wasm knows when',
  observable: true,

  rank: () => undefined,
  readsBody: ({ breaker }) => breaker?.open === 'Snapshot' || breaker?.faults?.responseCode?.field !== undefined,
  keys: () => [],
  ownHeaders: ({ deadline, upstreamMs }) => (deadline === undefined && upstreamMs === undefined ? [] : TIMEOUTS),

  check({ value, path }, { spec, sections }, report) {
    const { breaker, deadline } = value;
    if (Object.keys(value).length === 0) report('FIM-CFG-1093', path, 'a breaker, a deadline, budgets, or a queue');
    checkBudgets(value, sections, path, report);
    if (breaker?.open === 'Backup' && spec.channels?.some(({ role }) => role === 'Backup') !== true)
      report('FIM-CFG-1093', [...path, 'breaker', 'open'], 'the route has no Backup channel');
    if (breaker !== undefined) checkAnswers(breaker, sections, [...path, 'breaker'], report);
    const code = breaker?.faults?.responseCode;
    if (code !== undefined && (code.header === undefined) === (code.field === undefined))
      report('FIM-CFG-1093', [...path, 'breaker', 'faults', 'responseCode'], 'a header, or a field');
    for (const name of ['window', 'openFor', 'slow'] as const)
      checkTime(breaker?.[name], name, [...path, 'breaker', name], report);
    checkTime(value.queue?.maxWait, 'maxWait', [...path, 'queue', 'maxWait'], report);
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
    if (value.queue !== undefined) {
      note(['queue'], [...path, 'queue']);
      config.queue = queueConfig(value.queue);
    }
    note(['budgets'], [...path, 'budgets']);
    return { ...config, ...budgetConfigs(value.budgets) };
  },
});

/** A budget of what the route does not do would never be over. */
function checkBudgets({ budgets = [] }: RouteResilience, sections: Sections, at: Path, report: Report): void {
  for (const [index, { stage: name, budget }] of budgets.entries()) {
    const place = [...at, 'budgets', index];
    checkTime(budget, 'budget', [...place, 'budget'], report);
    if (budgets.slice(0, index).some((other) => other.stage === name))
      report('FIM-CFG-1093', [...place, 'stage'], `two budgets of ${name}`);
    if (name === 'upstream') continue;
    const has = name === 'keys' ? (['masking', 'encryption', 'signature', 'validation'] as const) : ([name] as const);
    if (!has.some((section) => sections[section] !== undefined))
      report('FIM-CFG-1093', [...place, 'stage'], `the route has no ${name}`);
  }
}

/** The stages' part and the proxy's. */
function budgetConfigs(budgets: readonly StageBudget[] = []): Pick<ResilienceConfig, 'budgets' | 'upstreamMs'> {
  const upstream = budgets.find((one) => one.stage === 'upstream');
  const own = budgets.filter((one) => one !== upstream);
  return {
    ...(upstream === undefined ? {} : { upstreamMs: durationMs(upstream.budget) }),
    ...(own.length === 0
      ? {}
      : {
          budgets: own.map(({ stage: name, budget }) => ({
            section: MEMBERS[name] ?? name,
            budgetMs: durationMs(budget),
          })),
        }),
  };
}

function queueConfig({ inFlight = 100, max = 100, maxWait = '50ms', discipline, drop }: RouteQueue): QueueConfig {
  return {
    inFlight,
    max,
    maxWaitMs: durationMs(maxWait),
    ...(discipline === 'Codel' ? { codel: true } : {}),
    ...(drop === 'Oldest' ? { dropOldest: true } : {}),
  };
}

/** Stand-in for an upstream. */
function checkAnswers(
  { open = 'Reject', answer, snapshot }: RouteBreaker,
  sections: Sections,
  at: Path,
  report: Report,
): void {
  if (answer !== undefined && open !== 'Answer' && open !== 'Snapshot')
    report('FIM-CFG-1093', [...at, 'answer'], '`open` is Answer or Snapshot');
  if (answer === undefined && open === 'Answer') report('FIM-CFG-1093', [...at, 'open'], 'an `answer`');
  if (snapshot !== undefined && open !== 'Snapshot') report('FIM-CFG-1093', [...at, 'snapshot'], '`open` is Snapshot');
  checkTime(snapshot?.maxAge, 'maxAge', [...at, 'snapshot', 'maxAge'], report);
  const changed =
    open === 'Snapshot' && (['masking', 'encryption', 'signature'] as const).find((name) => sections[name]);
  if (changed) report('FIM-CFG-1093', [...at, 'open'], `a snapshot is what the upstream said, without ${changed}`);
}

function checkTime(text: string | undefined, name: keyof typeof BOUNDS, at: Path, report: Report): void {
  if (text === undefined) return;
  const [least, most, words] = BOUNDS[name];
  const ms = durationMs(text);
  if (ms < least || ms > most) report('FIM-CFG-1039', at, words);
}

function times({ total = '1s', perHop = '100ms' }: RouteDeadline): { totalMs: number; perHopMs: number } {
  return { totalMs: durationMs(total), perHopMs: durationMs(perHop) };
}

function breakerConfig({
  window,
  openFor,
  slow,
  open,
  faults,
  answer,
  snapshot,
  ...rest
}: RouteBreaker): BreakerConfig {
  return {
    ...rest,
    ...(open === 'Backup' ? { backup: true } : {}),
    ...(answer === undefined ? {} : { answer }),
    ...(open === 'Snapshot' ? { snapshot: snapshotConfig(snapshot) } : {}),
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

function snapshotConfig({ maxAge = '1m', headers = [] }: BreakerSnapshot = {}): SnapshotConfig {
  return {
    maxAgeMs: durationMs(maxAge),
    ...(headers.length === 0 ? {} : { headers: headers.map((name) => name.toLowerCase()).toSorted() }),
  };
}
