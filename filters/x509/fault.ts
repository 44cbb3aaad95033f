// Why a certificate or a chain is not accepted. The numbers are part of the interface: `tlcp.wasm` hands them out.

export const enum CertificateFault {
  None = 0,
  /** Not the DER of a certificate. */
  Malformed = 1,
  /** More than MAX_CERTIFICATE_BYTES. */
  TooLarge = 2,
  /** Not version 3. */
  Version = 3,
  /** Not signed with SM2 and SM3, or its key is of another kind. */
  Algorithm = 4,
  /** An extension that must be understood is not. */
  CriticalExtension = 5,
  NotYetValid = 6,
  Expired = 7,
  /** No trust anchor leads to it. */
  UnknownIssuer = 8,
  /** A certificate of the issuer's name is there, and its key did not sign this one. */
  Signature = 9,
  /** An issuer that may not issue: no CA, or its keyUsage has no keyCertSign. */
  NotAuthority = 10,
  /** More intermediate certificates than an issuer's path length or MAX_CHAIN_DEPTH allow. */
  PathLength = 11,
  /** keyUsage or extendedKeyUsage does not allow what it is used for. */
  Usage = 12,
  /** The certificate is not for the requested name. */
  Name = 13,
  /** There is no certificate for signatures, or none for encryption. */
  Missing = 14,
  /** More certificates than MAX_CHAIN_CERTIFICATES. */
  TooMany = 15,
  /** Named by a revocation list of its issuer, or by an OCSP responder. */
  Revoked = 16,
  /** Whether it was revoked cannot be learned, and the policy refuses it then; or a responder does not know it. */
  RevocationUnknown = 17,
}
