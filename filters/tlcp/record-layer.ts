// Records in and out, alerts, the end: the part of a connection under its handshake. Bytes of the network go in by
// `receive`; what is to be sent waits in `output`, what was received for the application in `plain`.
import {
  MAX_EMPTY_RECORDS,
  MAX_HANDSHAKE_BYTES,
  MAX_RECORDS_PER_KEY,
  MAX_WAITING_BYTES,
  MAX_WARNINGS,
} from '../limits';
import { GrowingBytes } from './growing-bytes';
import {
  Alert,
  ContentType,
  FATAL,
  FRAGMENT_BYTES,
  PROTECTED_BYTES,
  RECORD_HEADER_BYTES,
  VERSION,
  WARNING,
} from './protocol';
import { Reason } from './reason';
import { Direction, EXPANSION_BYTES } from './record-cipher';
import { Settings } from './settings';
import { State } from './state';

const SHORT: usize = memory.data(16, 16); // the two bytes of an alert

export abstract class RecordLayer {
  readonly output: GrowingBytes = new GrowingBytes(MAX_WAITING_BYTES);
  readonly plain: GrowingBytes = new GrowingBytes(MAX_WAITING_BYTES);
  state: State = State.Start;
  reason: Reason = Reason.None;
  alertSent: Alert = Alert.None;
  alertReceived: Alert = Alert.None;

  protected readonly reading: Direction = new Direction();
  protected readonly writing: Direction = new Direction();
  protected readonly incoming: GrowingBytes = new GrowingBytes(RECORD_HEADER_BYTES + PROTECTED_BYTES);
  /** Bytes of the network that came while a question was open. */
  protected held: GrowingBytes = new GrowingBytes(2 * MAX_HANDSHAKE_BYTES);
  private emptyRecords: u32 = 0;
  protected warnings: u32 = 0;
  private anyRecord: bool = false;

  constructor(
    public settings: Settings,
    readonly isServer: bool,
  ) {}

  /** Content of a handshake record; no bytes: what is held of the last is gone on with. False: it has ended. */
  protected abstract onHandshake(content: usize, length: u32): bool;
  protected abstract onChangeCipherSpec(content: usize, length: u32): bool;
  /** The connection has ended; `failed`: by a fatal alert of either side. */
  protected abstract onEnded(failed: bool): void;
  /** Whether records wait. */
  abstract get isAsking(): bool;

  get isLive(): bool {
    return this.state < State.Closed;
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

  /** Ends by a fatal alert. Always false. */
  fail(alert: Alert, reason: Reason): bool {
    if (!this.isLive) return false;
    this.sendAlert(FATAL, alert);
    this.stop(State.Failed, reason);
    return false;
  }

  /** Ends by `close_notify`. Always false. */
  protected end(reason: Reason): bool {
    this.sendAlert(WARNING, Alert.CloseNotify);
    this.stop(State.Closed, reason);
    return false;
  }

  protected stop(state: State, reason: Reason): void {
    this.state = state;
    this.reason = reason;
    this.reading.forget();
    this.writing.forget();
    this.onEnded(state == State.Failed);
  }

  protected sendAlert(level: u8, alert: Alert): void {
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

  protected writeRecord(type: u32, data: usize, length: u32): bool {
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
