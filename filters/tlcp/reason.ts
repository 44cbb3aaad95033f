// Why a connection ended. Numbers are handed out by `tlcp.wasm`, with the texts of `reason-text.ts`.

export const enum Reason {
  None = 0,
  /** The other side sent an alert of the level "fatal". */
  PeerAlert = 1,
  /** The other side sent `close_notify`. */
  PeerClosed = 2,
  RecordType = 3,
  RecordVersion = 4,
  RecordTooLong = 5,
  /** Padding, code or tag: which of them is not told, nor kept. */
  RecordForged = 6,
  EmptyRecords = 7,
  RecordsPerKey = 8,
  MessageUnexpected = 9,
  MessageMalformed = 10,
  MessageTooLong = 11,
  HandshakeTooLong = 12,
  NoCommonSuite = 13,
  Version = 14,
  NoCommonProtocol = 15,
  /** The other side has no certificates, and must. */
  NoCertificate = 16,
  /** Its certificates are not accepted: `Connection.certificateFault` says why. */
  Certificate = 17,
  KeyExchange = 18,
  Signature = 19,
  Finished = 20,
  /** The host has no randomness. */
  Randomness = 21,
  /** This side has no certificates and keys for what was agreed on. */
  NoOwnKey = 22,
  Timeout = 23,
  TooMuchWaiting = 24,
  Warnings = 25,
  /** The first bytes are no record of this protocol but TLS or plain HTTP. */
  OtherProtocol = 26,
  /** This side closed. */
  Closed = 27,
}
