// The part that both roles share: records in and out, messages out of records, alerts, keys, the end. Bytes of the
// network go in by `receive`; what is to be sent waits in `output`, what was received for the application in `plain`.
import {
  MAX_EMPTY_RECORDS,
  MAX_HANDSHAKE_BYTES,
  MAX_HANDSHAKE_MESSAGE_BYTES,
  MAX_HANDSHAKE_MS,
  MAX_OCSP_WAIT_MS,
  MAX_RECORDS_PER_KEY,
  MAX_WAITING_BYTES,
  MAX_WARNINGS,
} from '../limits';
import { equalConstantTime, wipe } from '../crypto/constant-time';
import { Sm3 } from '../crypto/sm3';
import { Certificate } from '../x509/certificate';
import { CertificateFault } from '../x509/fault';
import { draftBegin, draftBytes, draftEnd, draftStart } from './draft';
import { GrowingBytes } from './growing-bytes';
import { deriveKeyBlock, deriveVerify } from './prf';
import {
  Alert,
  ContentType,
  FATAL,
  isGcm,
  MASTER_BYTES,
  FRAGMENT_BYTES,
  PROTECTED_BYTES,
  Message,
  MESSAGE_HEADER_BYTES,
  RECORD_HEADER_BYTES,
  VERIFY_BYTES,
  VERSION,
  WARNING,
} from './protocol';
import { alertOf } from './certificate-alert';
import { Reason } from './reason';
import { Direction, EXPANSION_BYTES } from './record-cipher';
import { RevocationCheck } from './revocation-check';
import { Session } from './session';
import { Settings } from './settings';
import { State } from './state';

/** Client's key of the code, server's; client's key, server's (CBC). Client's key, server's; salts (GCM). */
const KEY_BLOCK_BYTES: u32 = 96;
const GCM_KEY_BLOCK_BYTES: u32 = 40;

const SHORT: usize = memory.data(16, 16);
const VERIFY: usize = memory.data(16, 16);
/** SM3 of the messages before the one that is being handled. */
export const SNAPSHOT: usize = memory.data(32, 16);
const snapshot: Sm3 = new Sm3();

export abstract class Connection {
  readonly output: GrowingBytes = new GrowingBytes(MAX_WAITING_BYTES);
  readonly plain: GrowingBytes = new GrowingBytes(MAX_WAITING_BYTES);
  state: State = State.Start;
  reason: Reason = Reason.None;
  alertSent: Alert = Alert.None;
  alertReceived: Alert = Alert.None;
  /** Why the other side's certificates are not accepted. */
  certificateFault: CertificateFault = CertificateFault.None;
  suite: u32 = 0;
  resumed: bool = false;
  /** Session that the handshake created, for resumption. A client's is complete when the connection is open. */
  session: Session | null = null;
  /** The other side's certificates, once accepted; `peerEncrypt` is null after a resumption. */
  peerSign: Certificate | null = null;
  peerEncrypt: Certificate | null = null;
  /** The protocol that ALPN chose; empty: none. */
  protocol: StaticArray<u8> = [];

  protected readonly reading: Direction = new Direction();
  protected readonly writing: Direction = new Direction();
  protected readonly transcript: Sm3 = new Sm3();
  /** Client's random, server's random, master secret. */
  private readonly secrets: StaticArray<u8> = new StaticArray<u8>(112);
  private readonly keyBlock: StaticArray<u8> = new StaticArray<u8>(96);
  protected readonly incoming: GrowingBytes = new GrowingBytes(RECORD_HEADER_BYTES + PROTECTED_BYTES);
  protected readonly message: GrowingBytes = new GrowingBytes(
    MAX_HANDSHAKE_MESSAGE_BYTES + MESSAGE_HEADER_BYTES + FRAGMENT_BYTES,
  );
  /** The handshake so far, for a CertificateVerify over the messages themselves. */
  protected readonly messages: GrowingBytes = new GrowingBytes(2 * MAX_HANDSHAKE_BYTES);
  /** The other side's certificates, while or after they are looked up; its `question` is for the host. */
  revocation: RevocationCheck | null = null;
  /** Bytes of the network that came while a question was open. */
  protected held: GrowingBytes = new GrowingBytes(2 * MAX_HANDSHAKE_BYTES);
  private handshakeBytes: u32 = 0;
  private emptyRecords: u32 = 0;
  private warnings: u32 = 0;
  private anyRecord: bool = false;

