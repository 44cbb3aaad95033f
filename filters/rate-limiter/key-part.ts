// The parts of a limit's key. A request that lacks a part has the empty text there; so has one that gives a header,
// parameter or cookie twice, since servers differ in which of them counts.
import { Ascii } from '../memory/ascii';
import { ErrorId } from '../errors.gen';
import { FieldSet } from '../message/field-set';
import { FieldKind, FieldTree } from '../message/field-tree';
import { Bytes } from '../memory/bytes';
import { scratch } from '../memory/scratch';
import { sipText } from '../memory/siphash';
import { ConfigReader } from '../runtime/config-reader';
import { readClientFingerprint } from '../runtime/client-certificate';
import { Exchange } from '../runtime/exchange';
import { readProperty, resultLength, resultPointer } from '../runtime/host';
import { METHOD, PATH } from '../runtime/names';
import { addressGroup } from './address-group';
import { NamedAddresses, compileGroups, groupOf } from './address-ranges';
import { assumedLength, assumedPointer, assuming, isAssumed } from './assumed';
import { RateLimitKeyConfig, RateLimitKeySource } from './config.gen';
import { compileField, findField } from '../runtime/field-value';
import { canonicalKey, canonicalLength } from './key-text';
import { findCookie, findParameter, foundLength, foundPointer, leadingSegments } from './request-text';

const COOKIE: Bytes = Bytes.from('cookie');
const FORWARDED_FOR: Bytes = Bytes.from('x-forwarded-for');

/** Source of one part of a key. */
export class KeyPart {
  readonly source: RateLimitKeySource;
  readonly hops: u32;
  readonly ipv4Prefix: u32;
  readonly ipv6Prefix: u32;
  readonly segments: u32;

  /** `name`: of the header, parameter or cookie; path of the claim's property. */
  constructor(
    config: RateLimitKeyConfig,
    readonly name: Bytes,
    readonly field: FieldSet | null,
    readonly groups: StaticArray<NamedAddresses>,
  ) {
    this.source = config.source;
    this.hops = <u32>config.hops;
    this.ipv4Prefix = <u32>config.ipv4Prefix;
    this.ipv6Prefix = <u32>config.ipv6Prefix;
    this.segments = <u32>config.segments;
  }
}

/** On an error calls `reader.fail`. */
export function compileKeyPart(reader: ConfigReader, config: RateLimitKeyConfig): KeyPart {
  const source = config.source;
  let name = config.name;
  let field: FieldSet | null = null;
  if (source == RateLimitKeySource.Header) {
    name = config.header;
    if (name.length == 0) reader.missing(config.node, 'header');
  } else if (source == RateLimitKeySource.Field) {
    field = compileField(reader, config.node, config.field);
  } else if (
    (source == RateLimitKeySource.Query || source == RateLimitKeySource.Cookie || source == RateLimitKeySource.Claim) &&
    name.length == 0
  ) {
    reader.missing(config.node, 'name');
  }
  if (source == RateLimitKeySource.Claim) name = claimPath(config.payload, name);
  return new KeyPart(config, name, field, compileGroups(reader, config.groups));
}

/** Path of a property: what Envoy's JWT filter wrote of a token after it had verified it. */
function claimPath(payload: Bytes, claim: Bytes): Bytes {
  const text =
    'metadata\0filter_metadata\0envoy.filters.http.jwt_authn\0' +
    String.UTF8.decodeUnsafe(payload.pointer, payload.length) +
    '\0' +
    String.UTF8.decodeUnsafe(claim.pointer, claim.length);
  return Bytes.from(text);
}

let pointer: usize = 0;
let length: u32 = 0;

function found(at: usize, bytes: u32): void {
  pointer = at;
  length = bytes;
}

/** Text of the last part that was hashed. Valid until the next host call. */
export function hashedPointer(): usize {
  return pointer;
}

export function hashedLength(): u32 {
  return length;
}

/** Adds the part's text to the hash of the key. `tree`: the body, or null where it is not read. */
export function hashPart(exchange: Exchange, part: KeyPart, tree: FieldTree | null): void {
  found(0, 0);
  const name = part.name;
  const field = part.field;
  switch (part.source) {
    case RateLimitKeySource.Header:
      if (!exchange.hasTwice(name.pointer, name.length) && exchange.header(name.pointer, name.length))
        found(exchange.valuePointer, exchange.valueLength);
      break;
    case RateLimitKeySource.SourceAddress:
      findPeer(exchange);
      break;
    case RateLimitKeySource.Field:
      if (field != null) findText(tree, field);
      break;
    case RateLimitKeySource.ClientCertificate:
      if (assuming) findAssumed(part.source);
      else if (readClientFingerprint()) found(resultPointer(), resultLength());
      break;
    case RateLimitKeySource.Query:
      if (
        exchange.header(PATH.pointer, PATH.length) &&
        findParameter(exchange.valuePointer, exchange.valueLength, name)
      )
        found(foundPointer(), foundLength());
      break;
    case RateLimitKeySource.Cookie:
      findCookieText(exchange, name);
      break;
    case RateLimitKeySource.ClientAddress:
      findClient(exchange, part);
      break;
    case RateLimitKeySource.Claim:
      if (assuming) findAssumed(part.source);
      else if (readProperty(name.pointer, name.length)) found(resultPointer(), resultLength());
      break;
    case RateLimitKeySource.Method:
      if (exchange.header(METHOD.pointer, METHOD.length)) found(exchange.valuePointer, exchange.valueLength);
      break;
    case RateLimitKeySource.Path:
      if (exchange.header(PATH.pointer, PATH.length))
        found(exchange.valuePointer, leadingSegments(exchange.valuePointer, exchange.valueLength, part.segments));
      break;
  }
  sipText(pointer, length);
}

