// Reads a batch: each line a record, judged by the schema, written so that it can break no line and no terminal.
import { isUtf8 } from 'node:buffer';
import { Ajv2020 } from 'ajv/dist/2020.js';
import { MAX_RECORD_DEPTH } from '../limits.ts';
import { hasEqualNames } from './equal-names.ts';
import { type AuditRecord, MAX_BATCH_BYTES, MAX_BATCH_RECORDS, MAX_RECORD_BYTES } from './record.gen.ts';
import SCHEMA from './record.schema.json' with { type: 'json' };
import { AuditRefusal } from './refusal.ts';

/** A record that may be stored: JSON on one line, without raw control and format characters. */
export interface ReadRecord {
  seq: number;
  kind: string;
  json: string;
}

export interface ReadBatch {
  source: string;
  /** In ascending order of their numbers, at least one. */
  records: ReadRecord[];
}

/** Headers of a batch. */
export interface BatchTerms {
  source?: string | undefined;
  first?: string | undefined;
  count?: string | undefined;
}

const isRecord = new Ajv2020({ strict: false, allErrors: false }).compile<AuditRecord>(SCHEMA);
const PRINTABLE = /^[\x20-\x7e]*$/;
/** Characters that may end a line or move a cursor, or that show text in another order than it has. */
const UNSEEN = /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/gu;

/** Error: AuditRefusal. */
export function readBatch(body: Buffer, terms: BatchTerms): ReadBatch {
  if (body.length > MAX_BATCH_BYTES) throw new AuditRefusal('FIM-AUD-0004', `${body.length} bytes`);
  if (!isUtf8(body)) throw new AuditRefusal('FIM-AUD-0001', 'the batch is not UTF-8');
  const lines = body.toString('utf8').split('\n');
  if (lines.at(-1) === '') lines.pop();
  if (lines.length === 0) throw new AuditRefusal('FIM-AUD-0003', 'the batch is empty');
  if (lines.length > MAX_BATCH_RECORDS) throw new AuditRefusal('FIM-AUD-0004', `${lines.length} records`);
  let source: string | undefined;
  let before = 0;
  const records = lines.map((line, at) => {
    const { record, json } = readRecord(line, at);
    source ??= record.source;
    if (record.source !== source)
      throw new AuditRefusal('FIM-AUD-0003', 'a batch has records of one source', record.seq);
    if (record.seq <= before) throw new AuditRefusal('FIM-AUD-0003', 'numbers ascend within a batch', record.seq);
    before = record.seq;
    return { seq: record.seq, kind: record.kind, json };
  });
  mustFit({ source: source!, records }, terms);
  return { source: source!, records };
}

function mustFit({ source, records }: ReadBatch, terms: BatchTerms): void {
  const differs = (named: string | undefined, is: string | number): boolean =>
    named !== undefined && named !== String(is);
  if (differs(terms.source, source)) throw new AuditRefusal('FIM-AUD-0003', 'the header names another source');
  if (differs(terms.first, records[0]!.seq))
    throw new AuditRefusal('FIM-AUD-0003', 'the header names another first number');
  if (differs(terms.count, records.length))
    throw new AuditRefusal('FIM-AUD-0003', `the header names another count than ${records.length}`);
}

/** Error: AuditRefusal; `at` is the place in the batch. */
export function readRecord(line: string, at = 0): { record: AuditRecord; json: string } {
  const where = `line ${at + 1}`;
  // A character takes three bytes at most.
  if (line.length * 3 > MAX_RECORD_BYTES && Buffer.byteLength(line) > MAX_RECORD_BYTES)
    throw new AuditRefusal('FIM-AUD-0002', `${where} has more than ${MAX_RECORD_BYTES} bytes`);
  let record: unknown;
  try {
    record = JSON.parse(line);
  } catch {
    throw new AuditRefusal('FIM-AUD-0001', `${where} is not JSON`);
  }
  if (!isRecord(record)) {
    // The place in the schema has only names of ours; that in the record may have others.
    const [problem] = isRecord.errors ?? [];
    throw new AuditRefusal('FIM-AUD-0001', `${where} does not match ${problem?.schemaPath ?? '#'}`, seqOf(record));
  }
  // What JSON.stringify writes again as it was has no name twice.
  if (JSON.stringify(record) !== line && hasEqualNames(line))
    throw new AuditRefusal('FIM-AUD-0001', `${where} has a name twice in one object`, record.seq);
  if (opens(line) > MAX_RECORD_DEPTH && depthOf(record) > MAX_RECORD_DEPTH)
    throw new AuditRefusal('FIM-AUD-0001', `${where} is nested deeper than ${MAX_RECORD_DEPTH}`, record.seq);
  return { record, json: singleLine(line) };
}

function seqOf(record: unknown): number | undefined {
  const seq = (record as { seq?: unknown } | null)?.seq;
  return typeof seq === 'number' && Number.isSafeInteger(seq) ? seq : undefined;
}

/** How many objects and lists begin at most: most records have fewer than may be nested. */
function opens(line: string): number {
  let count = 0;
  for (let at = line.indexOf('{'); at >= 0; at = line.indexOf('{', at + 1)) count++;
  for (let at = line.indexOf('['); at >= 0; at = line.indexOf('[', at + 1)) count++;
  return count;
}

function depthOf(value: unknown): number {
  if (typeof value !== 'object' || value === null) return 0;
  let deepest = 0;
  for (const child of Object.values(value)) {
    if (typeof child !== 'object' || child === null) continue;
    deepest = Math.max(deepest, depthOf(child));
    if (deepest > MAX_RECORD_DEPTH) break;
  }
  return deepest + 1;
}

/** Valid JSON with the same meaning in which characters that are not seen are written as escapes. */
export function singleLine(json: string): string {
  if (PRINTABLE.test(json)) return json;
  // Between values only blanks are valid, and there they mean nothing.
  return json.replaceAll(UNSEEN, (character) => (character === '\t' || character === '\r' ? ' ' : escapeOf(character)));
}

/** `\uXXXX` for each code unit. */
export function escapeOf(character: string): string {
  let escaped = '';
  for (let i = 0; i < character.length; i++) escaped += `\\u${character.charCodeAt(i).toString(16).padStart(4, '0')}`;
  return escaped;
}
