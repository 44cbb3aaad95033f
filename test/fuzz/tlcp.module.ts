// Connections of national TLS behind functions on addresses and handles, with chance that a test can dictate.
import '../../filters/runtime/abort';
import { scalarFromBytes } from '../../filters/crypto/sm2-scalar';
import { Sm2Layout, sm2EncryptWithNonce } from '../../filters/crypto/sm2-encryption';
import { Sm2PrivateKey, Sm2PublicKey } from '../../filters/crypto/sm2-key';
import { sm2SignWithNonce } from '../../filters/crypto/sm2-signature';
import { Chance } from '../../filters/tlcp/chance';
import { Certificate } from '../../filters/x509/certificate';
import { OcspAnswer } from '../../filters/x509/ocsp-response';
import { room, settingsByHandle } from '../../filters/tlcp/index';

export * from '../../filters/tlcp/index';

const NONCE: usize = memory.data(32, 16);
const SCALAR: usize = memory.data(32, 16);

/** Chance as it was recorded; when that is used up, real chance. */
class Dictated extends Chance {
  at: usize = 0;
  left: u32 = 0;

  private next(out: usize, length: u32): bool {
    if (this.left < length) return false;
    memory.copy(out, this.at, length);
    this.at += length;
    this.left -= length;
    return true;
  }

  bytes(out: usize, length: u32): bool {
    return this.next(out, length) || super.bytes(out, length);
  }

  sign(key: Sm2PrivateKey, digest: usize, out: usize): bool {
    if (!this.next(NONCE, 32)) return super.sign(key, digest, out);
    return this.scalar() && sm2SignWithNonce(key, digest, SCALAR, out);
  }

  encrypt(key: Sm2PublicKey, input: usize, length: u32, out: usize): u32 {
    if (!this.next(NONCE, 32)) return super.encrypt(key, input, length, out);
    return this.scalar() ? sm2EncryptWithNonce(key, Sm2Layout.Asn1, SCALAR, input, length, out) : 0;
  }

  ephemeral(): Sm2PrivateKey | null {
    if (!this.next(NONCE, 32)) return super.ephemeral();
    return Sm2PrivateKey.fromBytes(NONCE);
  }

  private scalar(): bool {
    return scalarFromBytes(SCALAR, NONCE) != 0;
  }
}

/** Chance to come: bytes of the room. */
export function dictate(handle: i32, length: u32): void {
  const chance = new Dictated();
  const kept = heap.alloc(length);
  memory.copy(kept, room(length), length);
  chance.at = kept;
  chance.left = length;
  settingsByHandle.get(handle).chance = chance;
}

/** Bytes of it that were not used. */
export function chanceLeft(handle: i32): u32 {
  return (settingsByHandle.get(handle).chance as Dictated).left;
}

let asked: Certificate | null = null;
let asker: Certificate | null = null;

/** Takes a certificate and its issuer, DER one after another in the room, for `readAnswer`. */
export function askAbout(certificate: u32, issuer: u32): bool {
  const der = room(certificate + issuer);
  asked = Certificate.parse(der, certificate);
  asker = Certificate.parse(der + certificate, issuer);
  return asked != null && asker != null;
}

/** Reads an answer about that certificate, behind 32 bytes of nonce in the room: its fault. */
export function readAnswer(length: u32, now: f64): i32 {
  const nonce = room(32 + length);
  return new OcspAnswer().read(nonce + 32, length, asked!, asker!, nonce, false, <i64>now);
}
