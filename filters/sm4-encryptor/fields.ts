// Protects named values of a JSON message individually. A string replaces the value's JSON text, and everything else
// stays byte for byte.
import { KeyVerdict } from '../keys/key-holder';
import { KeyVersion } from '../keys/key-version';
import { scratch } from '../memory/scratch';
import { Span } from '../memory/span';
import { Writer } from '../memory/writer';
import { FieldMatches } from '../message/field-matches';
import { FieldKind } from '../message/field-tree';
import { JsonDocument } from '../message/json/document';
import { Exchange } from '../runtime/exchange';
import { openWith, opening as opened } from './message-keys';
import { Opening } from './opening';
import { Sm4Policy } from './policy';
import { Parts, Protection, WireProfile } from './protection';

const QUOTE: u8 = 34;

const matches: FieldMatches = new FieldMatches();
const inner: JsonDocument = new JsonDocument();
const parts: Parts = new Parts();
const out: Writer = new Writer(scratch);
/** The value at hand. Fields have no content type. */
const value: Span = new Span();
const NO_TYPE: Span = new Span();

/** Message with its values replaced, after `sealFields` or `openFields`. */
export function fieldsPointer(): usize {
  return out.pointer;
}

export function fieldsLength(): u32 {
  return out.length;
}

/** Number of values replaced in the last message. */
export let fieldCount: u32 = 0;

/** Result of protecting fields. */
export const enum Fields {
  Done = 0,
  /** More values than `limit`. */
  TooMany = 1,
  /** No memory or randomness. */
  Failed = 2,
}

/** Number of values that paths name, without those inside another one. `roomFor` receives their size in bytes. */
function count(document: JsonDocument, plan: Protection, profile: WireProfile): u32 {
  let done: u32 = 0;
  let found: u32 = 0;
  roomFor = 0;
  while (matches.next()) {
    const start = document.start(matches.node);
    if (matches.missing || start < done) continue;
    done = document.end(matches.node);
    roomFor += profile.room(plan, done - start);
    found++;
  }
  matches.rewind();
  return found;
}

let roomFor: usize = 0;

/** Replaces each value that the policy names with the profile's form of its JSON text. */
export function sealFields(sm4: Sm4Policy, key: KeyVersion, document: JsonDocument, length: u32): Fields {
  const fields = sm4.fields;
  if (fields == null || !fields.match(document, matches, scratch)) return Fields.Failed;
  const profile = sm4.profile;
  fieldCount = count(document, sm4.plan, profile);
  if (fieldCount > sm4.maxFields) return Fields.TooMany;
  const source = document.sourcePointer;
  let done: u32 = 0;
  out.begin(<usize>length + roomFor + 16);
  while (matches.next()) {
    const start = document.start(matches.node);
    if (matches.missing || start < done) continue;
    const end = document.end(matches.node);
    out.bytes(source + done, start - done);
    out.byte(QUOTE);
    value.set(source + start, end - start);
    if (!profile.seal(sm4.plan, key, NO_TYPE, value, out)) return Fields.Failed;
    out.byte(QUOTE);
    done = end;
  }
  out.bytes(source + done, length - done);
  return out.overflowed ? Fields.Failed : Fields.Done;
}

/** Key verdict that stopped `openFields`: Wait or Unavailable, else Genuine. */
export let keyVerdict: KeyVerdict = KeyVerdict.Genuine;

/**
 * Restores each named value. Every value that is present must be protected with the route's key and context.
 * `keyVerdict` tells whether to wait for a key.
 */
export function openFields(exchange: Exchange, sm4: Sm4Policy, document: JsonDocument, length: u32): Opening {
  keyVerdict = KeyVerdict.Genuine;
  const fields = sm4.fields;
  if (fields == null || !fields.match(document, matches, scratch)) return Opening.NoMemory;
  fieldCount = count(document, sm4.plan, sm4.profile);
  if (fieldCount > sm4.maxFields) return Opening.Malformed;
  const source = document.sourcePointer;
  let done: u32 = 0;
  out.begin(<usize>length + 16);
  while (matches.next()) {
    const node = matches.node;
    const start = document.start(node);
    if (matches.missing || start < done) continue;
    if (document.kind(node) != FieldKind.String) return Opening.Malformed;
    const text = document.text(node, scratch);
    if (text == 0) return Opening.NoMemory;
    const opening = openText(exchange, sm4, text, document.textLength);
    if (opening != Opening.Done) return opening;
    out.bytes(source + done, start - done);
    out.bytes(parts.text, parts.textLength);
    done = document.end(node);
  }
  out.bytes(source + done, length - done);
  return out.overflowed ? Opening.NoMemory : Opening.Done;
}

/** Opens one string. Its content must be a JSON text. */
function openText(exchange: Exchange, sm4: Sm4Policy, text: usize, length: u32): Opening {
  const opening = sm4.profile.read(sm4.plan, text, length, parts);
  if (opening != Opening.Done) return opening;
  const verdict = openWith(exchange, sm4, parts);
  if (verdict != KeyVerdict.Genuine) {
    if (verdict != KeyVerdict.Wrong || sm4.keys.key == null) keyVerdict = verdict;
    return opened;
  }
  if (opened != Opening.Done) return opened;
  return inner.parse(parts.text, parts.textLength, scratch) == 0 ? Opening.Done : Opening.Malformed;
}
