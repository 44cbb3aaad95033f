// GCM encryption of a message in pieces, with its state in the caller's memory. Any number of messages may be in
// progress under any keys. All pieces but the last are whole blocks. (`GcmStream` takes pieces of any size and keeps
// its own state.)
import { wipe } from './constant-time';
import { counterOf } from './counter';
import { Gcm } from './gcm';
import { ghashAbsorb, ghashAbsorbLengths, ghashBegin, ghashEnd, ghashWipe } from './ghash';

/** Bytes of a state, 16-byte aligned. */
export const GCM_PIECES_BYTES: u32 = 48;

/**
 * Longest message, bytes (NIST SP 800-38D, 5.2.1.1: 2^39 - 256 bits). Beyond it the 32-bit counter would wrap and the
 * key stream repeat.
 */
export const MAX_GCM_BYTES: u64 = ((<u64>1) << 36) - 32;

const START: usize = 0; // J0
const SUM: usize = 16; // GHASH so far
const AAD_BYTES: usize = 32;
const DATA_BYTES: usize = 40;

const STREAM: usize = memory.data(64, 16);

/** Starts a message. `iv`, `aad`: see `Gcm.encrypt`. */
export function gcmPiecesBegin(gcm: Gcm, iv: usize, ivLength: u32, aad: usize, aadLength: u32, state: usize): void {
  gcm.startBlock(iv, ivLength, state + START);
  ghashBegin(i64x2.splat(0));
  ghashAbsorb(gcm.tables, aad, aadLength);
  v128.store(state, ghashEnd(gcm.tables), SUM);
  ghashWipe();
  store<u64>(state, aadLength, AAD_BYTES);
  store<u64>(state, 0, DATA_BYTES);
}

/**
 * Encrypts the next piece: a multiple of 16 bytes, or any number for the last. In place allowed. False if the message
 * would exceed MAX_GCM_BYTES.
 */
export function gcmPiecesEncrypt(gcm: Gcm, state: usize, from: usize, to: usize, length: u32): bool {
  const done = load<u64>(state, DATA_BYTES);
  if (done + length > MAX_GCM_BYTES) return false;
  const cipher = gcm.cipher;
  cipher.begin(state + START);
  cipher.xor(counterOf(state + START) + 1 + <u32>(done >> 4), from, to, length);
  cipher.wipeWork();
  ghashBegin(v128.load(state, SUM));
  ghashAbsorb(gcm.tables, to, length);
  v128.store(state, ghashEnd(gcm.tables), SUM);
  ghashWipe();
  store<u64>(state, done + length, DATA_BYTES);
  return true;
}

/** Ends the message: writes the 16-byte tag and overwrites the state. */
export function gcmPiecesFinish(gcm: Gcm, state: usize, tag: usize): void {
  const cipher = gcm.cipher;
  cipher.begin(state + START);
  cipher.stream4(counterOf(state + START), STREAM);
  ghashBegin(v128.load(state, SUM));
  ghashAbsorbLengths(gcm.tables, load<u64>(state, AAD_BYTES), load<u64>(state, DATA_BYTES));
  v128.store(tag, v128.xor(ghashEnd(gcm.tables), v128.load(STREAM)));
  cipher.wipeWork();
  ghashWipe();
  wipe(STREAM, 64);
  wipe(state, GCM_PIECES_BYTES);
}
