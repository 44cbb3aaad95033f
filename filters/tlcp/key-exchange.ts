// The way of both sides to the pre-master secret: the client encrypts one to the server's encryption key (ECC), or both
// agree on one with their encryption keys and a pair for this connection (ECDHE; GB/T 32918.3, where the server is the
// initiator, both ids are the default one, and 48 bytes are taken).
import { MAX_CERTIFICATE_BYTES } from '../limits';
import { wipe } from '../crypto/constant-time';
import { DEFAULT_ID, DEFAULT_ID_BYTES, sm2Identity } from '../crypto/sm2-digest';
import { Sm2Layout, sm2Decrypt } from '../crypto/sm2-encryption';
import { sm2Agree } from '../crypto/sm2-exchange';
import { Sm2PrivateKey, Sm2PublicKey, UNCOMPRESSED_BYTES } from '../crypto/sm2-key';
import { Certificate } from '../x509/certificate';
import { Chance } from './chance';
import { Cursor } from './cursor';
import { draft16, draft8, draftBytes } from './draft';
import { CURVE_SM2, NAMED_CURVE, PRE_MASTER_BYTES, RANDOM_BYTES, VERSION } from './protocol';
import { Settings } from './settings';

/** ECParameters and a point with its length. */
export const SHARE_BYTES: u32 = 3 + 1 + 65;
/** Longest encrypted pre-master secret, bytes: 48 bytes in ASN.1 take less than 170. */
const ENCRYPTED_BYTES: u32 = 512;

/** The pre-master secret: of whoever derives keys next, who wipes it. */
export const PRE_MASTER: usize = memory.data(48, 16);
const DECRYPTED: usize = memory.data(512, 16);
const ENCRYPTED: usize = memory.data(512, 16);
const POINT: usize = memory.data(80, 16);
const IDENTITIES: usize = memory.data(64, 16);
const SIGNED: usize = memory.data(8352, 16);
const SIGNED_ROOM: u32 = 8352;

/** Length of what `signedParameters` wrote. */
export let signedLength: u32 = 0;

/** Data that a server signs: both randoms (they are adjacent), then its parameters. Returns its address. */
export function signedParameters(randoms: usize, parameters: usize, length: u32): usize {
  memory.copy(SIGNED, randoms, 2 * RANDOM_BYTES);
  signedLength = 2 * RANDOM_BYTES + min(length, SIGNED_ROOM - 2 * RANDOM_BYTES);
  memory.copy(SIGNED + 2 * RANDOM_BYTES, parameters, signedLength - 2 * RANDOM_BYTES);
  return SIGNED;
}

/** The same for ECC, whose parameters are the certificate for encryption with its length. */
export function signedCertificate(randoms: usize, certificate: Certificate): usize {
  const length = min(certificate.length, MAX_CERTIFICATE_BYTES);
  memory.copy(SIGNED, randoms, 2 * RANDOM_BYTES);
  store<u8>(SIGNED, <u8>(length >> 16), 64);
  store<u16>(SIGNED, bswap<u16>(<u16>length), 65);
  memory.copy(SIGNED + 67, certificate.der, length);
  signedLength = 67 + length;
  return SIGNED;
}

/** Writes a share: curve and point. */
export function draftShare(key: Sm2PublicKey): void {
  draft8(NAMED_CURVE);
  draft16(CURVE_SM2);
  draft8(UNCOMPRESSED_BYTES);
  key.writeUncompressed(POINT);
  draftBytes(POINT, UNCOMPRESSED_BYTES);
}

/**
 * Reads a share; null: malformed, or not on the curve. The number of the curve is not looked at: the suite says which
 * it is, and gateways in the field write 23 (secp256r1) where others write 41.
 */
export function readShare(cursor: Cursor): Sm2PublicKey | null {
  if (cursor.u8() != NAMED_CURVE) return null;
  cursor.u16();
  if (cursor.u8() != UNCOMPRESSED_BYTES) return null;
  const point = cursor.take(UNCOMPRESSED_BYTES);
  return point == 0 ? null : Sm2PublicKey.fromBytes(point, UNCOMPRESSED_BYTES);
}

/** Agrees on PRE_MASTER, `exchangeBytes` long. False: the other side's values lead nowhere. */
export function agree(
  isServer: bool,
  own: Sm2PrivateKey,
  ephemeral: Sm2PrivateKey,
  peer: Sm2PublicKey,
  peerEphemeral: Sm2PublicKey,
  settings: Settings,
): bool {
  const said = settings.exchangeId;
  const id = said.length > 0 ? changetype<usize>(said) : DEFAULT_ID;
  const idBytes: u32 = said.length > 0 ? said.length : DEFAULT_ID_BYTES;
  sm2Identity(IDENTITIES, own.publicKey, id, idBytes);
  sm2Identity(IDENTITIES + 32, peer, id, idBytes);
  return sm2Agree(
    isServer,
    own,
    ephemeral,
    peer,
    peerEphemeral,
    IDENTITIES,
    IDENTITIES + 32,
    PRE_MASTER,
    settings.exchangeBytes,
    0,
  );
}

/** Draws PRE_MASTER and writes it encrypted, with its length. False: the host has no randomness. */
export function draftEncrypted(key: Sm2PublicKey, chance: Chance): bool {
  store<u16>(PRE_MASTER, bswap<u16>(<u16>VERSION));
  if (!chance.bytes(PRE_MASTER + 2, PRE_MASTER_BYTES - 2)) return false;
  const length = chance.encrypt(key, PRE_MASTER, PRE_MASTER_BYTES, ENCRYPTED);
  if (length == 0) return false;
  draft16(length);
  draftBytes(ENCRYPTED, length);
  return true;
}

/**
 * Reads an encrypted pre-master secret to PRE_MASTER. One that cannot be decrypted, is of another length or does not
 * begin with the client's version is replaced by random bytes, so that the handshake goes on and ends where one with a
 * wrong Finished does. False: the message is malformed, or the host has no randomness.
 */
export function decryptPreMaster(key: Sm2PrivateKey, version: u32, body: usize, length: u32, chance: Chance): bool {
  const cursor = new Cursor();
  cursor.open(body, length);
  const size = cursor.u16();
  const encrypted = cursor.take(size);
  if (!cursor.isDone || size == 0 || size > ENCRYPTED_BYTES) return false;
  if (!chance.bytes(PRE_MASTER, PRE_MASTER_BYTES)) return false;
  memory.fill(DECRYPTED, 0, PRE_MASTER_BYTES);
  const written = sm2Decrypt(key, Sm2Layout.Asn1, encrypted, size, DECRYPTED);
  const wrong = ((<u32>written) ^ PRE_MASTER_BYTES) | ((<u32>bswap<u16>(load<u16>(DECRYPTED))) ^ version);
  const keep = i32x4.splat(<i32>(((wrong | (0 - wrong)) >> 31) - 1)); // all ones if nothing is wrong
  for (let i: usize = 0; i < PRE_MASTER_BYTES; i += 16) {
    const drawn = v128.load(PRE_MASTER + i);
    v128.store(PRE_MASTER + i, v128.bitselect(v128.load(DECRYPTED + i), drawn, keep));
  }
  wipe(DECRYPTED, ENCRYPTED_BYTES);
  return true;
}
