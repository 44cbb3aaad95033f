// Whether the records of a workload's proxies reach the collector: from what it says, and from the proxies' counters.
import { AUDIT_STUCK_MS } from '../../limits.ts';
import type { ConditionDraft } from '../../../envoy/route/index.ts';
import type { RouteFacts, WorkloadState } from './route-facts.ts';
import type { Make } from './verdicts.ts';

/** Answer of the collector: when it last had a record of each proxy (`POD.NAMESPACE`), or why there is none. */
export type AuditBook = { seenAt: ReadonlyMap<string, number> } | { problem: string };

/** Audit counters of one proxy. */
export interface AuditReading {
  /** Records that wait in all its workers. */
  waiting: number;
  /** Records written and acknowledged since its process began. */
  written: number;
  acknowledged: number;
  /** Records that were dropped. */
  lost: number;
}

const WRITTEN = /fim_audit_(written|acknowledged|lost|waiting)$/;

/** Reads one sample. Returns false if it is not about audit. */
export function readAuditSample(audit: AuditReading, name: string, value: number): boolean {
  const what = WRITTEN.exec(name)?.[1] as keyof AuditReading | undefined;
  if (what === undefined) return false;
  audit[what] += value;
  return true;
}

/** Memory of one proxy's records. Times are milliseconds since 1970. */
export interface AuditMemory {
  /** Start of the process that the collector has records of. */
  seenOf?: number;
  /** Records acknowledged when it was last looked at, and since when they have not grown though some wait. */
  acknowledged: number;
  stuckSince?: number;
}

/** State of a workload's records. Proxies are named. */
export interface AuditState {
  /** Proxies whose present process has records at the collector. */
  delivered: number;
  /** Proxies that have written none. */
  silent: string[];
  /** Proxies whose records wait and do not arrive. */
  stuck: string[];
  /** Records that its proxies have dropped. */
  lost: number;
  /** Why the collector could not be asked. */
  problem?: string;
}

export function noAudit(): AuditState {
  return { delivered: 0, silent: [], stuck: [], lost: 0 };
}

export interface AuditLook {
  name: string;
  namespace: string;
  reading: AuditReading;
  /** Latest possible start of its process. */
  startedAt: number;
  /** When its process was last known to have records there, from a status. */
  provenAt: number | undefined;
  book: AuditBook;
  now: number;
}

/** Judges one proxy; returns what to remember of it. */
export function judgeAudit(
  state: AuditState,
  before: AuditMemory | undefined,
  { name, namespace, reading, startedAt, provenAt, book, now }: AuditLook,
): AuditMemory {
  // The process's own counter tells its records from those of one that had the name before.
  const seen = 'seenAt' in book ? book.seenAt.get(`${name}.${namespace}`) : undefined;
  const isSeen =
    (seen !== undefined && seen >= startedAt - SAME_PROCESS_MS && reading.acknowledged > 0) ||
    (provenAt !== undefined && provenAt >= startedAt) ||
    (before?.seenOf !== undefined && Math.abs(before.seenOf - startedAt) < SAME_PROCESS_MS);
  const moves = before === undefined || reading.waiting === 0 || reading.acknowledged !== before.acknowledged;
  const stuckSince = moves ? undefined : (before.stuckSince ?? now);
  state.lost += reading.lost;
  if ('problem' in book) state.problem = book.problem;
  if (stuckSince !== undefined && now - stuckSince >= AUDIT_STUCK_MS) state.stuck.push(name);
  else if (isSeen) state.delivered++;
  else if (reading.written === 0) state.silent.push(name);
  return {
    acknowledged: reading.acknowledged,
    ...(isSeen ? { seenOf: startedAt } : {}),
    ...(stuckSince === undefined ? {} : { stuckSince }),
  };
}

/** Difference between two readings of one process's start, milliseconds: its uptime is told in whole seconds, late. */
const SAME_PROCESS_MS = 15_000;

/** Reason of a condition that says nothing new: what was said before holds until the proxies are looked at. */
const NOT_LOOKED = 'NotLooked';

/** The former `Audited` in place of one that says nothing yet. */
export function standingAudited(draft: ConditionDraft, before: readonly ConditionDraft[] = []): ConditionDraft {
  const former = draft.reason === NOT_LOOKED ? before.find(({ type }) => type === draft.type) : undefined;
  if (former === undefined) return draft;
  const { status, reason, message } = former;
  return { ...draft, status, reason, message };
}

function some(names: readonly string[]): string {
  return names.length > 4 ? `${names.slice(0, 4).join(', ')} and ${names.length - 4} more` : names.join(', ');
}

/** `Audited` of a route that asks for records. Undefined: it asks for none, or its proxies are not known. */
export function auditedCondition(facts: RouteFacts, make: Make): ConditionDraft | undefined {
  if (facts.audits !== true) return undefined;
  const say = (status: ConditionDraft['status'], reason: string, message: string): ConditionDraft =>
    make('Audited', status, reason, message);
  const counted = facts.workloads.filter(
    (workload): workload is WorkloadState & { audit: AuditState } => workload.audit !== undefined,
  );
  if (counted.length === 0) return say('Unknown', NOT_LOOKED, 'The proxies have not been looked at yet.');
  const proxies = counted.reduce((sum, workload) => sum + workload.proxies, 0);
  if (proxies === 0) return say('Unknown', 'NoProxies', 'No ready proxy is among the targets.');
  const each = (pick: (state: AuditState) => string[]): string[] => counted.flatMap(({ audit }) => pick(audit));
  const lost = counted.reduce((sum, { audit }) => sum + audit.lost, 0);
  const gaps = lost === 0 ? '' : ` ${lost} records were dropped since the proxies began; gaps name them.`;
  const stuck = each((state) => state.stuck);
  if (stuck.length > 0)
    return say(
      'False',
      'NotDelivered',
      `FIM-OP-0050: records wait and do not reach the collector from ${some(stuck)}.`,
    );
  const [problem] = each((state) => (state.problem === undefined ? [] : [state.problem]));
  const delivered = counted.reduce((sum, { audit }) => sum + audit.delivered, 0);
  const of = `The collector has records of ${delivered} of ${proxies} ${proxies === 1 ? 'proxy' : 'proxies'}`;
  if (delivered === proxies) return say('True', 'Audited', `${of}.${gaps}`);
  if (problem !== undefined) return say('Unknown', 'CollectorSilent', `The collector does not answer: ${problem}.`);
  const silent = each((state) => state.silent);
  if (silent.length > 0) return say('Unknown', 'NothingSent', `${of}; ${some(silent)} had none to send yet.${gaps}`);
  return say('Unknown', 'Pending', `${of}.${gaps}`);
}
