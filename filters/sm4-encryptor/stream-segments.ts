// Streams segmented bodies in both directions in constant memory. The stream's slot holds its header and one segment.
import { KeyVersion } from '../keys/key-version';
import { MAX_SEGMENT_HEADER_BYTES } from '../limits';
import { Span } from '../memory/span';
import { Writer } from '../memory/writer';
import { Opening } from './opening';
import { Piece } from './piece';
import { Parts, Protection } from './protection';
import {
  FIXED_BYTES,
  headerBytes,
  readSegmentHeader,
  segmentBytes,
  wrappedKeyBytes,
  writeSegmentHeader,
} from './segment-header';
import { openSegment, place, sealSegment, wireBytes } from './segmented';
import { FAILED } from './suite';

// Layout of the state: counts, the header with room for the place after it, then the incomplete segment.
const HELD_BYTES: usize = 0;
const HEADER_BYTES: usize = 4;
const INDEX: usize = 8;
/** For opening: wire length of a whole segment, and length of its plaintext. 0: the header is incomplete. */
const WIRE_BYTES: usize = 12;
const TEXT_BYTES: usize = 16;
const HEADER: usize = 32;
const HELD: usize = HEADER + MAX_SEGMENT_HEADER_BYTES + 16;
/** Largest plaintext of a segment that fits into a slot, bytes. */
export const LARGEST_STREAMED_SEGMENT_BYTES: u32 = 256 * 1024 - <u32>HELD - 128;

/** The segment in the state. */
const segment: Span = new Span();

/** Size of a stream's state, bytes. */
export function segmentStateBytes(plan: Protection): u32 {
  return <u32>HELD + wireBytes(plan.suite, plan.segmentBytes);
}

/** Longest output for a sealed piece. */
export function segmentsRoom(plan: Protection, length: u32): u32 {
  return MAX_SEGMENT_HEADER_BYTES + wireBytes(plan.suite, plan.segmentBytes) * (length / plan.segmentBytes + 2);
}

/** Seals the next piece to `out`. False: no randomness or memory. */
export function sealSegments(plan: Protection, key: KeyVersion, state: usize, piece: Piece, out: Writer): bool {
  if (load<u32>(state, HEADER_BYTES) == 0) {
    const start = out.length;
    const bytes = writeSegmentHeader(plan, key, piece.type, out);
    if (bytes == 0) return false;
    memory.copy(state + HEADER, out.pointer + start, bytes);
    store<u32>(state, bytes, HEADER_BYTES);
  }
  let taken: u32 = 0;
  while (taken < piece.length) {
    if (load<u32>(state, HELD_BYTES) == plan.segmentBytes && !sealHeld(plan, key, state, false, out)) return false;
    taken += hold(state, piece.pointer + taken, piece.length - taken, plan.segmentBytes);
  }
  return !piece.last || sealHeld(plan, key, state, true, out);
}

/** Adds bytes to the segment in the state, up to `most` in all. Returns how many it took. */
function hold(state: usize, from: usize, length: u32, most: u32): u32 {
  const held = load<u32>(state, HELD_BYTES);
  const taken = min(length, most - held);
  memory.copy(state + HELD + held, from, taken);
  store<u32>(state, held + taken, HELD_BYTES);
  return taken;
}

/** Seals the segment in the state, which is empty then. */
function sealHeld(plan: Protection, key: KeyVersion, state: usize, last: bool, out: Writer): bool {
  const held = load<u32>(state, HELD_BYTES);
  const to = out.reserve(wireBytes(plan.suite, held));
  if (to == 0) return false;
  const index = load<u32>(state, INDEX);
  if (index == u32.MAX_VALUE) return false; // no index may repeat
  place.set(state + HEADER, load<u32>(state, HEADER_BYTES), index, last);
  const written = sealSegment(plan.suite, key, place, segment.set(state + HELD, held), to);
  if (written == FAILED) return false;
  out.advance(written);
  store<u32>(state, 0, HELD_BYTES);
  store<u32>(state, index + 1, INDEX);
  return true;
}

