// SM2 key exchange (GB/T 32918.3) as in TLCP's ECDHE suites (where the server is the initiator). Both sides have a
// long-term and an ephemeral key pair.
import { wipe } from './constant-time';
import { gmtKdf } from './kdf';
import { sharedSm3 } from './sm2-digest';
import { fieldWipe } from './sm2-field';
import { COORDINATES_BYTES, Sm2PrivateKey, Sm2PublicKey } from './sm2-key';
import { multiplyPoint, multiplySumPublic } from './sm2-multiply';
import {
  JACOBIAN_BYTES,
  isInfinityPublic,
  pointAddAffinePublic,
  pointToAffine,
  pointToCoordinates,
  pointWipe,
} from './sm2-point';
import {
  SCALAR_BYTES,
  scalarAdd,
  scalarFromBytes,
  scalarIsZero,
  scalarMultiplyMontgomery,
  scalarToMontgomery,
  scalarWipe,
} from './sm2-scalar';

/** Bytes of the two confirmations S_B ‖ S_A. */
export const CONFIRMATIONS_BYTES: u32 = 64;

const POINT: usize = memory.data(240, 16);
const SCALAR: usize = memory.data(32, 16);
const ZERO: usize = memory.data(32, 16);
const HALF_X: usize = memory.data(32, 16);
const SHARED: usize = memory.data(128, 16); // xU ‖ yU ‖ ZA ‖ ZB
const INNER: usize = memory.data(32, 16);
const PREFIX: usize = memory.data(1, 1);

/** r = 2^127 + the low 127 bits of the point's x. */
function halfX(r: usize, coordinates: usize): void {
  memory.fill(HALF_X, 0, 16);
  memory.copy(HALF_X + 16, coordinates + 16, 16);
  store<u8>(HALF_X + 16, load<u8>(HALF_X + 16) | 0x80);
  scalarFromBytes(r, HALF_X);
}

/** POINT (affine) = peer + halfX(ephemeral) * ephemeral, all public; false at infinity. */
function combinePeer(peer: Sm2PublicKey, ephemeral: Sm2PublicKey): bool {
  halfX(SCALAR, ephemeral.coordinates);
  multiplySumPublic(POINT, ZERO, SCALAR, ephemeral.point);
  pointAddAffinePublic(POINT, peer.point);
  if (isInfinityPublic(POINT)) return false;
  pointToAffine(POINT, POINT);
  return true;
}

/** out = SM3(prefix ‖ yU ‖ SM3(xU ‖ ZA ‖ ZB ‖ RA ‖ RB)), the inner digest at INNER. */
function confirm(out: usize, prefix: u8): void {
  const sm3 = sharedSm3();
  store<u8>(PREFIX, prefix);
  sm3.reset();
  sm3.update(PREFIX, 1);
  sm3.update(SHARED + 32, 32);
  sm3.update(INNER, 32);
  sm3.digest(out);
}

/** Writes S_B (sent by the responder) and S_A (sent by the initiator). */
function writeConfirmations(out: usize, initiator: Sm2PublicKey, responder: Sm2PublicKey): void {
  const sm3 = sharedSm3();
  sm3.reset();
  sm3.update(SHARED, 32);
  sm3.update(SHARED + 64, 64);
  sm3.update(initiator.coordinates, COORDINATES_BYTES);
  sm3.update(responder.coordinates, COORDINATES_BYTES);
  sm3.digest(INNER);
  confirm(out, 2);
  confirm(out + 32, 3);
  wipe(INNER, 32);
}

/**
 * Agrees on `length` bytes of key. `ownIdentity` and `peerIdentity` are the digests Z of the long-term keys (32 bytes,
 * of `sm2Identity`). `ephemeral` is a pair generated for this exchange alone. `confirmations`, unless 0, receives S_B ‖
 * S_A, 64 bytes, to be compared in constant time. False if the peer's values lead to infinity; nothing is written then.
 * Constant time in the secrets.
 */
export function sm2Agree(
  isInitiator: bool,
  own: Sm2PrivateKey,
  ephemeral: Sm2PrivateKey,
  peer: Sm2PublicKey,
  peerEphemeral: Sm2PublicKey,
  ownIdentity: usize,
  peerIdentity: usize,
  out: usize,
  length: u32,
  confirmations: usize,
): bool {
  if (!combinePeer(peer, peerEphemeral)) return false;
  halfX(SCALAR, ephemeral.publicKey.coordinates);
  scalarToMontgomery(SCALAR, SCALAR);
  scalarMultiplyMontgomery(SCALAR, SCALAR, ephemeral.scalar);
  scalarAdd(SCALAR, SCALAR, own.scalar); // t = d + halfX(R) r
  if (scalarIsZero(SCALAR) != 0) return false;
  multiplyPoint(POINT, SCALAR, POINT);
  pointToAffine(POINT, POINT);
  pointToCoordinates(SHARED, POINT);
  memory.copy(SHARED + 64, isInitiator ? ownIdentity : peerIdentity, 32);
  memory.copy(SHARED + 96, isInitiator ? peerIdentity : ownIdentity, 32);
  gmtKdf(SHARED, 128, out, length);
  if (confirmations != 0) {
    const first = isInitiator ? ephemeral.publicKey : peerEphemeral;
    writeConfirmations(confirmations, first, isInitiator ? peerEphemeral : ephemeral.publicKey);
  }
  wipe(SHARED, 128);
  wipe(SCALAR, <u32>SCALAR_BYTES);
  wipe(POINT, <u32>JACOBIAN_BYTES);
  fieldWipe();
  pointWipe();
  scalarWipe();
  return true;
}
