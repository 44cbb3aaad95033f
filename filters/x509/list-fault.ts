// Why a revocation list is not taken. The numbers are part of the interface: `tlcp.wasm` hands them out.

export const enum ListFault {
  None = 0,
  /** Not the DER of a list. */
  Malformed = 1,
  /** More than MAX_LIST_BYTES. */
  TooLarge = 2,
  /** Neither version 1 nor 2. */
  Version = 3,
  /** Not signed with SM2 and SM3. */
  Algorithm = 4,
  /** It says no time of the next one, so it could be kept back for ever. */
  NoNextUpdate = 5,
  /** More than MAX_LISTED_CERTIFICATES. */
  TooMany = 6,
  /** A delta list: it says what changed since another. */
  Delta = 7,
  /** An indirect list: it names certificates of other issuers. */
  Indirect = 8,
  /** A list for some reasons of revocation, or for attribute certificates. */
  Partial = 9,
  /** An extension that must be understood is not. */
  CriticalExtension = 10,
  /** Older than the one that is held. */
  Older = 11,
  /** There are as many lists as may be. */
  NoRoom = 12,
  /** The text has no list. */
  Missing = 13,
  /** It would take the place of a verified one, and was not signed by the same key. */
  Signature = 14,
}
