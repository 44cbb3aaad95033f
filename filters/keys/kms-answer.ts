// The KMS's answers. Members that are not named here are ignored: Vault and OpenBao send more. Every text that held a
// key is overwritten.
//
//   KV version 2 read
//   {"data":{"data":{"algorithm":"SM4","material":"<base64>"},"metadata":{"version":3,"deletion_time":"","destroyed":false}}}
//   transit data key       {"data":{"plaintext":"<base64>","ciphertext":"vault:v3:…"}}
//   transit decrypt        {"data":{"plaintext":"<base64>"}}
import { Ascii } from '../memory/ascii';
import { wipe } from '../crypto/constant-time';
import { hasPem, withoutSpace } from '../crypto/pem';
import { MAX_KEY_FILE_BYTES, MAX_WRAPPED_KEY_BYTES } from '../limits';
import { Bytes } from '../memory/bytes';
import { decodeBase64 } from '../memory/base64';
import { decodeHex } from '../memory/hex';
import { scratch } from '../memory/scratch';
import { FieldKind } from '../message/field-tree';
import { JsonDocument } from '../message/json/document';
import { KeyAlgorithm, algorithmNamed, isEncoded, takesLength } from './key-algorithm';
import { NO_TIME, parseTimestamp } from './timestamp';

const MAX_VERSION_DIGITS: u32 = 9;
const COLON: u8 = 58;

const DATA: Bytes = Bytes.from('data');
const ERRORS: Bytes = Bytes.from('errors');
const METADATA: Bytes = Bytes.from('metadata');
const CUSTOM_METADATA: Bytes = Bytes.from('custom_metadata');
const ALGORITHM: Bytes = Bytes.from('algorithm');
const MATERIAL: Bytes = Bytes.from('material');
const EXPIRES: Bytes = Bytes.from('expires');
const VERSION: Bytes = Bytes.from('version');
const DESTROYED: Bytes = Bytes.from('destroyed');
const DELETION_TIME: Bytes = Bytes.from('deletion_time');
const CREATED_TIME: Bytes = Bytes.from('created_time');
const ENCODING: Bytes = Bytes.from('encoding');
const BASE64: Bytes = Bytes.from('base64');
const HEX: Bytes = Bytes.from('hex');
const LEASE_DURATION: Bytes = Bytes.from('lease_duration');
const PLAINTEXT: Bytes = Bytes.from('plaintext');
const CIPHERTEXT: Bytes = Bytes.from('ciphertext');
/** Prefix of transit ciphertexts, also of OpenBao. The key's version follows. */
const VAULT_V: Bytes = Bytes.from('vault:v');

/** Content of a response. */
export const enum AnswerKind {
  /** Unreadable. */
  Unreadable = 0,
  /** A key. */
  Key = 1,
  /** The version is deleted or destroyed: its number is known, but its key is gone. */
  Gone = 2,
  /** A key that has expired. It was not read. */
  Expired = 3,
}

/** Encoding of the material. */
const enum Encoding {
  /** Base64, unless it could also be hexadecimal. */
  NotSaid = 0,
  Base64 = 1,
  Hex = 2,
}

/** Marks a text that must be a time and is none. */
const MALFORMED: i64 = i64.MAX_VALUE;

const document: JsonDocument = new JsonDocument();

/** Content of a response. The key is in scratch memory until `wipe`. */
export class KmsAnswer {
  algorithm: KeyAlgorithm = KeyAlgorithm.Unknown;
  /** Address and length of the key. */
  material: usize = 0;
  materialLength: u32 = 0;
  version: u32 = 0;
  /** Whether it is a list of errors, as the KMS sends with refusals. A page of a proxy or web server is none. */
  refuses: bool = false;
  /** Number of errors in the list. */
  errors: u32 = 0;
  /** Wall-clock time of creation, milliseconds since 1970. NO_TIME if unknown. */
  madeAt: i64 = NO_TIME;
  /** Wall-clock time of expiry, milliseconds since 1970. NO_TIME if there is none. */
  expiresAt: i64 = NO_TIME;
  /** Transit: the data key as encrypted by the KMS, in the document's memory or in scratch memory. */
  wrapped: usize = 0;
  wrappedLength: u32 = 0;
  private allocated: u32 = 0;
  private found: usize = 0;
  private foundLength: u32 = 0;
  private deleted: bool = false;
  private encoding: Encoding = Encoding.NotSaid;

