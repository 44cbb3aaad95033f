// One text, one division: two messages whose parts differ must never have the same signed text, or whoever changes a
// message on the way could move characters, and whole fields, from one part to the next under one signature. Parts
// before one of them, the pivot, end where their constant first stands; parts behind it begin where theirs last stands.
// Facts that follow from the kind of a part are settled when the route is loaded. For the rest the text of each message
// is looked through: one that could be divided otherwise is refused.
import { Ascii } from '../memory/ascii';
import { Bytes, equalBytes } from '../memory/bytes';
import { SignaturePartKind, SignatureTimeFormat } from './config.gen';
import { Guard, Part } from './part';

const AMPERSAND: u32 = 38;
const EQUALS: u32 = 61;

/** Whether the part's length is that of the message. */
export function isOpen(kind: SignaturePartKind, time: SignatureTimeFormat): bool {
  if (kind == SignaturePartKind.Timestamp)
    return time == SignatureTimeFormat.UnixMillis || time == SignatureTimeFormat.UnixSeconds;
  return kind != SignaturePartKind.Constant && !isDigest(kind) && kind != SignaturePartKind.Status;
}

export function isDigest(kind: SignaturePartKind): bool {
  return (
    kind == SignaturePartKind.BodySm3Hex ||
    kind == SignaturePartKind.BodySm3Base64 ||
    kind == SignaturePartKind.BodySha256Hex ||
    kind == SignaturePartKind.BodySha256Base64
  );
}

function isList(kind: SignaturePartKind): bool {
  return (
    kind == SignaturePartKind.Fields || kind == SignaturePartKind.QueryFields || kind == SignaturePartKind.AllFields
  );
}

/** Whether a text of the kind may hold the byte. */
function mayHold(kind: SignaturePartKind, byte: u32): bool {
  switch (kind) {
    case SignaturePartKind.Timestamp:
      return byte - 48 < 10;
    case SignaturePartKind.Path:
      return byte > 32 && byte != Ascii.Delete && byte != Ascii.Question && byte != Ascii.Hash;
    case SignaturePartKind.Method:
    case SignaturePartKind.Query:
    case SignaturePartKind.PathAndQuery:
      return byte > 32 && byte != Ascii.Delete;
    case SignaturePartKind.Header:
    case SignaturePartKind.Nonce:
      return byte != 0 && byte != Ascii.LineFeed && byte != Ascii.CarriageReturn;
    default:
      return true;
  }
}

/**
 * Sets the guards of the parts. -1, or the index of a part that makes more than one division possible whatever the
 * messages are: an open part without a constant at its side, or a list of fields whose constant joins fields as well.
 */
export function guardParts(parts: StaticArray<Part>, time: SignatureTimeFormat): i32 {
  const pivot = pivotOf(parts, time);
  for (let i = 0; i < parts.length; i++) {
    const part = parts[i];
    if (i == pivot || !isOpen(part.kind, time)) continue;
    const before = i < pivot;
    const at = before ? i + 1 : i - 1;
    if (at < 0 || at >= parts.length || parts[at].kind != SignaturePartKind.Constant) return i;
    const mark = parts[at].text;
    const nearest = <u32>load<u8>(mark.pointer + (before ? 0 : mark.length - 1));
    if (isList(part.kind) && mark.length == 1 && (nearest == AMPERSAND || nearest == EQUALS)) return i;
    if (!mayHold(part.kind, nearest)) continue;
    part.guard = before ? Guard.End : Guard.Begin;
    part.mark = mark;
  }
  return -1;
}

/** The part that may hold anything: the body, else a list of fields, else the last one whose length is open. */
function pivotOf(parts: StaticArray<Part>, time: SignatureTimeFormat): i32 {
  let list = -1;
  let last = -1;
  for (let i = 0; i < parts.length; i++) {
    const kind = parts[i].kind;
    if (kind == SignaturePartKind.Body) return i;
    if (isList(kind)) list = i;
    if (isOpen(kind, time)) last = i;
  }
  return list >= 0 ? list : last;
}

/** Whether the part that is [`from`, `to`) of the text ends or begins at one place only. Linear. */
export function isOnePlace(part: Part, text: usize, from: u32, to: u32): bool {
  const mark: Bytes = part.mark;
  if (part.guard == Guard.End) return !stands(mark, text + from, text + to + mark.length - 1);
  if (part.guard == Guard.Begin) return !stands(mark, text + from - mark.length + 1, text + to);
  return true;
}

/** Whether the constant stands in [`from`, `end`). */
function stands(mark: Bytes, from: usize, end: usize): bool {
  const first = load<u8>(mark.pointer);
  for (; from + mark.length <= end; from++) {
    if (load<u8>(from) == first && equalBytes(from, mark.pointer, mark.length)) return true;
  }
  return false;
}
