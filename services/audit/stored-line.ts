// A line of a segment: {"n":12,"at":"2026-11-30T08:00:00.000Z","prev":"<64 hex>","r":{the record}}
// `n` counts from 0 over the whole log; `at` is the collector's clock; `prev` is the hash of the line before. A line
// without its end is a leaf of the tree: its hash binds the record, its place and all that came before.

/** Hash before the first line. */
export const NO_HASH = '0'.repeat(64);

const HEAD = /^\{"n":(0|[1-9]\d{0,15}),"at":"(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z)","prev":"([0-9a-f]{64})","r":/;
const HEAD_BYTES = 400;
/** A record of a message as writers put its members. */
const MESSAGE =
  /"r":\{"v":1,"event_id":"[0-9a-f-]{36}","op_time":"[0-9TZ.:-]{30}","kind":"message","source":"([0-9a-f]{32})","seq":([1-9]\d{0,15})[,}]/y;
const BRACE = 0x7d;
/** Between the frame and the record. */
const RECORD = '"r":';

/** Where a line's parts are. */
export interface StoredLine {
  index: number;
  /** RFC 3339, milliseconds, UTC. */
  at: string;
  prev: string;
  /** The record's bytes within the line. */
  from: number;
  to: number;
  /** Source and number, where they stand at the usual place of a message. */
  message?: { source: string; seq: number };
}

/** The bytes of a line, without its end. `record` is JSON on one line. */
export function writeLine(index: number, at: string, prev: string, record: string): Buffer {
  return Buffer.from(`{"n":${index},"at":"${at}","prev":"${prev}","r":${record}}`);
}

/** Reads the frame of a line that has no line end. The record itself is not looked at. Null: not such a line. */
export function readLine(line: Buffer): StoredLine | null {
  const head = line.toString('latin1', 0, HEAD_BYTES);
  const found = HEAD.exec(head);
  if (found === null || line.at(-1) !== BRACE) return null;
  const from = found[0].length;
  const stored = { index: Number(found[1]), at: found[2]!, prev: found[3]!, from, to: line.length - 1 };
  MESSAGE.lastIndex = from - RECORD.length;
  const message = MESSAGE.exec(head);
  return message === null ? stored : { ...stored, message: { source: message[1]!, seq: Number(message[2]) } };
}

/**
 * Parts of a record that a reader of many lines needs: a message is not parsed whole if its members stand as writers put
 * them. What else is in the line is bound by its hash. Null: it is no JSON object.
 */
export function factsOf(line: Buffer, stored: StoredLine): Record<string, unknown> | null {
  return stored.message === undefined ? recordOf(line, stored) : { ...stored.message, kind: 'message' };
}

/** The record of a line. Null: it is no JSON object. */
export function recordOf(line: Buffer, { from, to }: StoredLine): Record<string, unknown> | null {
  try {
    const value: unknown = JSON.parse(line.toString('utf8', from, to));
    return typeof value === 'object' && value !== null && !Array.isArray(value)
      ? (value as Record<string, unknown>)
      : null;
  } catch {
    return null;
  }
}
