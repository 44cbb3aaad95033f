// Wire profile fim-json: {"alg":"SM4-GCM","kid":"kms://path#3","iv":"…","ct":"…","tag":"…"}; `ek` after `kid` where SM2
// wraps the key, `edk` where the KMS does, then `ctx` if the route has a context, then `cty` if the plaintext is not
// application/json. ek, iv, ct, tag are base64 (RFC 4648, 4, padded). Associated data: "fim-json", alg, kid, context,
// and cty if it is there, with a line feed between each two: nothing in it changes when a route is renamed.
import { KeyVersion } from '../keys/key-version';
import { BASE64_SLACK_BYTES, base64Length, decodeBase64, encodeBase64 } from '../memory/base64';
import { Bytes } from '../memory/bytes';
import { scratch } from '../memory/scratch';
import { Span } from '../memory/span';
import { Writer } from '../memory/writer';
import { FieldKind } from '../message/field-tree';
import { JsonDocument } from '../message/json/document';
import { versionOf } from './kid';
import { Opening } from './opening';
import { Encoding, Parts, Protection, WireProfile, ciphertext } from './protection';
import { FAILED, LONGEST_IV_BYTES, LONGEST_TAG_BYTES } from './suite';

const ALG: Bytes = Bytes.from('alg');
const KID: Bytes = Bytes.from('kid');
const EDK: Bytes = Bytes.from('edk');
const EK: Bytes = Bytes.from('ek');
const IV: Bytes = Bytes.from('iv');
const CT: Bytes = Bytes.from('ct');
const TAG: Bytes = Bytes.from('tag');
const CTX: Bytes = Bytes.from('ctx');
const CTY: Bytes = Bytes.from('cty');

const aad: Writer = new Writer(scratch);
const document: JsonDocument = new JsonDocument();

function writeAad(plan: Protection, kid: usize, kidLength: u32, type: usize, typeLength: u32): void {
  aad.begin(64 + kidLength + plan.context.length + typeLength);
  aad.ascii('fim-json\n');
  aad.bytes(plan.suite.name.pointer, plan.suite.name.length);
  aad.byte(10);
  aad.bytes(kid, kidLength);
  aad.byte(10);
  aad.bytes(plan.context.pointer, plan.context.length);
  if (typeLength == 0) return;
  aad.byte(10);
  aad.bytes(type, typeLength);
}

/** Writes `","name":"` and the bytes in base64. */
function writeMember(out: Writer, name: string, from: usize, length: u32): void {
  out.ascii('","');
  out.ascii(name);
  out.ascii('":"');
  const to = out.reserve(<usize>base64Length(length) + BASE64_SLACK_BYTES);
  if (to != 0) out.advance(encodeBase64(from, length, to));
}

export class FimJson extends WireProfile {
  constructor() {
    super(Bytes.from('application/vnd.fim.encrypted+json'), false, Encoding.Base64, true);
  }

  head(plan: Protection, key: KeyVersion, type: Span, iv: usize, out: Writer): bool {
    const suite = plan.suite;
    writeAad(plan, key.kid.pointer, key.kid.length, type.pointer, type.length);
    this.aad = aad.pointer;
    this.aadLength = aad.length;
    out.ascii('{"alg":"');
    out.bytes(suite.name.pointer, suite.name.length);
    out.ascii('","kid":"');
    out.bytes(key.kid.pointer, key.kid.length);
    if (key.wrapped.length > 0) {
      out.ascii('","edk":"');
      out.jsonText(key.wrapped.pointer, key.wrapped.length);
    }
    if (suite.wraps) writeMember(out, 'ek', suite.wrapped, suite.wrappedLength);
    writeMember(out, 'iv', iv, suite.ivBytes);
    out.ascii('","ct":"');
    return !aad.overflowed && !out.overflowed;
  }

  tail(plan: Protection, type: Span, tag: usize, out: Writer): void {
    writeMember(out, 'tag', tag, plan.suite.tagBytes);
    if (plan.context.length > 0) {
      out.ascii('","ctx":"');
      out.jsonText(plan.context.pointer, plan.context.length);
    }
    if (type.length > 0) {
      out.ascii('","cty":"');
      out.jsonText(type.pointer, type.length);
    }
    out.ascii('"}');
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
    const to = out.reserve(<usize>base64Length(bytes) + BASE64_SLACK_BYTES);
    if (to != 0) out.advance(encodeBase64(ciphertext(), bytes, to));
    this.tail(plan, type, tag, out);
    return !out.overflowed;
  }

