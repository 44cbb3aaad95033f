// Wire profile fim-json: {"alg":"SM4-GCM","kid":"kms://path#3","iv":"…","ct":"…","tag":"…"} and, if the route sets one, "ctx":"…". iv, ct and
// tag are base64 (RFC 4648, 4, padded). Associated data: "fim-json\nSM4-GCM\n" kid "\n" context: nothing that changes when a route is renamed.
import { Sm4Gcm } from '../crypto/sm4-gcm';
import { IV_BYTES } from '../keys/key-version';
import { decodeBase64, encodeBase64 } from '../memory/base64';
import { Bytes } from '../memory/bytes';
import { scratch } from '../memory/scratch';
import { Writer } from '../memory/writer';
import { JsonDocument } from '../message/json/document';
import { FieldKind } from '../message/field-tree';

const TAG_BYTES: u32 = 16;
const BASE64_SLACK_BYTES: usize = 64;
const MAX_VERSION_DIGITS: u32 = 9;
/** Bytes of the fixed members of an envelope, with room to spare. */
const FRAME_BYTES: usize = 160;

const ALG: Bytes = Bytes.from('alg');
const KID: Bytes = Bytes.from('kid');
const IV: Bytes = Bytes.from('iv');
const CT: Bytes = Bytes.from('ct');
const TAG: Bytes = Bytes.from('tag');
const CTX: Bytes = Bytes.from('ctx');
const SM4_GCM: Bytes = Bytes.from('SM4-GCM');

/** Why an envelope cannot be opened: for counters, never for the sender. */
export const enum Opening {
  Done = 0,
  /** No fim-json envelope. */
  Malformed = 1,
  /** Of another key, algorithm or context. */
  Foreign = 2,
  /** The tag is wrong. */
  Forged = 3,
  /** No working memory. */
  NoMemory = 4,
}

const aad: Writer = new Writer(scratch);
const out: Writer = new Writer(scratch);

function writeAad(kid: usize, kidLength: u32, context: Bytes): void {
  aad.begin(64 + kidLength + context.length);
  aad.ascii('fim-json\nSM4-GCM\n');
  aad.bytes(kid, kidLength);
  aad.byte(10);
  aad.bytes(context.pointer, context.length);
}

function writeBase64(from: usize, length: u32): void {
  const to = out.reserve((<usize>length + 2) / 3 * 4 + BASE64_SLACK_BYTES);
  if (to != 0) out.advance(encodeBase64(from, length, to));
}

/**
 * Encrypts `length` bytes in place and frames them; the envelope is then at `sealedPointer` / `sealedLength` in scratch memory. False if
 * working memory is exhausted.
 */
export function seal(cipher: Sm4Gcm, kid: Bytes, context: Bytes, iv: usize, body: usize, length: u32): bool {
  const tag = scratch.allocate(TAG_BYTES);
  writeAad(kid.pointer, kid.length, context);
  if (tag == 0 || aad.overflowed) return false;
  cipher.encrypt(iv, IV_BYTES, aad.pointer, aad.length, body, body, length, tag);
  out.begin(((<usize>length + 2) / 3) * 4 + kid.length + context.length * 6 + FRAME_BYTES + 3 * BASE64_SLACK_BYTES);
  out.ascii('{"alg":"SM4-GCM","kid":"');
  out.bytes(kid.pointer, kid.length);
  out.ascii('","iv":"');
  writeBase64(iv, IV_BYTES);
  out.ascii('","ct":"');
  writeBase64(body, length);
  out.ascii('","tag":"');
  writeBase64(tag, TAG_BYTES);
  if (context.length > 0) {
    out.ascii('","ctx":"');
    out.jsonText(context.pointer, context.length);
  }
  out.ascii('"}');
  return !out.overflowed;
}

/** The last envelope that `seal` made. */
export function sealedPointer(): usize {
  return out.pointer;
}

export function sealedLength(): u32 {
  return out.length;
}

