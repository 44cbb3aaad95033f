// Recorded traffic through two policies: which messages would fare differently, and why.
import { createHash } from 'node:crypto';
import type { LoadedModule } from '../host/index.ts';
import { MAX_REPLAY_EXAMPLES, MAX_REPLAY_KINDS } from '../limits.ts';
import type { PluginConfig } from '../route/index.ts';
import type { Seen, SeenMessage } from './compare.ts';
import type { Recorded } from './recorded.ts';
import { Rehearsal } from './rehearsal.ts';
import { TestKeys } from './test-keys.ts';

/** Messages after which the machines are asked for their verdicts. */
const ROUND = 256;
/** Longest pause between two messages that is kept, milliseconds: beyond it limits are full again. */
const MOST_PAUSE_MS = 86_400_000;

/** One kind of difference. */
export interface Change {
  /** As `Passed`, `Refused FIM-PBOC-0001`, `Passed, other bytes`. */
  from: string;
  to: string;
  /** Route that took them today and tomorrow; empty: none. */
  route: string;
  nextRoute: string;
  /** Codes and places of the refusals' errors, with their counts. */
  errors: Record<string, number>;
  count: number;
  /** Where some of them stand. */
  examples: string[];
}

export interface ReplayReport {
  messages: number;
  same: number;
  /** Verdicts of both policies, each with its count. */
  before: Record<string, number>;
  after: Record<string, number>;
  /** Kinds of differences, the most frequent first. */
  changes: Change[];
  /** Differing messages of kinds beyond the bound of kinds. */
  others: number;
}

/** Replays messages through a policy and the next one. Errors: those of the files, and FIM-UP-0080 for a policy. */
export async function replay(
  module: LoadedModule,
  [today, next]: readonly [PluginConfig, PluginConfig],
  messages: AsyncIterable<Recorded>,
  progress: (messages: number) => void = () => {},
): Promise<ReplayReport> {
  const keys = new TestKeys([...today.routes, ...next.routes]);
  const machines = [today, next].map((config) => new Rehearsal(module, { config, keys, folder: '.' }));
  const tally = new Tally();
  let round: Recorded[] = [];
  let lastMs: number | undefined;
  const flush = (): void => {
    const [before, after] = machines.map((machine) => machine.verdicts());
    for (const [n, { place }] of round.entries()) tally.add(place, before![n]!, after![n]!);
    round = [];
    progress(tally.report.messages);
  };
  for await (const recorded of messages) {
    const { atMs } = recorded;
    const pauseMs =
      atMs === undefined || lastMs === undefined ? 0 : Math.min(Math.max(atMs - lastMs, 0), MOST_PAUSE_MS);
    lastMs = atMs ?? lastMs;
    for (const machine of machines) {
      if (pauseMs > 0) machine.vm.clock.advance(pauseMs);
      machine.send(recorded.step);
    }
    if (round.push(recorded) === ROUND) flush();
  }
  flush();
  return tally.end();
}

class Tally {
  readonly report: ReplayReport = { messages: 0, same: 0, before: {}, after: {}, changes: [], others: 0 };
  private readonly changes = new Map<string, Change>();

  add(place: string, before: Seen, after: Seen): void {
    const { report } = this;
    report.messages++;
    count(report.before, verdict(before));
    count(report.after, verdict(after));
    const difference = differenceOf(before, after);
    if (difference === null) {
      report.same++;
      return;
    }
    const kind = JSON.stringify(difference);
    let change = this.changes.get(kind);
    if (change === undefined) {
      if (this.changes.size >= MAX_REPLAY_KINDS) {
        report.others++;
        return;
      }
      change = { ...difference, errors: {}, count: 0, examples: [] };
      this.changes.set(kind, change);
    }
    change.count++;
    for (const error of after.verdict === 'Refused' ? errorsOf(after.client) : errorsOf(before.client))
      if (change.errors[error] !== undefined || Object.keys(change.errors).length < MAX_REPLAY_KINDS)
        count(change.errors, error);
    if (change.examples.length < MAX_REPLAY_EXAMPLES) change.examples.push(place);
  }

  end(): ReplayReport {
    this.report.changes = [...this.changes.values()].toSorted((a, b) => b.count - a.count);
    return this.report;
  }
}

function count(into: Record<string, number>, name: string): void {
  into[name] = (into[name] ?? 0) + 1;
}

function verdict({ verdict: word, code }: Seen): string {
  return code === undefined ? word : `${word} ${code}`;
}

/** Route names with their namespaces. Null: both policies do the same with the message. */
function differenceOf(before: Seen, after: Seen): Pick<Change, 'from' | 'to' | 'route' | 'nextRoute'> | null {
  const names = { route: before.route ?? '', nextRoute: after.route ?? '' };
  const [from, to] = [verdict(before), verdict(after)];
  if (from !== to || before.status !== after.status) return { from, to, ...names };
  if (observedOf(before) !== observedOf(after))
    return { from: `${from}${observedOf(before)}`, to: `${to}${observedOf(after)}`, ...names };
  const sides = (['upstream', 'client'] as const).filter((side) => digest(before[side]) !== digest(after[side]));
  if (sides.length === 0 && names.route === names.nextRoute) return null;
  const told =
    sides.length === 0
      ? 'by another route'
      : before.verdict === 'Refused'
        ? 'other errors'
        : `other bytes to the ${sides.join(' and the ')}`;
  return { from, to: `${to}, ${told}`, ...names };
}

function observedOf({ observed = [] }: Seen): string {
  return observed.length === 0 ? '' : `, observed ${observed.join(' ')}`;
}

/** Of a message as its receiver reads it. */
function digest(message: SeenMessage | null): string {
  if (message === null) return '';
  const hash = createHash('sha256')
    .update(message.path ?? '')
    .update('\0')
    .update(message.body);
  for (const [name, value] of message.headers.toSorted(([a], [b]) => (a < b ? -1 : a > b ? 1 : 0)))
    if (!PER_MESSAGE.test(name)) hash.update(`\0${name}\0${value}`);
  return `${message.isProtected ?? false} ${hash.digest('hex')}`;
}

/** Headers that differ from message to message without meaning anything. */
const PER_MESSAGE =
  /^(?:date|x-request-id|traceparent|x-fim-(?:signature|timestamp|nonce).*|ratelimit|x-ratelimit-.*)$/;

function errorsOf({ headers, body }: SeenMessage): string[] {
  if (!headers.some(([name, value]) => name === 'content-type' && value === 'application/problem+json')) return [];
  const { errors = [] } = JSON.parse(body.toString()) as { errors?: { code: string; path: string }[] };
  return errors.map(({ code, path }) => `${code} ${path}`);
}
