// Digest that SM2 signs: e = SM3(Z ‖ message), Z = SM3(bits of the id ‖ id ‖ a ‖ b ‖ G ‖ public key) (GB/T 32918.2, 5.5
// and 6.1).
import { Sm3 } from './sm3';
import { Z_PARAMETERS } from './sm2-constants.gen';
import { COORDINATES_BYTES, Sm2PublicKey } from './sm2-key';

/** Default user id of GB/T 35276 and GM/T 0009: `1234567812345678`. */
export const DEFAULT_ID: usize = memory.data<u8>([
  0x31, 0x32, 0x33, 0x34, 0x35, 0x36, 0x37, 0x38, 0x31, 0x32, 0x33, 0x34, 0x35, 0x36, 0x37, 0x38,
]);
export const DEFAULT_ID_BYTES: u32 = 16;
/** Longest user id, because its length in bits has 16 bits. */
export const MAX_ID_BYTES: u32 = 8191;

const Z_PARAMETERS_BYTES: u32 = 128;
const ID_BITS: usize = memory.data(2, 16);
const IDENTITY: usize = memory.data(32, 16);

let hash: Sm3 | null = null;

/** SM3 instance that the SM2 files share. Created on first use. */
export function sharedSm3(): Sm3 {
  const made = hash;
  if (made) return made;
  const fresh = new Sm3();
  hash = fresh;
  return fresh;
}

/** Writes Z, 32 bytes. False if `idLength` exceeds `MAX_ID_BYTES`. */
export function sm2Identity(out: usize, key: Sm2PublicKey, id: usize, idLength: u32): bool {
  if (idLength > MAX_ID_BYTES) return false;
  const sm3 = sharedSm3();
  store<u16>(ID_BITS, bswap<u16>(<u16>(idLength << 3)));
  sm3.reset();
  sm3.update(ID_BITS, 2);
  sm3.update(id, idLength);
  sm3.update(Z_PARAMETERS, Z_PARAMETERS_BYTES);
  sm3.update(key.coordinates, COORDINATES_BYTES);
  sm3.digest(out);
  return true;
}

/** Address of Z: cached in the key for the default id, else computed. 0 if the id is too long. */
function identityOf(key: Sm2PublicKey, id: usize, idLength: u32): usize {
  if (idLength != DEFAULT_ID_BYTES || memory.compare(id, DEFAULT_ID, DEFAULT_ID_BYTES) != 0) {
    return sm2Identity(IDENTITY, key, id, idLength) ? IDENTITY : 0;
  }
  if (!key.identityKnown) key.identityKnown = sm2Identity(key.identity, key, id, idLength);
  return key.identity;
}

/**
 * Starts `sm3` on a message. Update it with the message, then take the digest, which is the input of the signature.
 * False if the id is too long.
 */
export function sm2BeginDigest(sm3: Sm3, key: Sm2PublicKey, id: usize, idLength: u32): bool {
  const identity = identityOf(key, id, idLength);
  if (identity == 0) return false;
  sm3.reset();
  sm3.update(identity, 32);
  return true;
}

/** Writes e, 32 bytes, for a whole message. False if the id is too long. */
export function sm2Digest(out: usize, key: Sm2PublicKey, id: usize, idLength: u32, message: usize, length: u32): bool {
  const sm3 = sharedSm3();
  if (!sm2BeginDigest(sm3, key, id, idLength)) return false;
  sm3.update(message, length);
  sm3.digest(out);
  return true;
}