  constructor(
    public settings: Settings,
    readonly isServer: bool,
  ) {}

  /** A message of the handshake; SNAPSHOT is the digest of those before it. False: `fail` was called. */
  protected abstract onMessage(type: u32, body: usize, length: u32): bool;
  /** Both sides' Finished are through. */
  protected abstract onOpen(): void;
  /** A fatal alert was sent or came. */
  protected abstract onFailed(): void;

  /** Whether a question to a responder is open: `answer` or `expire` goes on. */
  get isAsking(): bool {
    const check = this.revocation;
    return check != null && check.question != null && this.isLive;
  }

  get isLive(): bool {
    return this.state < State.Closed;
  }

  protected get clientRandom(): usize {
    return changetype<usize>(this.secrets);
  }

  protected get serverRandom(): usize {
    return changetype<usize>(this.secrets) + 32;
  }

  protected get master(): usize {
    return changetype<usize>(this.secrets) + 64;
  }

  /** Takes bytes of the network, in pieces of any size. False: the connection has ended; `output` may hold an alert. */
  receive(data: usize, length: u32): bool {
    const incoming = this.incoming;
    while (length > 0 && this.isLive && !this.isAsking) {
      const held = incoming.length;
      const whole = held < RECORD_HEADER_BYTES ? RECORD_HEADER_BYTES : this.recordBytes();
      const taken = min(whole - held, length);
      if (!incoming.append(data, taken)) return this.fail(Alert.InternalError, Reason.TooMuchWaiting);
      data += taken;
      length -= taken;
      if (incoming.length < RECORD_HEADER_BYTES) continue;
      if (!this.isHeaderGood()) break;
      if (incoming.length < this.recordBytes()) continue;
      this.anyRecord = true;
      this.onRecord();
      incoming.clear();
    }
    if (incoming.length == 0 || !this.isLive) incoming.release();
    if (this.isLive && !this.held.append(data, length)) this.fail(Alert.InternalError, Reason.TooMuchWaiting);
    return this.isLive;
  }

  /** Sends `length` bytes of the application, in as many records as it takes; no bytes are one empty record. */
  send(data: usize, length: u32): bool {
    if (this.state != State.Open) return false;
    do {
      const part = min(length, FRAGMENT_BYTES);
      if (this.writing.sequence >= MAX_RECORDS_PER_KEY) return this.end(Reason.RecordsPerKey);
      if (!this.writeRecord(ContentType.ApplicationData, data, part))
        return this.fail(Alert.InternalError, Reason.TooMuchWaiting);
      data += part;
      length -= part;
    } while (length > 0);
    return true;
  }

  /** Says `close_notify` and ends. */
  close(): void {
    if (this.isLive) this.end(Reason.Closed);
  }

  /** Takes a responder's answer to the open question; no bytes: there is none, and the declared fallback decides. */
  answer(der: usize, length: u32): bool {
    const check = this.revocation;
    if (!check || !this.isAsking) return this.isLive;
    const now = this.settings.now;
    const said = check.answer(der, length, now);
    const fault = said == CertificateFault.None ? check.goOn(now) : said;
    if (!this.takeFault(fault) || this.isAsking) return this.isLive;
    // The rest of the messages of the record, then what came meanwhile.
    this.onHandshake(0, 0);
    const held = this.held;
    this.held = new GrowingBytes(2 * MAX_HANDSHAKE_BYTES);
    this.receive(held.start, held.length);
    held.release();
    return this.isLive;
  }

  /** Looks up certificates that were verified. False: `fail` was called. */
  protected lookUp(links: Array<Certificate>): bool {
    const revocation = this.settings.revocation;
    if (!revocation.isUsed) return true;
    const check = new RevocationCheck(revocation, links);
    this.revocation = check;
    return this.takeFault(check.goOn(this.settings.now));
  }

