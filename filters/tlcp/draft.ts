// The handshake message that is being written. One at a time.
import { MAX_HANDSHAKE_MESSAGE_BYTES } from '../limits';
import { GrowingBytes } from './growing-bytes';
import { MESSAGE_HEADER_BYTES } from './protocol';

const bytes: GrowingBytes = new GrowingBytes(MAX_HANDSHAKE_MESSAGE_BYTES + MESSAGE_HEADER_BYTES);
let isGood: bool = true;

/** Starts a message of a type. */
export function draftBegin(type: u32): void {
  bytes.clear();
  isGood = true;
  draft8(type);
  draft24(0);
}

export function draft8(value: u32): void {
  const to = bytes.reserve(1);
  if (to == 0) {
    isGood = false;
    return;
  }
  store<u8>(to, <u8>value);
  bytes.advance(1);
}

export function draft16(value: u32): void {
  draft8(value >> 8);
  draft8(value);
}

export function draft24(value: u32): void {
  draft8(value >> 16);
  draft16(value);
}

export function draftBytes(from: usize, length: u32): void {
  if (!bytes.append(from, length)) isGood = false;
}

/** Place of a length of two bytes, which `draftClose` writes. */
export function draftOpen(): u32 {
  draft16(0);
  return bytes.length;
}

/** Writes how much was written since `draftOpen`. */
export function draftClose(opened: u32): void {
  if (isGood) store<u16>(bytes.start + opened - 2, bswap<u16>(<u16>(bytes.length - opened)));
}

/** Ends the message. Its length; 0: it became too long. */
export function draftEnd(): u32 {
  if (!isGood) return 0;
  const length = bytes.length - MESSAGE_HEADER_BYTES;
  store<u8>(bytes.start, <u8>(length >> 16), 1);
  store<u16>(bytes.start, bswap<u16>(<u16>length), 2);
  return bytes.length;
}

/** Address of the message. */
export function draftStart(): usize {
  return bytes.start;
}
