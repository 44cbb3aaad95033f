// `fim audit show`, `grep`, `export` and `prove`: records for people and for other programs.
import { openSync, writeFileSync } from 'node:fs';
import { stringify } from 'csv-stringify/sync';
import { CodedError, messageOf } from '../../envoy/standalone/coded-error.ts';
import { eachRecord, type StoredRecord } from '../../services/audit/log-reader.ts';
import { proveInclusion } from '../../services/audit/proof.ts';
import { singleLine } from '../../services/audit/record-reader.ts';
import { fastDigests } from './audit-digests.ts';
import { logFolder } from './audit-folder.ts';
import { checkpointKeys } from './audit-keys.ts';

export interface AuditFilterFlags {
  kind?: string;
  source?: string;
  route?: string;
  subject?: string;
  code?: string;
  from?: string;
  to?: string;
  limit?: string;
  json?: boolean;
}

export interface AuditExportFlags extends AuditFilterFlags {
  format: string;
  output?: string;
}

/** Members that are columns, in this order; what else a record has is one more, as JSON. */
const COLUMNS = [
  'event_id',
  'op_time',
  'kind',
  'source',
  'seq',
  'subject_id',
  'subject_from',
  'route',
  'generation',
  'lane',
  'method',
  'path',
  'verdict',
  'code',
  'status',
  'direction',
  'channel',
  'trace_id',
  'txn_id',
  'why',
] as const;

const CHUNK_ROWS = 1_000;

/** A text that moves no cursor and ends no line. */
export function printable(value: unknown): string {
  if (value === undefined || value === null) return '';
  if (typeof value !== 'string') return singleLine(JSON.stringify(value));
  return singleLine(JSON.stringify(value)).slice(1, -1).replaceAll('\\"', '"');
}

/** Whether a record is wanted. Error: FIM-UP-0020. */
function filterOf(flags: AuditFilterFlags): (record: Record<string, unknown>) => boolean {
  for (const name of ['from', 'to'] as const)
    if (flags[name] !== undefined && !/^\d{4}-\d\d-\d\d(T[\d:.]+Z)?$/.test(flags[name]))
      throw new CodedError('FIM-UP-0020', `--${name} is a day or a time in UTC: 2026-11-30 or 2026-11-30T08:00:00Z`);
  const equal: [string, string | undefined][] = [
    ['kind', flags.kind],
    ['source', flags.source],
    ['route', flags.route],
    ['subject_id', flags.subject],
    ['code', flags.code],
  ];
  const wanted = equal.filter(([, value]) => value !== undefined);
  return (record) => {
    const time = String(record['op_time']);
    if (flags.from !== undefined && time < flags.from) return false;
    if (flags.to !== undefined && time.slice(0, flags.to.length) > flags.to) return false;
    return wanted.every(([name, value]) => record[name] === value);
  };
}

function limitOf({ limit }: AuditFilterFlags): number {
  if (limit !== undefined && !/^[1-9]\d{0,11}$/.test(limit)) throw new CodedError('FIM-UP-0020', '--limit is a number');
  return limit === undefined ? Number.POSITIVE_INFINITY : Number(limit);
}

function rowOf({ index, record }: StoredRecord): string {
  const { op_time, kind, route, method, path, verdict, code, status, subject_id, event_id } = record;
  const parts = [
    op_time,
    index,
    kind,
    verdict ?? record['why'],
    code,
    status,
    route,
    method,
    path,
    subject_id,
    event_id,
  ];
  return parts
    .map(printable)
    .filter((part) => part !== '')
    .join('  ');
}

/** Prints records; with `text` those that have it anywhere in their JSON. Exit status 1 if there is none. */
export function showAudit(named: string | undefined, flags: AuditFilterFlags, text?: string): number {
  const folder = logFolder(named);
  const isWanted = filterOf(flags);
  const most = limitOf(flags);
  let shown = 0;
  eachRecord(folder, (stored) => {
    if (!isWanted(stored.record)) return true;
    const json = singleLine(JSON.stringify(stored.record));
    if (text !== undefined && !json.includes(text)) return true;
    process.stdout.write(`${flags.json === true ? json : rowOf(stored)}\n`);
    return ++shown < most;
  });
  return shown > 0 ? 0 : 1;
}

function cellsOf({ index, at, record }: StoredRecord): (string | number)[] {
  const known = new Set<string>(COLUMNS);
  const more = Object.fromEntries(Object.entries(record).filter(([name]) => !known.has(name)));
  return [index, at, ...COLUMNS.map((name) => printable(record[name])), singleLine(JSON.stringify(more))];
}

/** Where an export goes: standard output, or a file that is not there yet. Error: FIM-UP-0020. */
function sinkOf(output: string | undefined): (text: string) => void {
  if (output === undefined) return (text) => void process.stdout.write(text);
  try {
    const file = openSync(output, 'wx', 0o600);
    return (text) => writeFileSync(file, text);
  } catch (error) {
    throw new CodedError('FIM-UP-0020', `--output: ${messageOf(error)}`);
  }
}

/** Writes records as JSON lines or CSV. */
export function exportAudit(named: string | undefined, flags: AuditExportFlags): number {
  const folder = logFolder(named);
  if (flags.format !== 'jsonl' && flags.format !== 'csv')
    throw new CodedError('FIM-UP-0020', '--format is jsonl or csv');
  const isWanted = filterOf(flags);
  const most = limitOf(flags);
  const write = sinkOf(flags.output);
  // A cell that begins like a formula gets an apostrophe before it.
  const writeRows = (rows: (string | number)[][]): void =>
    write(stringify(rows, { escape_formulas: true, record_delimiter: 'windows' }));
  const isCsv = flags.format === 'csv';
  if (isCsv) writeRows([['n', 'at', ...COLUMNS, 'more']]);
  const rows: (string | number)[][] = [];
  let count = 0;
  eachRecord(folder, (stored) => {
    if (!isWanted(stored.record)) return true;
    if (isCsv) rows.push(cellsOf(stored));
    else write(`${singleLine(JSON.stringify(stored.record))}\n`);
    if (rows.length >= CHUNK_ROWS) writeRows(rows.splice(0));
    return ++count < most;
  });
  if (rows.length > 0) writeRows(rows);
  return 0;
}

/** Writes a proof that a record is in the log. */
export async function proveAudit(
  named: string | undefined,
  event: string,
  flags: { key?: string; output?: string },
): Promise<number> {
  const folder = logFolder(named);
  const proof = proveInclusion(folder, event, {
    digests: await fastDigests(),
    keys: checkpointKeys(folder, flags.key),
  });
  const text = `${JSON.stringify(proof, null, 2)}\n`;
  if (flags.output === undefined) process.stdout.write(text);
  else writeFileSync(flags.output, text);
  return 0;
}