/** Bytes of the piece that `takeHeader` used. */
export let headerTaken: u32 = 0;

/**
 * Takes missing header bytes from a piece. `Done` with `parts.version` 0: still incomplete. Undo it with `untakeHeader`
 * before a wait.
 */
export function takeHeader(plan: Protection, state: usize, from: usize, length: u32, parts: Parts): Opening {
  headerTaken = 0;
  parts.clear();
  while (true) {
    const have = load<u32>(state, HEADER_BYTES);
    const wanted = have < FIXED_BYTES ? FIXED_BYTES : headerBytes(state + HEADER);
    if (wanted == 0) return Opening.Malformed;
    if (have == wanted) break;
    const taken = min(length - headerTaken, wanted - have);
    if (taken == 0) return Opening.Done;
    memory.copy(state + HEADER + have, from + headerTaken, taken);
    headerTaken += taken;
    store<u32>(state, have + taken, HEADER_BYTES);
  }
  const opening = readSegmentHeader(plan, state + HEADER, load<u32>(state, HEADER_BYTES), parts);
  if (opening == Opening.Done && segmentBytes > plan.segmentBytes) return Opening.Malformed;
  return opening;
}

/** Undoes `takeHeader`, because the piece will come again. */
export function untakeHeader(state: usize): void {
  store<u32>(state, load<u32>(state, HEADER_BYTES) - headerTaken, HEADER_BYTES);
}

/** Starts the segments once the header is complete and its key is available. */
export function beginSegments(plan: Protection, state: usize): void {
  store<u32>(state, wireBytes(plan.suite, segmentBytes), WIRE_BYTES);
  store<u32>(state, segmentBytes, TEXT_BYTES);
}

/** Whether `beginSegments` was called. */
export function hasBegun(state: usize): bool {
  return load<u32>(state, WIRE_BYTES) != 0;
}

/** Opens the segments that a piece completes, to `out`. A segment that cannot be opened is not written. */
export function openSegments(plan: Protection, key: KeyVersion, state: usize, piece: Piece, out: Writer): Opening {
  const whole = load<u32>(state, WIRE_BYTES);
  let taken: u32 = 0;
  while (taken < piece.length) {
    if (load<u32>(state, HELD_BYTES) == whole && !openHeld(plan, key, state, false, out)) return Opening.Forged;
    taken += hold(state, piece.pointer + taken, piece.length - taken, whole);
  }
  if (piece.last && !openHeld(plan, key, state, true, out)) return Opening.Forged;
  key.proven = true;
  return out.overflowed ? Opening.NoMemory : Opening.Done;
}

/** Opens the segment in the state, which is empty then. */
function openHeld(plan: Protection, key: KeyVersion, state: usize, last: bool, out: Writer): bool {
  const held = load<u32>(state, HELD_BYTES);
  const size = load<u32>(state, TEXT_BYTES);
  const to = out.reserve(held);
  if (to == 0) return false;
  const index = load<u32>(state, INDEX);
  if (index == u32.MAX_VALUE) return false;
  place.set(state + HEADER, load<u32>(state, HEADER_BYTES), index, last);
  const text = openSegment(plan.suite, key, place, segment.set(state + HELD, held), to);
  if (text == FAILED || <u32>text > size || (!last && <u32>text != size)) return false;
  out.advance(text);
  store<u32>(state, 0, HELD_BYTES);
  store<u32>(state, index + 1, INDEX);
  return true;
}

/** Length of the wrapped key in a complete header, bytes. */
export function wrappedInHeader(state: usize): u32 {
  return wrappedKeyBytes(state + HEADER);
}

/** Address of the wrapped key in a complete header. */
export function wrappedAt(state: usize): usize {
  return state + HEADER + load<u32>(state, HEADER_BYTES) - wrappedInHeader(state);
}
