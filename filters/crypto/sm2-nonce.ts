// Secret nonce of one signature or encryption: SM3(counter ‖ private key ‖ 32 random bytes ‖ digest). Randomness makes
// it unpredictable. Key and digest keep two different messages from sharing one if the host's generator fails
// unnoticed.
import { wipe } from './constant-time';
import { randomBytes } from './random';
import { sharedSm3 } from './sm2-digest';
import { SCALAR_BYTES, scalarFromBytes } from './sm2-scalar';

const RANDOM: usize = memory.data(32, 16);
const COUNTER: usize = memory.data(1, 1);
/** One draw in 2^32 is out of range and repeated. Which one says nothing about the draws that are used. */
const MAX_DRAWS: u8 = 8;

/**
 * nonce = a scalar in [1, n - 1], hedged with `secret` (a scalar) and `digest` (32 bytes). False if the host's
 * generator failed.
 */
export function drawNonce(nonce: usize, secret: usize, digest: usize): bool {
  const sm3 = sharedSm3();
  for (let draw: u8 = 0; draw < MAX_DRAWS; draw++) {
    if (!randomBytes(RANDOM, 32)) return false;
    store<u8>(COUNTER, draw);
    sm3.reset();
    sm3.update(COUNTER, 1);
    sm3.update(secret, <u32>SCALAR_BYTES);
    sm3.update(RANDOM, 32);
    sm3.update(digest, 32);
    sm3.digest(RANDOM);
    const valid = scalarFromBytes(nonce, RANDOM);
    wipe(RANDOM, 32);
    if (valid != 0) return true;
  }
  return false;
}
