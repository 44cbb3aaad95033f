// Wire profiles raw, hex and base64: IV ‖ ciphertext ‖ tag, as bytes or as text, for peers without FIM. There is no
// associated data and no key identifier: the newest version is tried, then earlier ones that count
// (keys/key-holder.ts). With SM2 the whole is one SM2 ciphertext.
import { KeyVersion } from '../keys/key-version';
import { BASE64_SLACK_BYTES, base64Length, decodeBase64, encodeBase64, plainBase64 } from '../memory/base64';
import { Bytes } from '../memory/bytes';
import { decodeHex, encodeHex } from '../memory/hex';
import { scratch } from '../memory/scratch';
import { Span } from '../memory/span';
import { Writer } from '../memory/writer';
import { job } from './cipher-job';
import { Opening } from './opening';
import { Encoding, Parts, Protection, WireProfile } from './protection';
import { FAILED } from './suite';

/** Writes IV ‖ ciphertext ‖ tag to `to`, which has room for it. Returns the length, or FAILED. */
function sealTo(plan: Protection, key: KeyVersion, text: Span, to: usize): i32 {
  const suite = plan.suite;
  if (!suite.begin(key, plan.sm2Layout) || !suite.nextIv(key, to)) return FAILED;
  // The place of the tag follows from the ciphertext's length. Only SM2, which has no tag, does not know it beforehand.
  const tag = to + suite.ivBytes + suite.sealedBytes(text.length);
  const bytes = suite.seal(key, job.set(to, text.pointer, text.length, to + suite.ivBytes, tag));
  suite.end();
  return bytes == FAILED ? FAILED : <i32>(suite.ivBytes + suite.tagBytes) + bytes;
}

function concatenationRoom(plan: Protection, length: u32): usize {
  return <usize>plan.suite.ivBytes + plan.suite.sealedBound(length) + plan.suite.tagBytes;
}

/** Seals into scratch memory. Returns the length of the result at `concatenated`, or FAILED. */
function concatenate(plan: Protection, key: KeyVersion, text: Span): i32 {
  concatenated = scratch.allocate(concatenationRoom(plan, text.length) + BASE64_SLACK_BYTES);
  return concatenated == 0 ? FAILED : sealTo(plan, key, text, concatenated);
}

let concatenated: usize = 0;

/** Bytes. */
export class Raw extends WireProfile {
  constructor() {
    super(Bytes.from('application/octet-stream'), false, Encoding.Bytes, false);
  }

  head(plan: Protection, key: KeyVersion, type: Span, iv: usize, out: Writer): bool {
    out.bytes(iv, plan.suite.ivBytes);
    return !out.overflowed;
  }

  tail(plan: Protection, type: Span, tag: usize, out: Writer): void {
    out.bytes(tag, plan.suite.tagBytes);
  }

  seal(plan: Protection, key: KeyVersion, type: Span, text: Span, out: Writer): bool {
    const to = out.reserve(concatenationRoom(plan, text.length));
    const bytes: i32 = to == 0 ? FAILED : sealTo(plan, key, text, to);
    if (bytes == FAILED) return false;
    out.advance(bytes);
    return true;
  }

  read(plan: Protection, from: usize, length: u32, parts: Parts): Opening {
    parts.clear();
    return parts.takeConcatenation(plan.suite, from, length);
  }
}

/** Writes lower-case hexadecimal and reads both cases. */
export class Hex extends WireProfile {
  constructor() {
    super(Bytes.from('text/plain'), true, Encoding.Hex, false);
  }

  head(plan: Protection, key: KeyVersion, type: Span, iv: usize, out: Writer): bool {
    out.hex(iv, plan.suite.ivBytes);
    return !out.overflowed;
  }

  tail(plan: Protection, type: Span, tag: usize, out: Writer): void {
    out.hex(tag, plan.suite.tagBytes);
  }

  room(plan: Protection, length: u32): usize {
    return concatenationRoom(plan, length) * 2;
  }

  seal(plan: Protection, key: KeyVersion, type: Span, text: Span, out: Writer): bool {
    const bytes = concatenate(plan, key, text);
    const to: usize = bytes == FAILED ? 0 : out.reserve(<usize>bytes * 2);
    if (to == 0) return false;
    encodeHex(concatenated, bytes, to);
    out.advance(<usize>bytes * 2);
    return true;
  }

  read(plan: Protection, from: usize, length: u32, parts: Parts): Opening {
    parts.clear();
    const bytes = scratch.allocate((length >> 1) + 16);
    if (bytes == 0) return Opening.NoMemory;
    const count = decodeHex(from, length, bytes);
    return count < 0 ? Opening.Malformed : parts.takeConcatenation(plan.suite, bytes, count);
  }
}

/** Base64 (RFC 4648, 4), padded; what libraries make of it is read, too, if the route says so. */
export class Base64 extends WireProfile {
  constructor() {
    super(Bytes.from('text/plain'), true, Encoding.Base64Whole, false);
  }

  /** 12 bytes are 16 characters without padding, so the following text continues from there. */
  head(plan: Protection, key: KeyVersion, type: Span, iv: usize, out: Writer): bool {
    const to = out.reserve(BASE64_SLACK_BYTES);
    if (to != 0) out.advance(encodeBase64(iv, plan.suite.ivBytes, to));
    return !out.overflowed;
  }

  seal(plan: Protection, key: KeyVersion, type: Span, text: Span, out: Writer): bool {
    const bytes = concatenate(plan, key, text);
    const to: usize = bytes == FAILED ? 0 : out.reserve(<usize>base64Length(bytes) + BASE64_SLACK_BYTES);
    if (to == 0) return false;
    out.advance(encodeBase64(concatenated, bytes, to));
    return true;
  }

  read(plan: Protection, from: usize, length: u32, parts: Parts): Opening {
    parts.clear();
    const bytes = scratch.allocate((<usize>length / 4) * 3 + BASE64_SLACK_BYTES);
    if (bytes == 0) return Opening.NoMemory;
    if (plan.tolerant) {
      const plain = scratch.allocate(<usize>length + 4);
      if (plain == 0) return Opening.NoMemory;
      length = plainBase64(from, length, plain);
      from = plain;
    }
    const count = decodeBase64(from, length, bytes);
    return count < 0 ? Opening.Malformed : parts.takeConcatenation(plan.suite, bytes, count);
  }
}
