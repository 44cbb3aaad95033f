// The part of the handshake that both roles share, over the record layer: messages out of records, revocation, keys,
// Finished.
import {
  MAX_HANDSHAKE_BYTES,
  MAX_HANDSHAKE_MESSAGE_BYTES,
  MAX_HANDSHAKE_MS,
  MAX_OCSP_WAIT_MS,
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
  isGcm,
  MASTER_BYTES,
  FRAGMENT_BYTES,
  Message,
  MESSAGE_HEADER_BYTES,
  VERIFY_BYTES,
  WARNING,
} from './protocol';
import { alertOf } from './certificate-alert';
import { Reason } from './reason';
import { Direction } from './record-cipher';
import { RecordLayer } from './record-layer';
import { RevocationCheck } from './revocation-check';
import { Session } from './session';
import { State } from './state';

/** Client's key of the code, server's; client's key, server's (CBC). Client's key, server's; salts (GCM). */
const KEY_BLOCK_BYTES: u32 = 96;
const GCM_KEY_BLOCK_BYTES: u32 = 40;

const CHANGE: usize = memory.data(16, 16); // the one byte of ChangeCipherSpec
const VERIFY: usize = memory.data(16, 16);
/** SM3 of the messages before the one that is being handled. */
export const SNAPSHOT: usize = memory.data(32, 16);
const snapshot: Sm3 = new Sm3();

export abstract class Connection extends RecordLayer {
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

  protected readonly transcript: Sm3 = new Sm3();
  /** Client's random, server's random, master secret. */
  private readonly secrets: StaticArray<u8> = new StaticArray<u8>(112);
  private readonly keyBlock: StaticArray<u8> = new StaticArray<u8>(96);
  protected readonly message: GrowingBytes = new GrowingBytes(
    MAX_HANDSHAKE_MESSAGE_BYTES + MESSAGE_HEADER_BYTES + FRAGMENT_BYTES,
  );
  /** The handshake so far, for a CertificateVerify over the messages themselves. */
  protected readonly messages: GrowingBytes = new GrowingBytes(2 * MAX_HANDSHAKE_BYTES);
  /** The other side's certificates, while or after they are looked up; its `question` is for the host. */
  revocation: RevocationCheck | null = null;
  private handshakeBytes: u32 = 0;

  /** A message of the handshake; SNAPSHOT is the digest of those before it. False: `fail` was called. */
  protected abstract onMessage(type: u32, body: usize, length: u32): bool;
  /** Both sides' Finished are through. */
  protected abstract onOpen(): void;
  /** A fatal alert was sent or came. */
  protected abstract onFailed(): void;

  /** Whether a question to a responder is open: `answer` or `expire` goes on. Records wait meanwhile. */
  get isAsking(): bool {
    const check = this.revocation;
    return check != null && check.question != null && this.isLive;
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

  protected failCertificate(fault: CertificateFault): bool {
    this.certificateFault = fault;
    return this.fail(alertOf(fault), Reason.Certificate);
  }

  protected onEnded(failed: bool): void {
    if (failed) this.onFailed();
    this.forgetHandshake();
    wipe(this.master, MASTER_BYTES);
  }

  /** Overwrites and gives back what only the handshake needs. */
  private forgetHandshake(): void {
    wipe(changetype<usize>(this.keyBlock), KEY_BLOCK_BYTES);
    this.message.release();
    this.messages.release();
    this.held.release();
  }

  protected onChangeCipherSpec(content: usize, length: u32): bool {
    if (this.state != State.ChangeCipherSpec || this.message.length > 0)
      return this.fail(Alert.UnexpectedMessage, Reason.MessageUnexpected);
    if (length != 1 || load<u8>(content) != 1) return this.fail(Alert.DecodeError, Reason.MessageMalformed);
    this.setKeys(this.reading, !this.isServer);
    this.state = State.Finished;
    return true;
  }

  protected onHandshake(content: usize, length: u32): bool {
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
    store<u8>(CHANGE, 1);
    if (!this.writeRecord(ContentType.ChangeCipherSpec, CHANGE, 1))
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
}
