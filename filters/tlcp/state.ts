/** State of a connection: the message that it waits for. */
export const enum State {
  Start,
  ClientHello,
  ServerHello,
  Certificate,
  ServerKeyExchange,
  RequestOrDone,
  Done,
  ClientKeyExchange,
  CertificateVerify,
  /** A ticket that was announced. */
  Ticket,
  ChangeCipherSpec,
  Finished,
  Open,
  /** Ended in order, by either side. */
  Closed,
  /** Ended by a fault. */
  Failed,
}
