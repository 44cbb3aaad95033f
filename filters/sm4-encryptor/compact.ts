// Wire profile compact: five parts as of JWE's compact serialization (RFC 7516, 7.1), each base64url without padding,
// dots between them:
//   BASE64URL(header) . BASE64URL(wrapped key, or nothing) . BASE64URL(IV) . BASE64URL(ciphertext) . BASE64URL(tag)
//   header: {"alg":"dir","enc":"SM4-GCM","kid":"kms://path#3","typ":"fim"}, then "ctx" if the route has a context, then
//   "cty" if the plaintext is not application/json. Associated data: the characters of the first part, as in RFC 7516,
//   5.1, so it holds profile, algorithm, key and context.
import { KeyVersion } from '../keys/key-version';
import { BASE64_SLACK_BYTES } from '../memory/base64';
import { base64UrlLength, decodeBase64Url, encodeBase64Url } from '../memory/base64url';
import { Bytes } from '../memory/bytes';
import { scratch } from '../memory/scratch';
import { Span } from '../memory/span';
import { Writer } from '../memory/writer';
import { FieldKind } from '../message/field-tree';
import { JsonDocument } from '../message/json/document';
import { MAX_COMPACT_HEADER_BYTES } from '../limits';
import { versionOf } from './kid';
import { Opening } from './opening';
import { Encoding, Parts, Protection, WireProfile, ciphertext } from './protection';
import { FAILED, LONGEST_IV_BYTES, LONGEST_TAG_BYTES } from './suite';

const DOT: u8 = 46;

const ALG: Bytes = Bytes.from('alg');
const ENC: Bytes = Bytes.from('enc');
const KID: Bytes = Bytes.from('kid');
const TYP: Bytes = Bytes.from('typ');
const CTX: Bytes = Bytes.from('ctx');
const CTY: Bytes = Bytes.from('cty');
const FIM: Bytes = Bytes.from('fim');
/** `alg` of messages under a data key that the KMS wrapped. */
const KMS: Bytes = Bytes.from('kms');

const header: Writer = new Writer(scratch);
const document: JsonDocument = new JsonDocument();

function writeHeader(plan: Protection, key: KeyVersion, type: Span): void {
  const suite = plan.suite;
  header.begin(160 + key.kid.length + plan.context.length * 2 + type.length * 2);
  header.ascii('{"alg":"');
  const mode = key.wrapped.length > 0 ? KMS : suite.keyMode;
  header.bytes(mode.pointer, mode.length);
  header.ascii('","enc":"');
  header.bytes(suite.cipher.pointer, suite.cipher.length);
  header.ascii('","kid":"');
  header.bytes(key.kid.pointer, key.kid.length);
  header.ascii('","typ":"fim');
  if (plan.context.length > 0) {
    header.ascii('","ctx":"');
    header.jsonText(plan.context.pointer, plan.context.length);
  }
  if (type.length > 0) {
    header.ascii('","cty":"');
    header.jsonText(type.pointer, type.length);
  }
  header.ascii('"}');
}

function writePart(out: Writer, from: usize, length: u32): void {
  const to = out.reserve(<usize>base64UrlLength(length) + BASE64_SLACK_BYTES);
  if (to != 0) out.advance(encodeBase64Url(from, length, to));
}

export class Compact extends WireProfile {
  constructor() {
    super(Bytes.from('application/jose'), true, Encoding.Base64Url, true);
  }

  head(plan: Protection, key: KeyVersion, type: Span, iv: usize, out: Writer): bool {
    const suite = plan.suite;
    const before = out.length;
    writeHeader(plan, key, type);
    if (header.overflowed) return false;
    writePart(out, header.pointer, header.length);
    this.aadLength = out.length - before;
    out.byte(DOT);
    if (suite.wraps) writePart(out, suite.wrapped, suite.wrappedLength);
    else writePart(out, key.wrapped.pointer, key.wrapped.length);
    out.byte(DOT);
    writePart(out, iv, suite.ivBytes);
    out.byte(DOT);
    this.aad = out.pointer + before;
    return !out.overflowed;
  }

  tail(plan: Protection, type: Span, tag: usize, out: Writer): void {
    out.byte(DOT);
    writePart(out, tag, plan.suite.tagBytes);
  }

  seal(plan: Protection, key: KeyVersion, type: Span, text: Span, out: Writer): bool {
    const suite = plan.suite;
    const iv = scratch.allocate(LONGEST_IV_BYTES);
    const tag = scratch.allocate(LONGEST_TAG_BYTES);
    if (iv == 0 || tag == 0 || !suite.begin(key, plan.sm2Layout) || !suite.nextIv(key, iv)) return false;
    if (!this.head(plan, key, type, iv, out)) return false;
    const bytes = this.encrypt(suite, key, iv, text, tag);
    suite.end();
    if (bytes == FAILED) return false;
    writePart(out, ciphertext(), bytes);
    this.tail(plan, type, tag, out);
    return !out.overflowed;
  }