  /** Reads a KV version 2 response. One with status 404 may still name the missing version. `nowMs`: wall clock. */
  readStored(body: usize, length: u32, nowMs: i64): AnswerKind {
    this.begin();
    if (!this.parse(body, length)) return AnswerKind.Unreadable;
    const outer = member(document.root, DATA);
    const data = member(outer, DATA);
    const metadata = member(outer, METADATA);
    const custom = member(metadata, CUSTOM_METADATA);
    this.version = integer(member(metadata, VERSION));
    if (this.version == 0) return AnswerKind.Unreadable;
    if (!this.readEnd(data, metadata, custom, nowMs)) return AnswerKind.Unreadable;
    const destroyed = member(metadata, DESTROYED);
    if (this.deleted || (destroyed != 0 && document.kind(destroyed) == FieldKind.True)) return AnswerKind.Gone;
    if (this.expiresAt != NO_TIME && this.expiresAt <= nowMs) return AnswerKind.Expired;
    let named = member(data, ALGORITHM);
    if (named == 0) named = member(custom, ALGORITHM);
    if (!this.text(named)) return AnswerKind.Unreadable;
    this.algorithm = algorithmNamed(this.found, this.foundLength);
    const made = this.timeOf(member(metadata, CREATED_TIME));
    this.madeAt = made == MALFORMED ? NO_TIME : made;
    let encoding = member(data, ENCODING);
    if (encoding == 0) encoding = member(custom, ENCODING);
    if (encoding != 0 && !this.readEncoding(encoding)) return AnswerKind.Unreadable;
    return this.readMaterial(member(data, MATERIAL)) ? AnswerKind.Key : AnswerKind.Unreadable;
  }

  /**
   * Reads a transit response. `issued`: a new data key with its wrapped form; otherwise an unwrapped one. The length
   * distinguishes SM4 from AES-256.
   */
  readTransit(body: usize, length: u32, issued: bool): AnswerKind {
    this.begin();
    if (!this.parse(body, length)) return AnswerKind.Unreadable;
    this.encoding = Encoding.Base64;
    const data = member(document.root, DATA);
    if (issued) {
      if (!this.text(member(data, CIPHERTEXT))) return AnswerKind.Unreadable;
      this.wrapped = this.found;
      this.wrappedLength = this.foundLength;
      this.version = wrappedVersion(this.wrapped, this.wrappedLength);
      if (!isWrapped(this.wrapped, this.wrappedLength)) return AnswerKind.Unreadable;
    }
    const plaintext = member(data, PLAINTEXT);
    this.algorithm = KeyAlgorithm.Sm4;
    if (this.readMaterial(plaintext)) return AnswerKind.Key;
    this.algorithm = KeyAlgorithm.Aes256;
    return this.readMaterial(plaintext) ? AnswerKind.Key : AnswerKind.Unreadable;
  }

  private begin(): void {
    this.material = 0;
    this.materialLength = 0;
    this.version = 0;
    this.expiresAt = NO_TIME;
    this.wrapped = 0;
    this.wrappedLength = 0;
    this.deleted = false;
    this.encoding = Encoding.NotSaid;
    this.refuses = false;
    this.errors = 0;
    this.madeAt = NO_TIME;
    this.algorithm = KeyAlgorithm.Unknown;
  }

  private parse(body: usize, length: u32): bool {
    if (length == 0 || document.parse(body, length, scratch) != 0) return false;
    const errors = member(document.root, ERRORS);
    this.refuses = errors != 0 && document.kind(errors) == FieldKind.Array;
    this.errors = this.refuses ? document.count(errors) : 0;
    return true;
  }

  /**
   * Earliest of `expires` (of the version, else of the key), `deletion_time` and the lease. False if one of them cannot
   * be read.
   */
  private readEnd(data: u32, metadata: u32, custom: u32, nowMs: i64): bool {
    let end = member(data, EXPIRES);
    if (end == 0) end = member(custom, EXPIRES);
    const expires = this.timeOf(end);
    const deletion = this.timeOf(member(metadata, DELETION_TIME));
    if (expires == MALFORMED || deletion == MALFORMED) return false;
    this.deleted = deletion != NO_TIME && deletion <= nowMs;
    const lease = integer(member(document.root, LEASE_DURATION));
    this.expiresAt = earlier(earlier(expires, deletion), lease == 0 ? NO_TIME : nowMs + <i64>lease * 1000);
    return true;
  }

  /** Time in a text. NO_TIME if the node is absent, null or empty. */
  private timeOf(node: u32): i64 {
    if (node == 0 || document.kind(node) == FieldKind.Null) return NO_TIME;
    if (!this.text(node)) return MALFORMED;
    if (this.foundLength == 0) return NO_TIME;
    const at = parseTimestamp(this.found, this.foundLength);
    return at == NO_TIME ? MALFORMED : at;
  }

  /** A string's text at `found`. */
  private text(node: u32): bool {
    if (node == 0 || document.kind(node) != FieldKind.String) return false;
    this.found = document.text(node, scratch);
    this.foundLength = document.textLength;
    return this.found != 0;
  }

