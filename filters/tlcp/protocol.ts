// Numbers of TLCP (GB/T 38636-2020).

/** Version 1.1 of the protocol. */
export const VERSION: u32 = 0x0101;

export const enum ContentType {
  ChangeCipherSpec = 20,
  Alert = 21,
  Handshake = 22,
  ApplicationData = 23,
}

export const enum Message {
  HelloRequest = 0,
  ClientHello = 1,
  ServerHello = 2,
  NewSessionTicket = 4,
  Certificate = 11,
  ServerKeyExchange = 12,
  CertificateRequest = 13,
  ServerHelloDone = 14,
  CertificateVerify = 15,
  ClientKeyExchange = 16,
  Finished = 20,
}

export const enum Alert {
  CloseNotify = 0,
  UnexpectedMessage = 10,
  BadRecordMac = 20,
  RecordOverflow = 22,
  HandshakeFailure = 40,
  BadCertificate = 42,
  UnsupportedCertificate = 43,
  CertificateRevoked = 44,
  CertificateExpired = 45,
  CertificateUnknown = 46,
  IllegalParameter = 47,
  UnknownAuthority = 48,
  DecodeError = 50,
  DecryptError = 51,
  ProtocolVersion = 70,
  InternalError = 80,
  UserCanceled = 90,
  NoRenegotiation = 100,
  NoApplicationProtocol = 120,
  /** Not of the protocol: no alert. */
  None = 255,
}

/** Levels of alerts. */
export const WARNING: u8 = 1;
export const FATAL: u8 = 2;

/** Cipher suites. */
export const ECDHE_SM4_CBC_SM3: u32 = 0xe011;
export const ECC_SM4_CBC_SM3: u32 = 0xe013;
export const ECDHE_SM4_GCM_SM3: u32 = 0xe051;
export const ECC_SM4_GCM_SM3: u32 = 0xe053;
/** Says that the client does not renegotiate insecurely (RFC 5746, 3.3). */
export const NO_INSECURE_RENEGOTIATION: u32 = 0x00ff;

/** Extensions. */
export const SERVER_NAME: u32 = 0;
export const ALPN: u32 = 16;
export const SESSION_TICKET: u32 = 35;

/** The SM2 curve as a named curve. */
export const CURVE_SM2: u32 = 41;
/** ECParameters of a named curve. */
export const NAMED_CURVE: u32 = 3;
/** Certificate types in a request. */
export const RSA_SIGN: u32 = 1;
export const ECDSA_SIGN: u32 = 64;

export const RANDOM_BYTES: u32 = 32;
export const MASTER_BYTES: u32 = 48;
export const PRE_MASTER_BYTES: u32 = 48;
export const VERIFY_BYTES: u32 = 12;
export const SESSION_ID_BYTES: u32 = 32;
/** Most content of one record. */
export const FRAGMENT_BYTES: u32 = 16384;
/** Most bytes of a protected record's content. */
export const PROTECTED_BYTES: u32 = 16384 + 2048;
export const RECORD_HEADER_BYTES: u32 = 5;
export const MESSAGE_HEADER_BYTES: u32 = 4;

/** Whether the suite is one of the four. */
export function isSuite(suite: u32): bool {
  return (
    suite == ECDHE_SM4_CBC_SM3 || suite == ECC_SM4_CBC_SM3 || suite == ECDHE_SM4_GCM_SM3 || suite == ECC_SM4_GCM_SM3
  );
}

export function isEphemeral(suite: u32): bool {
  return suite == ECDHE_SM4_CBC_SM3 || suite == ECDHE_SM4_GCM_SM3;
}

export function isGcm(suite: u32): bool {
  return suite == ECC_SM4_GCM_SM3 || suite == ECDHE_SM4_GCM_SM3;
}
