// Wire profile segmented: a header (segment-header.ts), then segments of IV ‖ ciphertext ‖ tag. All but the last hold
// exactly the plaintext length of the header; the last one holds up to that. Each segment is sealed separately and
// bound to the header, its index and whether it is the last. No segment can be omitted, moved, repeated or taken from
// another message, so plaintext may be passed on segment by segment.
import { KeyVersion } from '../keys/key-version';
import { Bytes } from '../memory/bytes';
import { scratch } from '../memory/scratch';
import { Span } from '../memory/span';
import { Writer } from '../memory/writer';
import { CipherJob, job } from './cipher-job';
import { Opening } from './opening';
import { Encoding, Parts, Protection, WireProfile } from './protection';
import {
  FIXED_BYTES,
  PLACE_BYTES,
  headerBytes,
  readSegmentHeader,
  segmentBytes,
  writePlace,
  writeSegmentHeader,
} from './segment-header';
import { FAILED, Suite } from './suite';

/** The segment at hand. */
const segment: Span = new Span();

/** Wire length of a segment with `bytes` of plaintext. */
export function wireBytes(suite: Suite, bytes: u32): u32 {
  return suite.ivBytes + suite.sealedBytes(bytes) + suite.tagBytes;
}

/** Place of a segment in its message. */
export class SegmentPlace {
  /** The header, followed by room for PLACE_BYTES. */
  header: usize = 0;
  headerBytes: u32 = 0;
  index: u32 = 0;
  last: bool = false;

  set(header: usize, headerBytes: u32, index: u32, last: bool): this {
    this.header = header;
    this.headerBytes = headerBytes;
    this.index = index;
    this.last = last;
    return this;
  }

  /** Binds a job to the place. */
  bind(job: CipherJob): CipherJob {
    writePlace(this.header + this.headerBytes, this.index, this.last);
    return job.bind(this.header, this.headerBytes + PLACE_BYTES);
  }
}

export const place: SegmentPlace = new SegmentPlace();

/** Seals one segment to `to` (room for `wireBytes`). Returns the length, or FAILED. */
export function sealSegment(suite: Suite, key: KeyVersion, place: SegmentPlace, text: Span, to: usize): i32 {
  if (!suite.nextIv(key, to)) return FAILED;
  const at = to + suite.ivBytes;
  job.set(to, text.pointer, text.length, at, at + suite.sealedBytes(text.length));
  const bytes = suite.seal(key, place.bind(job));
  return bytes == FAILED ? FAILED : <i32>(suite.ivBytes + suite.tagBytes) + bytes;
}

/** Opens one segment to `to`. Returns the length of the plaintext, or FAILED. */
export function openSegment(suite: Suite, key: KeyVersion, place: SegmentPlace, segment: Span, to: usize): i32 {
  const from = segment.pointer;
  const length = segment.length;
  if (length < suite.ivBytes + suite.tagBytes) return FAILED;
  job.set(from, from + suite.ivBytes, length - suite.ivBytes - suite.tagBytes, to, from + length - suite.tagBytes);
  return suite.open(key, place.bind(job));
}

/** Copy of the header in scratch memory, followed by room for the place. 0 if out of memory. */
export function headerCopy(at: usize, bytes: u32): usize {
  const copy = scratch.allocate(bytes + PLACE_BYTES);
  if (copy != 0) memory.copy(copy, at, bytes);
  return copy;
}

export class Segmented extends WireProfile {
  constructor() {
    super(Bytes.from('application/vnd.fim.segmented'), false, Encoding.Bytes, true);
  }

  room(plan: Protection, length: u32): usize {
    return super.room(plan, 0) + <usize>wireBytes(plan.suite, plan.segmentBytes) * (length / plan.segmentBytes + 1);
  }

  seal(plan: Protection, key: KeyVersion, type: Span, text: Span, out: Writer): bool {
    const suite = plan.suite;
    const start = out.length;
    if (!suite.begin(key, plan.sm2Layout)) return false;
    const bytes = writeSegmentHeader(plan, key, type, out);
    const aad: usize = bytes == 0 ? 0 : headerCopy(out.pointer + start, bytes);
    if (aad == 0) return false;
    let done: u32 = 0;
    for (let index: u32 = 0; ; index++) {
      const length = min(plan.segmentBytes, text.length - done);
      const last = done + length == text.length;
      const to = out.reserve(wireBytes(suite, length));
      place.set(aad, bytes, index, last);
      segment.set(text.pointer + done, length);
      const written = to == 0 ? FAILED : sealSegment(suite, key, place, segment, to);
      if (written == FAILED) return false;
      out.advance(written);
      done += length;
      if (last) break;
    }
    suite.end();
    return true;
  }

  read(plan: Protection, from: usize, length: u32, parts: Parts): Opening {
    parts.clear();
    if (length < FIXED_BYTES) return Opening.Malformed;
    const bytes = headerBytes(from);
    if (bytes == 0 || length < bytes) return Opening.Malformed;
    const opening = readSegmentHeader(plan, from, bytes, parts);
    parts.ciphertext = from + bytes;
    parts.ciphertextLength = length - bytes;
    return opening;
  }

  /** Opens all segments in place of the ciphertext. */
  open(plan: Protection, key: KeyVersion, parts: Parts): Opening {
    const suite = plan.suite;
    const aad = headerCopy(parts.aad, parts.aadLength);
    if (aad == 0 || !suite.beginOpen(key, plan.sm2Layout, parts.wrapped, parts.wrappedLength)) return Opening.NoMemory;
    const whole = wireBytes(suite, segmentBytes);
    let from = parts.ciphertext;
    let to = scratch.allocate(<usize>parts.ciphertextLength + 16);
    if (to == 0) return Opening.NoMemory;
    parts.text = to;
    let left = parts.ciphertextLength;
    let opening = Opening.Done;
    for (let index: u32 = 0; opening == Opening.Done; index++) {
      const bytes = min(whole, left);
      const last = bytes == left;
      place.set(aad, parts.aadLength, index, last);
      const text = openSegment(suite, key, place, segment.set(from, bytes), to);
      if (text == FAILED || <u32>text > segmentBytes || (!last && <u32>text != segmentBytes)) opening = Opening.Forged;
      else {
        to += text;
        from += bytes;
        left -= bytes;
        if (last) break;
      }
    }
    suite.end();
    parts.textLength = <u32>(to - parts.text);
    if (opening == Opening.Done) key.proven = true;
    else memory.fill(parts.text, 0, parts.textLength);
    return opening;
  }
}