  private readMaterial(node: u32): bool {
    if (!this.text(node)) return false;
    const text = this.found;
    const length = this.foundLength;
    if (length > 2 * MAX_KEY_FILE_BYTES) return false;
    const key = scratch.allocate(length + 16);
    if (key == 0) return false;
    const bytes = isEncoded(this.algorithm) ? this.decodeSm2(text, length, key) : this.decode(text, length, key);
    if (document.escaped(node)) wipe(text, length); // a separate copy, which `wipe` does not know
    this.allocated = length + 16;
    if (bytes < 0 || !takesLength(this.algorithm, bytes)) {
      wipe(key, this.allocated);
      return false;
    }
    this.material = key;
    this.materialLength = bytes;
    return true;
  }

  /** False if it names no known encoding. */
  private readEncoding(node: u32): bool {
    if (!this.text(node)) return false;
    if (BASE64.equals(this.found, this.foundLength)) this.encoding = Encoding.Base64;
    else if (HEX.equals(this.found, this.foundLength)) this.encoding = Encoding.Hex;
    else return false;
    return true;
  }

  /**
   * Decodes the key to `to` and returns its length. -1 if the text is no key, or ambiguous: 64 hexadecimal digits are
   * also base64 of 48 bytes.
   */
  private decode(text: usize, length: u32, to: usize): i32 {
    if (this.encoding == Encoding.Hex) return decodeHex(text, length, to);
    if (
      this.encoding == Encoding.NotSaid &&
      takesLength(this.algorithm, length >> 1) &&
      decodeHex(text, length, to) >= 0
    )
      return -1;
    return decodeBase64(text, length, to);
  }

  /**
   * Like `decode`, for an SM2 key. PEM stays as it is, hexadecimal needs no declaration, and white space is skipped. No
   * text is a key in both readings: DER begins with 30 in hexadecimal and with M in base64, and no length of a bare key
   * in one is a length of a bare key in the other.
   */
  private decodeSm2(text: usize, length: u32, to: usize): i32 {
    if (hasPem(text, length)) {
      memory.copy(to, text, length);
      return <i32>length;
    }
    const digits = withoutSpace(text, length, to);
    if (this.encoding != Encoding.Base64) {
      const spare = scratch.allocate(digits + 16);
      if (spare == 0) return -1;
      const bytes = decodeHex(to, digits, spare);
      if (bytes >= 0) memory.copy(to, spare, bytes);
      wipe(spare, digits + 16);
      if (bytes >= 0 || this.encoding == Encoding.Hex) return bytes;
    }
    return decodeBase64(to, digits, to);
  }

  /** Version that a `kid` names: of the stored key, or of the transit key that wrapped a data key. */
  kidVersion(wrapped: Bytes): u32 {
    return wrapped.length == 0 ? this.version : wrappedVersion(wrapped.pointer, wrapped.length);
  }

  /** Overwrites the key and the text that contained it. */
  wipe(body: usize, length: u32): void {
    if (this.material != 0) wipe(this.material, this.allocated);
    if (body != 0) wipe(body, length);
    this.material = 0;
    this.materialLength = 0;
  }
}

/** Version of the transit key that wrapped a data key, `vault:v3:…`. 0 if the text is invalid or too long. */
export function wrappedVersion(text: usize, length: u32): u32 {
  const prefix = VAULT_V.length;
  if (length > MAX_WRAPPED_KEY_BYTES || length <= prefix || !VAULT_V.equals(text, prefix)) return 0;
  let version: u32 = 0;
  for (let i = prefix; i < length && i <= prefix + MAX_VERSION_DIGITS; i++) {
    const byte = load<u8>(text + i);
    if (byte == COLON) return version;
    const digit = <u32>byte - 48;
    if (digit > 9 || (version == 0 && digit == 0)) return 0;
    version = version * 10 + digit;
  }
  return 0;
}

/** Whether a text may be a wrapped data key: `vault:vN:` and base64. */
export function isWrapped(text: usize, length: u32): bool {
  if (wrappedVersion(text, length) == 0) return false;
  for (let i: u32 = 0; i < length; i++) {
    const byte = load<u8>(text + i);
    const isLetter = (byte | 32) - 97 < 26;
    if (!isLetter && byte - 48 > 10 && byte != Ascii.Plus && byte != Ascii.Slash && byte != Ascii.Equals) return false; // digits, ':', '+', '/', '='
  }
  return true;
}

function earlier(a: i64, b: i64): i64 {
  if (a == NO_TIME) return b;
  return b == NO_TIME ? a : min(a, b);
}

function member(object: u32, name: Bytes): u32 {
  if (object == 0 || document.kind(object) != FieldKind.Object) return 0;
  return document.member(object, name.pointer, name.length, name.hash);
}

/** A whole number from 1. 0 if the node is none. */
function integer(node: u32): u32 {
  if (node == 0 || document.kind(node) != FieldKind.Number) return 0;
  const text = document.text(node, scratch);
  const length = document.textLength;
  if (length > MAX_VERSION_DIGITS) return 0;
  let value: u32 = 0;
  for (let i: u32 = 0; i < length; i++) {
    const digit = <u32>load<u8>(text + i) - 48;
    if (digit > 9) return 0;
    value = value * 10 + digit;
  }
  return value;
}
