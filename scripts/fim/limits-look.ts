// `fim limits top` and `fim limits explain`: what the limits of a running Envoy hold, asked through its door.
import { CodedError } from '../../envoy/standalone/coded-error.ts';
import { Door } from '../../envoy/standalone/door.ts';
import { explainWith } from './limits-question.ts';
import type { ExplainedRoute, RequestFlags } from './limits-question.ts';

export interface TopFlags extends RequestFlags {
  door?: string;
  count: string;
  json?: boolean;
  name: string[];
}

export interface ExplainLimitsFlags extends RequestFlags {
  door?: string;
  json?: boolean;
}

/** A bucket as the modules tell it. `usedMillionths`: how much of it is used. */
interface FullBucket {
  limit: string;
  key: string;
  left: number;
  of: number;
  usedMillionths: number;
  freeInMs: number;
  /** Name of the limit, from `--name`. */
  name?: string;
}

interface Page {
  next: number;
  keys: FullBucket[];
}

const MAX_COUNT = 200;

/** `fim limits top`. Returns the exit status. */
export async function topLimits(flags: TopFlags): Promise<number> {
  const count = Number(flags.count);
  if (!Number.isInteger(count) || count < 1 || count > MAX_COUNT)
    throw new CodedError('FIM-UP-0020', `--count is a whole number from 1 to ${MAX_COUNT}`);
  const door = await Door.find(flags.door);
  const names = await namesOf(door, flags);
  const found = [...(await fullest(door, count, false)), ...(await fullest(door, count, true))]
    .sort((one, other) => other.usedMillionths - one.usedMillionths || one.left - other.left)
    .slice(0, count)
    .map((bucket) => {
      const name = names.get(`${bucket.limit} ${bucket.key}`);
      return name === undefined ? bucket : { ...bucket, name };
    });
  process.stdout.write(flags.json ? `${JSON.stringify({ keys: found })}\n` : tableOf(found));
  return 0;
}

/** All lines of the table, some at a time: each question takes a worker some milliseconds. */
async function fullest(door: Door, count: number, windows: boolean): Promise<FullBucket[]> {
  const found: FullBucket[] = [];
  let from = 0;
  do {
    const page = await door.ask<Page>({ path: `/limits/top?from=${from}&count=${count}&windows=${windows ? 1 : 0}` });
    found.push(...page.keys);
    from = page.next;
  } while (from !== 0);
  return found;
}

/**
 * Names of keys by limit and hash. The proxy keeps no key, so the names are asked for: each is what a request would have
 * in the place of `{}`.
 */
async function namesOf(door: Door, flags: TopFlags): Promise<Map<string, string>> {
  const names = new Map<string, string>();
  for (const name of flags.name) {
    const { limits } = await explainWith(door, flags, name);
    for (const { limit, key } of limits) if (key !== undefined) names.set(`${limit} ${key}`, name);
  }
  return names;
}

function tableOf(buckets: readonly FullBucket[]): string {
  if (buckets.length === 0) return 'no bucket of any limit is in use\n';
  const rows = buckets.map(({ limit, key, left, of, freeInMs, name }) => [
    limit,
    name ?? key,
    `${of - left} of ${of}`,
    seconds(freeInMs),
  ]);
  return columns([['LIMIT', 'KEY', 'USED', 'EMPTY IN'], ...rows]);
}

/** `fim limits explain PATH`. Returns the exit status. */
export async function explainLimits(path: string, flags: ExplainLimitsFlags): Promise<number> {
  const explained = await explainWith(await Door.find(flags.door), { ...flags, path });
  process.stdout.write(flags.json ? `${JSON.stringify(explained)}\n` : textOf(explained));
  return 0;
}

function textOf({ route, observe, limits }: ExplainedRoute): string {
  if (route === null) return 'no route is for this request: nothing limits it\n';
  const head = `route ${route}${observe === true ? ' (observes: it refuses nothing)' : ''}\n`;
  if (limits.length === 0) return `${head}it has no limits\n`;
  const rows = limits.map((limit, index) => [String(index + 1), limit.limit, limit.algorithm, ...stateOf(limit)]);
  return head + columns([['', 'LIMIT', 'ALGORITHM', 'KEY', 'LEFT', 'NOW'], ...rows]);
}

function stateOf(limit: ExplainedRoute['limits'][number]): string[] {
  if (limit.byBody) return ['by the body', '', 'asked when the body has come'];
  const key = limit.missing > 0 ? `${limit.key} (${limit.missing} of its parts missing)` : (limit.key ?? '');
  if (limit.left === undefined) return [key, '', 'cannot be told: the table cannot be read'];
  const notes = [
    verdictOf(limit),
    ...(limit.scope === 'Global' ? ['then all Envoys are asked'] : []),
    ...(limit.shared === true ? ['shares the bucket of new keys'] : []),
  ];
  return [key, `${limit.left} of ${limit.of}`, notes.join('; ')];
}

function verdictOf({ admits, never, waitMs = 0, observe }: ExplainedRoute['limits'][number]): string {
  if (admits === true) return waitMs > 0 ? `lets in after ${seconds(waitMs)}` : 'lets in';
  const refusal = observe ? 'would refuse, and only observes' : 'refuses';
  return never === true ? `${refusal}, whenever it comes` : `${refusal} for ${seconds(waitMs)}`;
}

function seconds(ms: number): string {
  return ms < 1000 ? `${ms} ms` : `${(ms / 1000).toFixed(1)} s`;
}

function columns(rows: readonly (readonly string[])[]): string {
  const widths = rows[0]!.map((_, at) => Math.max(...rows.map((row) => row[at]!.length)));
  return rows
    .map(
      (row) =>
        `${row
          .map((cell, at) => cell.padEnd(widths[at]!))
          .join('  ')
          .trimEnd()}\n`,
    )
    .join('');
}
