// A connection's source of chance: random bytes, and the operations whose results depend on them. Tests replace
// it to repeat recorded connections byte for byte.
import { randomBytes } from '../crypto/random';
import { Sm2Layout, sm2Encrypt } from '../crypto/sm2-encryption';
import { Sm2PrivateKey, Sm2PublicKey } from '../crypto/sm2-key';
import { sm2SignDigest } from '../crypto/sm2-signature';

export class Chance {
  /** False: the host has none. */
  bytes(out: usize, length: u32): bool {
    return randomBytes(out, length);
  }

  /** r ‖ s of a digest. */
  sign(key: Sm2PrivateKey, digest: usize, out: usize): bool {
    return sm2SignDigest(key, digest, out);
  }

  /** Ciphertext in ASN.1; 0: the host has no randomness. */
  encrypt(key: Sm2PublicKey, input: usize, length: u32, out: usize): u32 {
    return sm2Encrypt(key, Sm2Layout.Asn1, input, length, out);
  }

  /** A pair for one exchange. */
  ephemeral(): Sm2PrivateKey | null {
    return Sm2PrivateKey.generate();
  }
}
