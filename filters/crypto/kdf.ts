// Key derivation: HKDF (RFC 5869) with HMAC, and the KDF of GB/T 32918.4-2016, 5.4.3 (also GM/T 0003.4) with SM3.
import { clear } from './constant-time';
import { HASH_BYTES } from './hash';
import { Hmac } from './hmac';
import { Sm3 } from './sm3';

/** Longest output of HKDF, bytes (RFC 5869, 2.3). */
export const HKDF_MAX_BYTES: u32 = 255 * HASH_BYTES;

const BLOCK: usize = memory.data(32, 16);
const COUNTER: usize = memory.data(4, 16);

/**
 * HKDF-Extract: writes the 32-byte pseudorandom key to `out`. An empty salt means zeros. `hmac` stays keyed: wipe it.
 */
export function hkdfExtract(
  hmac: Hmac,
  salt: usize,
  saltLength: u32,
  input: usize,
  inputLength: u32,
  out: usize,
): void {
  hmac.setKey(salt, saltLength);
  hmac.update(input, inputLength);
  hmac.digest(out);
}

/** HKDF-Expand to `length` bytes. False, with nothing written, beyond `HKDF_MAX_BYTES`. `hmac` stays keyed: wipe it. */
export function hkdfExpand(
  hmac: Hmac,
  key: usize,
  keyLength: u32,
  info: usize,
  infoLength: u32,
  out: usize,
  length: u32,
): bool {
  if (length > HKDF_MAX_BYTES) return false;
  hmac.setKey(key, keyLength);
  let counter: u8 = 1;
  for (let done: u32 = 0; done < length; done += HASH_BYTES) {
    if (done > 0) hmac.update(BLOCK, HASH_BYTES);
    hmac.update(info, infoLength);
    store<u8>(COUNTER, counter++);
    hmac.update(COUNTER, 1);
    hmac.digest(BLOCK);
    memory.copy(out + done, BLOCK, min(HASH_BYTES, length - done));
  }
  clear(BLOCK, HASH_BYTES);
  return true;
}

/** Derives `length` bytes from the shared secret Z: SM3(Z ‖ counter) with counters from 1, up to 2^32 - 2 blocks. */
export function gmtKdf(secret: usize, secretLength: u32, out: usize, length: u32): void {
  const hash = gmtHash;
  for (let done: u32 = 0, counter: u32 = 1; done < length; done += HASH_BYTES, counter++) {
    hash.reset();
    hash.update(secret, secretLength);
    store<u32>(COUNTER, bswap(counter));
    hash.update(COUNTER, 4);
    hash.digest(BLOCK);
    memory.copy(out + done, BLOCK, min(HASH_BYTES, length - done));
  }
  clear(BLOCK, HASH_BYTES);
  hash.wipe();
}

const gmtHash: Sm3 = new Sm3();
