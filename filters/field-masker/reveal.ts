// Decides who sees what: callers by a claim of a token that the proxy verified, by their certificate, or by a header
// that the route says another proxy sets. Whoever meets no rule sees the least.
import { Bytes } from '../memory/bytes';
import { readClientFingerprint, readClientSubject } from '../runtime/client-certificate';
import { ConfigReader } from '../runtime/config-reader';
import { Direction } from '../runtime/direction';
import { ErrorId } from '../errors.gen';
import { Exchange } from '../runtime/exchange';
import { readProperty, resultLength, resultPointer } from '../runtime/host';
import { MaskClass, MaskReveal, RevealSource } from './config.gen';
import { KIND_CLASS, KIND_COUNT } from './kinds.gen';

const JWT: Bytes = Bytes.from('metadata\0filter_metadata\0envoy.filters.http.jwt_authn\0');
const SUBJECT: Bytes = Bytes.from('subject');
const FINGERPRINT: Bytes = Bytes.from('fingerprint');
/** Bits of classes stand behind those of the kinds. */
const FIRST_CLASS_BIT: u64 = 61;
const COMMA: u8 = 44;
const BLANK: u8 = 32;
/** Of lists as Envoy hands them over: bytes of the number of items, and of the lengths of each. */
const PAIR_COUNT_BYTES: u32 = 4;
const PAIR_LENGTHS_BYTES: u32 = 8;

/** One compiled rule. */
class Role {
  constructor(
    readonly source: RevealSource,
    readonly name: Bytes,
    readonly values: StaticArray<Bytes>,
    readonly kinds: u64,
  ) {}

  /** Whether the text is one of the values. */
  lists(pointer: usize, length: u32): bool {
    for (let i = 0; i < this.values.length; i++) if (unchecked(this.values[i]).equals(pointer, length)) return true;
    return false;
  }
}

/** Bit of what a house's detectors of a class find, beside those of the kinds. */
export function houseBit(name: MaskClass): u64 {
  return (<u64>1) << (FIRST_CLASS_BIT + <u64>name);
}

/** Kinds of a class, as bits. */
function kindsOf(name: MaskClass): u64 {
  let kinds = houseBit(name);
  for (let kind: u32 = 0; kind < KIND_COUNT; kind++)
    if (load<u8>(KIND_CLASS + kind) == <u8>name + 1) kinds |= (<u64>1) << kind;
  return kinds;
}

/** Rules of a route. Immutable. */
export class Roles {
  private readonly roles: Role[] = [];
  /** Whether a request's headers count, which are gone when its response comes. */
  byHeader: bool = false;

  constructor(reader: ConfigReader, rules: StaticArray<MaskReveal>) {
    for (let i = 0; i < rules.length; i++) {
      const rule = rules[i];
      if (rule.values.length == 0 || rule.kinds.length + rule.classes.length == 0)
        reader.fail(ErrorId.FIM_MASK_0007, rule.node);
      let kinds: u64 = 0;
      for (let k = 0; k < rule.kinds.length; k++) kinds |= (<u64>1) << (<u64>rule.kinds[k]);
      for (let k = 0; k < rule.classes.length; k++) kinds |= kindsOf(rule.classes[k]);
      let name = rule.name;
      if (rule.source == RevealSource.Claim) name = claimPath(rule.name);
      else if (rule.source == RevealSource.Header) this.byHeader = true;
      else if (!isPart(rule.name, SUBJECT) && !isPart(rule.name, FINGERPRINT))
        reader.failMember(ErrorId.FIM_MASK_0007, rule.node, 'name');
      this.roles.push(new Role(rule.source, name, rule.values, kinds));
    }
  }

  get any(): bool {
    return this.roles.length != 0;
  }

  /** Kinds that the caller sees, as bits. `kept`: what the request's headers said, in the response. */
  revealed(exchange: Exchange, kept: u64): u64 {
    let kinds = exchange.direction == Direction.Response ? kept : 0;
    for (let i = 0; i < this.roles.length; i++) {
      const role = unchecked(this.roles[i]);
      if ((role.kinds & ~kinds) != 0 && meets(exchange, role)) kinds |= role.kinds;
    }
    return kinds;
  }
}

function meets(exchange: Exchange, role: Role): bool {
  switch (role.source) {
    case RevealSource.Header: {
      const name = role.name;
      if (exchange.direction == Direction.Response || !exchange.header(name.pointer, name.length)) return false;
      // A header that came twice is nobody's, nor is a list: one of them, or a part of it, may be the client's own.
      const pointer = exchange.valuePointer;
      const length = exchange.valueLength;
      return !exchange.hasTwice(name.pointer, name.length) && role.lists(pointer, length);
    }
    case RevealSource.Certificate: {
      const found = isPart(role.name, SUBJECT) ? readClientSubject() : readClientFingerprint();
      return found && role.lists(resultPointer(), resultLength());
    }
  }
  if (!readProperty(role.name.pointer, role.name.length)) return false;
  const pointer = resultPointer();
  const length = resultLength();
  return holds(role, pointer, length) || holdsItem(role, pointer, length);
}

/** Whether the text is one of the values, or a list by commas or blanks that has one. */
function holds(role: Role, pointer: usize, length: u32): bool {
  if (role.lists(pointer, length)) return true;
  const end = pointer + length;
  let at = pointer;
  while (at < end) {
    let stop = at;
    while (stop < end && load<u8>(stop) != COMMA && load<u8>(stop) != BLANK) stop++;
    if (stop > at && role.lists(at, <u32>(stop - at))) return true;
    at = stop + 1;
  }
  return false;
}

/**
 * Whether a list of the token has one of the values. Envoy hands lists over as pairs of an item and nothing: their
 * number, the lengths of both of each, then the bytes of both with a zero behind each.
 */
function holdsItem(role: Role, pointer: usize, length: u32): bool {
  if (length < PAIR_COUNT_BYTES) return false;
  const count = load<u32>(pointer);
  if (count > (length - PAIR_COUNT_BYTES) / (PAIR_LENGTHS_BYTES + 2)) return false;
  let at = PAIR_COUNT_BYTES + count * PAIR_LENGTHS_BYTES;
  for (let i: u32 = 0; i < count; i++) {
    const lengths = pointer + PAIR_COUNT_BYTES + i * PAIR_LENGTHS_BYTES;
    const item = load<u32>(lengths);
    if (load<u32>(lengths, 4) != 0 || at + 2 > length || item > length - at - 2) return false;
    if (role.lists(pointer + at, item)) return true;
    at += item + 2;
  }
  return false;
}

/** Property of a claim. `name`: place of the payload in the proxy's metadata, and the claim's path, by line feeds. */
function claimPath(name: Bytes): Bytes {
  const text = String.UTF8.decodeUnsafe(JWT.pointer, JWT.length) + String.UTF8.decodeUnsafe(name.pointer, name.length);
  return Bytes.from(text.split('\n').join('\0'));
}

function isPart(name: Bytes, part: Bytes): bool {
  return part.equals(name.pointer, name.length);
}