  private takeFault(fault: CertificateFault): bool {
    if (fault == CertificateFault.None) return true;
    if (this.isServer || this.settings.checksPeer) return this.failCertificate(fault);
    this.certificateFault = fault;
    return true;
  }

  /** Ends a handshake that takes too long; `ageMs`: since the connection came. */
  expire(ageMs: u64): void {
    if (ageMs > MAX_OCSP_WAIT_MS && this.isAsking) this.answer(0, 0);
    if (ageMs > MAX_HANDSHAKE_MS && this.isLive && this.state != State.Open)
      this.fail(Alert.HandshakeFailure, Reason.Timeout);
  }

  /** Gives back what is not managed memory. To be called when the connection is gone, however it ended. */
  release(): void {
    if (this.isLive) this.stop(State.Closed, Reason.Closed);
    this.incoming.release();
    this.held.release();
    this.output.release();
    this.plain.release();
  }

  /** Ends by a fatal alert. Always false. */
  fail(alert: Alert, reason: Reason): bool {
    if (!this.isLive) return false;
    this.sendAlert(FATAL, alert);
    this.stop(State.Failed, reason);
    return false;
  }

  protected failCertificate(fault: CertificateFault): bool {
    this.certificateFault = fault;
    return this.fail(alertOf(fault), Reason.Certificate);
  }

  /** Ends by `close_notify`. Always false. */
  private end(reason: Reason): bool {
    this.sendAlert(WARNING, Alert.CloseNotify);
    this.stop(State.Closed, reason);
    return false;
  }

  private stop(state: State, reason: Reason): void {
    this.state = state;
    this.reason = reason;
    if (state == State.Failed) this.onFailed();
    this.forgetHandshake();
    this.reading.forget();
    this.writing.forget();
    wipe(this.master, MASTER_BYTES);
  }

  /** Overwrites and gives back what only the handshake needs. */
  private forgetHandshake(): void {
    wipe(changetype<usize>(this.keyBlock), KEY_BLOCK_BYTES);
    this.message.release();
    this.messages.release();
    this.held.release();
  }

  private sendAlert(level: u8, alert: Alert): void {
    this.alertSent = alert;
    store<u8>(SHORT, level);
    store<u8>(SHORT, <u8>alert, 1);
    this.writeRecord(ContentType.Alert, SHORT, 2);
  }

  private recordBytes(): u32 {
    return RECORD_HEADER_BYTES + bswap<u16>(load<u16>(this.incoming.start, 3));
  }

  private isHeaderGood(): bool {
    const header = this.incoming.start;
    const type = <u32>load<u8>(header);
    const version = <u32>bswap<u16>(load<u16>(header, 1));
    if (type < <u32>ContentType.ChangeCipherSpec || type > <u32>ContentType.ApplicationData)
      return this.fail(Alert.UnexpectedMessage, this.anyRecord ? Reason.RecordType : Reason.OtherProtocol);
    if (version != VERSION)
      return this.fail(Alert.ProtocolVersion, this.anyRecord ? Reason.RecordVersion : Reason.OtherProtocol);
    const length = this.recordBytes() - RECORD_HEADER_BYTES;
    if (length > (this.reading.isProtected ? PROTECTED_BYTES : FRAGMENT_BYTES))
      return this.fail(Alert.RecordOverflow, Reason.RecordTooLong);
    return true;
  }

