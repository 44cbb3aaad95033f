// Public interface of SM2 (GB/T 32918). Nothing runs at start, so a module that does not use it does not contain it.
export { DEFAULT_ID, DEFAULT_ID_BYTES, MAX_ID_BYTES, sm2BeginDigest, sm2Digest, sm2Identity } from './sm2-digest';
export { CONFIRMATIONS_BYTES, sm2Agree } from './sm2-exchange';
export { COMPRESSED_BYTES, COORDINATES_BYTES, Sm2PrivateKey, Sm2PublicKey, UNCOMPRESSED_BYTES } from './sm2-key';
export {
  PKCS8_BYTES,
  SPKI_BYTES,
  sm2PrivateKeyFrom,
  sm2PrivateKeyFromDer,
  sm2PrivateKeyFromPem,
  sm2PrivateKeyToDer,
  sm2PublicKeyFrom,
  sm2PublicKeyFromDer,
  sm2PublicKeyFromPem,
  sm2PublicKeyToDer,
} from './sm2-key-format';
export {
  MAX_DER_SIGNATURE_BYTES,
  SIGNATURE_BYTES,
  sm2Sign,
  sm2SignDigest,
  sm2SignatureFromDer,
  sm2SignatureToDer,
  sm2Verify,
  sm2VerifyDigest,
} from './sm2-signature';
export { Sm2Layout, sm2CiphertextBound, sm2Decrypt, sm2Encrypt } from './sm2-encryption';
export { sm2SelfTest } from './sm2-self-test';