  /**
   * Reads the message. Each member occurs exactly once, no other is allowed, and key and context must be the route's.
   */
  read(plan: Protection, from: usize, length: u32, parts: Parts): Opening {
    parts.clear();
    if (document.parse(from, length, scratch) != 0) return Opening.Malformed;
    const suite = plan.suite;
    const root = document.root;
    if (document.kind(root) != FieldKind.Object) return Opening.Malformed;
    const type = document.member(root, CTY.pointer, CTY.length, CTY.hash);
    const dataKey = document.member(root, EDK.pointer, EDK.length, EDK.hash);
    const members: u32 = 5 + u32(suite.wraps) + u32(dataKey != 0) + u32(plan.context.length > 0) + u32(type != 0);
    if (document.count(root) != members) return Opening.Malformed;
    if (!memberIs(ALG, suite.name)) return Opening.Foreign;
    if (plan.context.length > 0 && !memberIs(CTX, plan.context)) return Opening.Foreign;
    if (
      type != 0 &&
      (document.kind(type) != FieldKind.String || !parts.takeType(document.text(type, scratch), document.textLength))
    )
      return Opening.Malformed;
    if (dataKey != 0 && (suite.wraps || document.kind(dataKey) != FieldKind.String)) return Opening.Malformed;
    if (dataKey != 0) {
      parts.wrapped = document.text(dataKey, scratch);
      parts.wrappedLength = document.textLength;
      if (parts.wrapped == 0 || parts.wrappedLength == 0) return Opening.Malformed;
    }
    const kid = document.member(root, KID.pointer, KID.length, KID.hash);
    if (kid == 0 || document.kind(kid) != FieldKind.String) return Opening.Malformed;
    const name = document.text(kid, scratch);
    const nameLength = document.textLength;
    if (name == 0) return Opening.NoMemory;
    parts.version = versionOf(plan.keyId, name, nameLength);
    if (parts.version == 0) return Opening.Foreign;
    writeAad(plan, name, nameLength, parts.type, parts.typeLength);
    parts.aad = aad.pointer;
    parts.aadLength = aad.length;
    return aad.overflowed ? Opening.NoMemory : readBinary(plan, parts);
  }
}

function readBinary(plan: Protection, parts: Parts): Opening {
  const suite = plan.suite;
  if (suite.wraps) {
    parts.wrapped = decodeMember(EK);
    parts.wrappedLength = decoded;
    if (parts.wrapped == 0) return Opening.Malformed;
  }
  parts.iv = decodeMember(IV);
  if (parts.iv == 0 || decoded != suite.ivBytes) return Opening.Malformed;
  parts.tag = decodeMember(TAG);
  if (parts.tag == 0 || decoded != suite.tagBytes) return Opening.Malformed;
  parts.ciphertext = decodeMember(CT);
  parts.ciphertextLength = decoded;
  return parts.ciphertext == 0 ? Opening.Malformed : Opening.Done;
}

function memberIs(name: Bytes, value: Bytes): bool {
  const node = document.member(document.root, name.pointer, name.length, name.hash);
  if (node == 0 || document.kind(node) != FieldKind.String) return false;
  const text = document.text(node, scratch);
  return text != 0 && value.equals(text, document.textLength);
}

/** Length of the last member that `decodeMember` decoded, bytes. */
let decoded: u32 = 0;

/** Address of the member's bytes. 0 if it is no base64 string or memory is exhausted. */
function decodeMember(name: Bytes): usize {
  decoded = 0;
  const node = document.member(document.root, name.pointer, name.length, name.hash);
  if (node == 0 || document.kind(node) != FieldKind.String) return 0;
  const text = document.text(node, scratch);
  const length = document.textLength;
  if (text == 0) return 0;
  const bytes = scratch.allocate((<usize>length / 4) * 3 + BASE64_SLACK_BYTES);
  if (bytes == 0) return 0;
  const count = decodeBase64(text, length, bytes);
  if (count < 0) return 0;
  decoded = count;
  return bytes;
}