  private onRecord(): bool {
    const record = this.incoming.start;
    const type = <u32>load<u8>(record);
    if (this.reading.sequence >= MAX_RECORDS_PER_KEY) return this.end(Reason.RecordsPerKey);
    const body = record + RECORD_HEADER_BYTES;
    const length = this.reading.open(type, body, this.incoming.length - RECORD_HEADER_BYTES);
    if (length < 0) return this.fail(Alert.BadRecordMac, Reason.RecordForged);
    if (<u32>length > FRAGMENT_BYTES) return this.fail(Alert.RecordOverflow, Reason.RecordTooLong);
    const content = body + this.reading.prefixBytes;
    if (length > 0) this.emptyRecords = 0;
    else if (type != ContentType.ApplicationData || ++this.emptyRecords > MAX_EMPTY_RECORDS)
      return this.fail(Alert.UnexpectedMessage, Reason.EmptyRecords);
    if (type == ContentType.Handshake) return this.onHandshake(content, length);
    if (type == ContentType.Alert) return this.onAlert(content, length);
    if (type == ContentType.ChangeCipherSpec) return this.onChangeCipherSpec(content, length);
    if (this.state != State.Open) return this.fail(Alert.UnexpectedMessage, Reason.MessageUnexpected);
    return this.plain.append(content, length) || this.fail(Alert.InternalError, Reason.TooMuchWaiting);
  }

  private onAlert(alert: usize, length: u32): bool {
    if (length != 2) return this.fail(Alert.DecodeError, Reason.MessageMalformed);
    const what = <u32>load<u8>(alert, 1);
    this.alertReceived = <Alert>what;
    if (what == Alert.CloseNotify) return this.end(Reason.PeerClosed);
    if (load<u8>(alert) != WARNING) {
      this.stop(State.Failed, Reason.PeerAlert);
      return false;
    }
    return ++this.warnings <= MAX_WARNINGS || this.fail(Alert.UnexpectedMessage, Reason.Warnings);
  }

  private onChangeCipherSpec(content: usize, length: u32): bool {
    if (this.state != State.ChangeCipherSpec || this.message.length > 0)
      return this.fail(Alert.UnexpectedMessage, Reason.MessageUnexpected);
    if (length != 1 || load<u8>(content) != 1) return this.fail(Alert.DecodeError, Reason.MessageMalformed);
    this.setKeys(this.reading, !this.isServer);
    this.state = State.Finished;
    return true;
  }

  private onHandshake(content: usize, length: u32): bool {
    const message = this.message;
    if (!message.append(content, length)) return this.fail(Alert.InternalError, Reason.TooMuchWaiting);
    while (message.length >= MESSAGE_HEADER_BYTES) {
      const start = message.start;
      const size = ((<u32>load<u8>(start, 1)) << 16) | bswap<u16>(load<u16>(start, 2));
      if (size > MAX_HANDSHAKE_MESSAGE_BYTES) return this.fail(Alert.DecodeError, Reason.MessageTooLong);
      const whole = MESSAGE_HEADER_BYTES + size;
      if (message.length < whole) break;
      this.handshakeBytes += whole;
      if (this.handshakeBytes > MAX_HANDSHAKE_BYTES) return this.fail(Alert.HandshakeFailure, Reason.HandshakeTooLong);
      if (!this.dispatch(start, whole)) return false;
      message.consume(whole);
      if (this.isAsking) break;
    }
    return true;
  }

  private dispatch(message: usize, whole: u32): bool {
    const type = <u32>load<u8>(message);
    const length = whole - MESSAGE_HEADER_BYTES;
    if (type == Message.HelloRequest && !this.isServer) {
      if (length > 0) return this.fail(Alert.DecodeError, Reason.MessageMalformed);
      return this.state == State.Open ? this.refuseRenegotiation() : true;
    }
    if (type == Message.ClientHello && this.state == State.Open) return this.refuseRenegotiation();
    this.transcriptDigest(SNAPSHOT);
    this.absorb(message, whole);
    if (type == Message.Finished) return this.onFinished(message + MESSAGE_HEADER_BYTES, length);
    return this.onMessage(type, message + MESSAGE_HEADER_BYTES, length);
  }

  private refuseRenegotiation(): bool {
    if (++this.warnings > MAX_WARNINGS) return this.fail(Alert.UnexpectedMessage, Reason.Warnings);
    this.sendAlert(WARNING, Alert.NoRenegotiation);
    this.alertSent = Alert.None; // it goes on
    return true;
  }