/** An envelope that was taken apart; addresses are in scratch memory or in the message. */
export class Envelope {
  version: u32 = 0;
  /** After `open`: the plaintext. */
  pointer: usize = 0;
  length: u32 = 0;
  private kid: usize = 0;
  private kidLength: u32 = 0;
  private iv: usize = 0;
  private tag: usize = 0;

  /** Reads the members: each exactly once, no other, and of the key `keyId` with the route's context. */
  read(document: JsonDocument, keyId: Bytes, context: Bytes): Opening {
    const root = document.root;
    if (document.kind(root) != FieldKind.Object) return Opening.Malformed;
    if (document.count(root) != (context.length > 0 ? 6 : 5)) return Opening.Malformed;
    if (!this.memberIs(document, ALG, SM4_GCM)) return Opening.Foreign;
    if (context.length > 0 && !this.memberIs(document, CTX, context)) return Opening.Foreign;
    const kid = document.member(root, KID.pointer, KID.length, KID.hash);
    if (kid == 0 || document.kind(kid) != FieldKind.String) return Opening.Malformed;
    this.kid = document.text(kid, scratch);
    this.kidLength = document.textLength;
    if (this.kid == 0) return Opening.NoMemory;
    if (!this.readVersion(keyId)) return Opening.Foreign;
    this.iv = this.decode(document, IV);
    if (this.iv == 0 || this.length != IV_BYTES) return Opening.Malformed;
    this.tag = this.decode(document, TAG);
    if (this.tag == 0 || this.length != TAG_BYTES) return Opening.Malformed;
    this.pointer = this.decode(document, CT);
    return this.pointer == 0 ? Opening.Malformed : Opening.Done;
  }

  private memberIs(document: JsonDocument, name: Bytes, value: Bytes): bool {
    const node = document.member(document.root, name.pointer, name.length, name.hash);
    if (node == 0 || document.kind(node) != FieldKind.String) return false;
    const text = document.text(node, scratch);
    return text != 0 && value.equals(text, document.textLength);
  }

  /** `keyId#version`, version in decimal without leading zeros. */
  private readVersion(keyId: Bytes): bool {
    const digits = this.kidLength - keyId.length - 1;
    if (this.kidLength < keyId.length + 2 || digits > MAX_VERSION_DIGITS) return false;
    if (!keyId.equals(this.kid, keyId.length) || load<u8>(this.kid + keyId.length) != 35) return false;
    const from = this.kid + keyId.length + 1;
    if (load<u8>(from) == 48) return false;
    let version: u32 = 0;
    for (let i: u32 = 0; i < digits; i++) {
      const digit = <u32>load<u8>(from + i) - 48;
      if (digit > 9) return false;
      version = version * 10 + digit;
    }
    this.version = version;
    return true;
  }

  /** The member's bytes, their number in `length`; 0 if it is no base64 string or memory is exhausted. */
  private decode(document: JsonDocument, name: Bytes): usize {
    const node = document.member(document.root, name.pointer, name.length, name.hash);
    if (node == 0 || document.kind(node) != FieldKind.String) return 0;
    const text = document.text(node, scratch);
    const length = document.textLength;
    if (text == 0) return 0;
    const bytes = scratch.allocate((<usize>length / 4) * 3 + BASE64_SLACK_BYTES);
    if (bytes == 0) return 0;
    const count = decodeBase64(text, length, bytes);
    this.length = count < 0 ? 0 : count;
    return count < 0 ? 0 : bytes;
  }

  /** Checks the tag and decrypts in place: `pointer` / `length` are then the plaintext. */
  open(cipher: Sm4Gcm, context: Bytes): Opening {
    writeAad(this.kid, this.kidLength, context);
    if (aad.overflowed) return Opening.NoMemory;
    const genuine = cipher.decrypt(this.iv, IV_BYTES, aad.pointer, aad.length, this.pointer, this.pointer, this.length, this.tag);
    return genuine ? Opening.Done : Opening.Forged;
  }
}