  read(plan: Protection, from: usize, length: u32, parts: Parts): Opening {
    parts.clear();
    const suite = plan.suite;
    let at = from;
    const end = from + length;
    const headerEnd = dotAfter(at, end);
    const keyEnd = dotAfter(headerEnd + 1, end);
    const ivEnd = dotAfter(keyEnd + 1, end);
    const textEnd = dotAfter(ivEnd + 1, end);
    if (textEnd >= end || dotAfter(textEnd + 1, end) != end) return Opening.Malformed;
    parts.aad = from;
    parts.aadLength = <u32>(headerEnd - from);
    const opening = readHeader(plan, from, parts.aadLength, parts);
    if (opening != Opening.Done) return opening;
    at = headerEnd + 1;
    parts.wrapped = decodePart(at, <u32>(keyEnd - at));
    parts.wrappedLength = decoded;
    if (parts.wrapped == 0 || (suite.wraps || memberIs(ALG, KMS)) != decoded > 0) return Opening.Malformed;
    at = keyEnd + 1;
    parts.iv = decodePart(at, <u32>(ivEnd - at));
    if (parts.iv == 0 || decoded != suite.ivBytes) return Opening.Malformed;
    at = textEnd + 1;
    parts.tag = decodePart(at, <u32>(end - at));
    if (parts.tag == 0 || decoded != suite.tagBytes) return Opening.Malformed;
    at = ivEnd + 1;
    parts.ciphertext = decodePart(at, <u32>(textEnd - at));
    parts.ciphertextLength = decoded;
    return parts.ciphertext == 0 ? Opening.Malformed : Opening.Done;
  }
}

/** Next dot from `at` on, or `end`. */
function dotAfter(at: usize, end: usize): usize {
  if (at >= end) return end;
  const dots = i8x16.splat(DOT);
  for (; at + 16 <= end; at += 16) {
    const found = i8x16.bitmask(i8x16.eq(v128.load(at), dots));
    if (found != 0) return at + ctz(found);
  }
  while (at < end && load<u8>(at) != DOT) at++;
  return at;
}

/** Reads the header. Each member occurs at most once, no other is allowed, and key and context must be the route's. */
function readHeader(plan: Protection, from: usize, length: u32, parts: Parts): Opening {
  if (length > MAX_COMPACT_HEADER_BYTES) return Opening.Malformed;
  const text = decodePart(from, length);
  if (text == 0 || document.parse(text, decoded, scratch) != 0 || document.kind(document.root) != FieldKind.Object)
    return Opening.Malformed;
  const type = document.member(document.root, CTY.pointer, CTY.length, CTY.hash);
  const members: u32 = 4 + u32(plan.context.length > 0) + u32(type != 0);
  if (document.count(document.root) != members) return Opening.Malformed;
  if (
    !memberIs(TYP, FIM) ||
    !(memberIs(ALG, plan.suite.keyMode) || (!plan.suite.wraps && memberIs(ALG, KMS))) ||
    !memberIs(ENC, plan.suite.cipher)
  )
    return Opening.Foreign;
  if (plan.context.length > 0 && !memberIs(CTX, plan.context)) return Opening.Foreign;
  if (
    type != 0 &&
    (document.kind(type) != FieldKind.String || !parts.takeType(document.text(type, scratch), document.textLength))
  )
    return Opening.Malformed;
  const kid = document.member(document.root, KID.pointer, KID.length, KID.hash);
  if (kid == 0 || document.kind(kid) != FieldKind.String) return Opening.Malformed;
  const name = document.text(kid, scratch);
  if (name == 0) return Opening.NoMemory;
  parts.version = versionOf(plan.keyId, name, document.textLength);
  return parts.version == 0 ? Opening.Foreign : Opening.Done;
}

function memberIs(name: Bytes, value: Bytes): bool {
  const node = document.member(document.root, name.pointer, name.length, name.hash);
  if (node == 0 || document.kind(node) != FieldKind.String) return false;
  const text = document.text(node, scratch);
  return text != 0 && value.equals(text, document.textLength);
}

/** Length of the last part that `decodePart` decoded, bytes. */
let decoded: u32 = 0;

/** Address of a part's bytes. 0 if it is no base64url or memory is exhausted. */
function decodePart(from: usize, length: u32): usize {
  decoded = 0;
  const bytes = scratch.allocate(<usize>length + BASE64_SLACK_BYTES);
  if (bytes == 0) return 0;
  const count = decodeBase64Url(from, length, bytes);
  if (count < 0) return 0;
  decoded = count;
  return bytes;
}