  private onFinished(body: usize, length: u32): bool {
    if (this.state != State.Finished) return this.fail(Alert.UnexpectedMessage, Reason.MessageUnexpected);
    if (length != VERIFY_BYTES) return this.fail(Alert.DecodeError, Reason.MessageMalformed);
    deriveVerify(this.master, this.isServer, SNAPSHOT, VERIFY);
    const equal = equalConstantTime(VERIFY, body, VERIFY_BYTES);
    wipe(VERIFY, VERIFY_BYTES);
    if (!equal) return this.fail(Alert.DecryptError, Reason.Finished);
    // The side that finishes second sends nothing more.
    if (!this.writing.isProtected && !this.answerFinished()) return false;
    this.state = State.Open;
    this.forgetHandshake();
    this.onOpen();
    wipe(this.master, MASTER_BYTES);
    return true;
  }

  /** The side that is finished first answers: ChangeCipherSpec and Finished; a server's ticket goes before. */
  protected answerFinished(): bool {
    return this.sendFinished();
  }

  /** Sends the message of draft.ts, in records of its own. */
  protected sendDraft(): bool {
    const length = draftEnd();
    if (length == 0) return this.fail(Alert.InternalError, Reason.MessageTooLong);
    let from = draftStart();
    this.absorb(from, length);
    for (let left = length; left > 0;) {
      const part = min(left, FRAGMENT_BYTES);
      if (!this.writeRecord(ContentType.Handshake, from, part))
        return this.fail(Alert.InternalError, Reason.TooMuchWaiting);
      from += part;
      left -= part;
    }
    return true;
  }

  /** Derives the key block from the master secret. */
  protected deriveKeys(): void {
    const length = isGcm(this.suite) ? GCM_KEY_BLOCK_BYTES : KEY_BLOCK_BYTES;
    deriveKeyBlock(this.master, this.clientRandom, this.serverRandom, changetype<usize>(this.keyBlock), length);
  }

  /** Sends ChangeCipherSpec, takes the keys into use, sends Finished. */
  protected sendFinished(): bool {
    store<u8>(SHORT, 1);
    if (!this.writeRecord(ContentType.ChangeCipherSpec, SHORT, 1))
      return this.fail(Alert.InternalError, Reason.TooMuchWaiting);
    this.setKeys(this.writing, this.isServer);
    if (!this.writing.drawNonce(this.settings.chance)) return this.fail(Alert.InternalError, Reason.Randomness);
    this.transcriptDigest(SNAPSHOT);
    deriveVerify(this.master, !this.isServer, SNAPSHOT, VERIFY);
    draftBegin(Message.Finished);
    draftBytes(VERIFY, VERIFY_BYTES);
    wipe(VERIFY, VERIFY_BYTES);
    return this.sendDraft();
  }

  private absorb(message: usize, length: u32): void {
    this.transcript.update(message, length);
    // Both sides together cannot have more than there is room for.
    if (this.state < State.ChangeCipherSpec && (this.isServer || this.settings.signsMessages))
      this.messages.append(message, length);
  }

  /** SM3 of the messages so far. */
  protected transcriptDigest(out: usize): void {
    snapshot.resumeFrom(this.transcript);
    snapshot.digest(out);
  }

  private setKeys(direction: Direction, ofServer: bool): void {
    const block = changetype<usize>(this.keyBlock);
    const side: usize = ofServer ? 1 : 0;
    if (isGcm(this.suite)) direction.setKeys(true, 0, block + side * 16, block + 32 + side * 4);
    else direction.setKeys(false, block + side * 32, block + 64 + side * 16, 0);
  }

  private writeRecord(type: u32, data: usize, length: u32): bool {
    const to = this.output.reserve(RECORD_HEADER_BYTES + length + EXPANSION_BYTES);
    if (to == 0) return false;
    const body = to + RECORD_HEADER_BYTES;
    memory.copy(body + this.writing.prefixBytes, data, length);
    const size = this.writing.seal(type, body, length, this.settings.chance);
    if (size == 0 && length > 0) return false;
    store<u8>(to, <u8>type);
    store<u16>(to, bswap<u16>(<u16>VERSION), 1);
    store<u16>(to, bswap<u16>(<u16>size), 3);
    this.output.advance(RECORD_HEADER_BYTES + size);
    return true;
  }
}