function findAssumed(source: RateLimitKeySource): void {
  if (isAssumed(source)) found(assumedPointer(), assumedLength());
}

function findPeer(exchange: Exchange): void {
  if (assuming) findAssumed(RateLimitKeySource.SourceAddress);
  else if (exchange.sourceAddress()) found(exchange.valuePointer, exchange.valueLength);
}

function findText(tree: FieldTree | null, field: FieldSet): void {
  const node = findField(tree, field);
  if (node == 0 || tree == null) return;
  const text = tree.text(node, scratch);
  if (text == 0) return;
  const key = canonicalKey(text, tree.textLength, tree.kind(node) == FieldKind.Number, scratch);
  if (key != 0) found(key, canonicalLength());
}

/** HTTP/2 may bring cookies in several headers (RFC 9113, 8.2.3). */
function findCookieText(exchange: Exchange, name: Bytes): void {
  let times: u32 = 0;
  let has = exchange.firstHeader(COOKIE.pointer, COOKIE.length);
  while (has) {
    const here = findCookie(exchange.valuePointer, exchange.valueLength, name);
    if (here == 1) found(foundPointer(), foundLength());
    times += here;
    has = exchange.nextHeader(COOKIE.pointer, COOKIE.length);
  }
  if (times != 1) found(0, 0);
}

/**
 * The client before `hops` trusted proxies, by the entries that they appended to `x-forwarded-for`; a request with
 * fewer entries did not pass them all, and its peer counts.
 */
function findClient(exchange: Exchange, part: KeyPart): void {
  findPeer(exchange);
  const peer = pointer;
  const peerLength = length;
  if (peerLength == 0) return;
  if (part.hops > 0 && exchange.header(FORWARDED_FOR.pointer, FORWARDED_FOR.length)) {
    const list = exchange.valuePointer;
    let end = list + exchange.valueLength;
    // This proxy appends its peer before the filters see the list, for one on its own machine the machine's address; a
    // sidecar appends nothing.
    if (isLoopback(peer, peerLength) || isEntry(list, end, peer, peerLength)) end = entryStart(list, end) - 1;
    for (let hop: u32 = 1; hop < part.hops && end > list; hop++) end = entryStart(list, end) - 1;
    if (end > list) {
      const start = trimmed(entryStart(list, end), end);
      if (start < end) found(start, <u32>(trimmedEnd(start, end) - start));
    }
  }
  const groups = part.groups;
  let named: NamedAddresses | null = null;
  if (groups.length != 0) named = groupOf(groups, pointer, length);
  if (named != null) {
    found(named.key.pointer, named.key.length);
    return;
  }
  const group = scratch.allocate(16);
  if (group == 0) return;
  const bytes = addressGroup(pointer, length, part.ipv4Prefix, part.ipv6Prefix, group);
  if (bytes != 0) found(group, bytes);
}

function entryStart(list: usize, end: usize): usize {
  while (end > list && load<u8>(end - 1) != Ascii.Comma) end--;
  return end;
}

function trimmed(start: usize, end: usize): usize {
  while (start < end && (load<u8>(start) == Ascii.Space || load<u8>(start) == Ascii.Tab)) start++;
  return start;
}

function trimmedEnd(start: usize, end: usize): usize {
  while (end > start && (load<u8>(end - 1) == Ascii.Space || load<u8>(end - 1) == Ascii.Tab)) end--;
  return end;
}

/** 127.0.0.0/8 or [::1], as the host writes them. */
function isLoopback(peer: usize, length: u32): bool {
  if (length >= 4 && load<u32>(peer) == 0x2e373231) return true;
  return length == 5 && load<u32>(peer) == 0x313a3a5b;
}

function isEntry(list: usize, end: usize, peer: usize, peerLength: u32): bool {
  const start = trimmed(entryStart(list, end), end);
  const bare = peerLength > 2 && load<u8>(peer) == Ascii.OpenBracket ? peer + 1 : peer; // without the brackets of IPv6
  const bareLength = bare == peer ? peerLength : peerLength - 2;
  return trimmedEnd(start, end) - start == bareLength && memory.compare(start, bare, bareLength) == 0;
}
