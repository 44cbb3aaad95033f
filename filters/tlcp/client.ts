// The client's side of the handshake (GB/T 38636-2020, 6.4).
import { MAX_TICKET_BYTES } from '../limits';
import { wipe } from '../crypto/constant-time';
import { Sm2PublicKey } from '../crypto/sm2-key';
import { Chain } from '../x509/chain';
import { FOR_SERVERS } from '../x509/extensions';
import { CertificateFault } from '../x509/fault';
import { isAddress } from '../x509/names';
import {
  draftCertificates,
  draftSignature,
  isRequest,
  isSigned,
  listFault,
  readCertificates,
} from './certificate-message';
import { Connection } from './connection';
import { Cursor } from './cursor';
import { draft16, draft8, draftBegin, draftBytes, draftClose, draftOpen } from './draft';
import { bytesOf } from './growing-bytes';
import {
  agree,
  draftEncrypted,
  draftShare,
  PRE_MASTER,
  readShare,
  SHARE_BYTES,
  signedCertificate,
  signedLength,
  signedParameters,
} from './key-exchange';
import { deriveMaster } from './prf';
import {
  Alert,
  ALPN,
  isEphemeral,
  MASTER_BYTES,
  Message,
  NO_INSECURE_RENEGOTIATION,
  PRE_MASTER_BYTES,
  RANDOM_BYTES,
  SERVER_NAME,
  SESSION_ID_BYTES,
  SESSION_TICKET,
  VERSION,
} from './protocol';
import { Reason } from './reason';
import { Session } from './session';
import { Settings } from './settings';
import { State } from './state';

/** The digest of the transcript that a CertificateVerify signs. */
const TRANSCRIPT: usize = memory.data(32, 16);

export class Client extends Connection {
  /** The server's certificates as they came, accepted or not; null after a resumption. */
  chain: Chain | null = null;
  /** Whether the server asked for certificates. */
  wasAsked: bool = false;
  private offered: Session | null = null;
  private share: Sm2PublicKey | null = null;
  private expectsTicket: bool = false;
  /** The id that was sent. */
  private readonly id: StaticArray<u8> = new StaticArray<u8>(32);
  private idLength: u32 = 0;

  constructor(settings: Settings) {
    super(settings, false);
  }

  /** Writes the ClientHello. `session`: to be resumed, if the server still knows it. */
  begin(session: Session | null): bool {
    const settings = this.settings;
    const chance = settings.chance;
    this.offered = session;
    if (!chance.bytes(this.clientRandom, RANDOM_BYTES)) return this.noRandomness();
    const ticket = session ? session.ticket : null;
    if (ticket) {
      // The server tells by the same id that it took the ticket (RFC 5077, 3.4).
      this.idLength = SESSION_ID_BYTES;
      if (!chance.bytes(changetype<usize>(this.id), SESSION_ID_BYTES)) return this.noRandomness();
    } else if (session) {
      this.idLength = session.idLength;
      memory.copy(changetype<usize>(this.id), session.id, session.idLength);
    }
    draftBegin(Message.ClientHello);
    draft16(VERSION);
    draftBytes(this.clientRandom, RANDOM_BYTES);
    draft8(this.idLength);
    draftBytes(changetype<usize>(this.id), this.idLength);
    const suites = draftOpen();
    for (let i = 0; i < settings.suites.length; i++)
      if (settings.can(settings.suites[i], false)) draft16(settings.suites[i]);
    draft16(NO_INSECURE_RENEGOTIATION);
    draftClose(suites);
    draft8(1);
    draft8(0);
    this.draftExtensions(ticket);
    this.state = State.ServerHello;
    return this.sendDraft();
  }

  protected onMessage(type: u32, body: usize, length: u32): bool {
    const state = this.state;
    if (state == State.ServerHello && type == Message.ServerHello) return this.onServerHello(body, length);
    if (state == State.Certificate && type == Message.Certificate) return this.onCertificate(body, length);
    if (state == State.ServerKeyExchange && type == Message.ServerKeyExchange)
      return this.onServerKeyExchange(body, length);
    if (state == State.RequestOrDone && type == Message.CertificateRequest) return this.onRequest(body, length);
    if ((state == State.RequestOrDone || state == State.Done) && type == Message.ServerHelloDone)
      return length == 0 ? this.secondFlight() : this.fail(Alert.DecodeError, Reason.MessageMalformed);
    if (state == State.Ticket && type == Message.NewSessionTicket) return this.onTicket(body, length);
    return this.fail(Alert.UnexpectedMessage, Reason.MessageUnexpected);
  }

  protected onOpen(): void {}

  protected onFailed(): void {}

  private draftExtensions(ticket: StaticArray<u8> | null): void {
    const settings = this.settings;
    const host = settings.host;
    const hostLength = <u32>host.length;
    const named = hostLength > 0 && !isAddress(changetype<usize>(host), hostLength);
    const protocols = settings.protocols;
    if (!named && protocols.length == 0 && !settings.takesTickets) return;
    const extensions = draftOpen();
    if (named) {
      draft16(SERVER_NAME);
      draft16(hostLength + 5);
      draft16(hostLength + 3);
      draft8(0);
      draft16(hostLength);
      draftBytes(changetype<usize>(host), hostLength);
    }
    if (protocols.length > 0) {
      draft16(ALPN);
      draft16(protocols.length + 2);
      draft16(protocols.length);
      draftBytes(changetype<usize>(protocols), protocols.length);
    }
    if (settings.takesTickets) {
      const length: u32 = ticket ? ticket.length : 0;
      draft16(SESSION_TICKET);
      draft16(length);
      if (ticket) draftBytes(changetype<usize>(ticket), length);
    }
    draftClose(extensions);
  }

  private onServerHello(body: usize, length: u32): bool {
    const cursor = new Cursor();
    cursor.open(body, length);
    const version = cursor.u16();
    const random = cursor.take(RANDOM_BYTES);
    const idLength = cursor.u8();
    const id = cursor.take(idLength);
    const suite = cursor.u16();
    const method = cursor.u8();
    if (!cursor.isGood || idLength > SESSION_ID_BYTES) return this.fail(Alert.DecodeError, Reason.MessageMalformed);
    if (version != VERSION) return this.fail(Alert.ProtocolVersion, Reason.Version);
    if (method != 0 || !this.settings.can(suite, false)) return this.fail(Alert.IllegalParameter, Reason.NoCommonSuite);
    if (cursor.left > 0 && !this.readExtensions(cursor)) return this.fail(Alert.DecodeError, Reason.MessageMalformed);
    memory.copy(this.serverRandom, random, RANDOM_BYTES);
    this.suite = suite;
    const offered = this.offered;
    if (offered && idLength > 0 && idLength == this.idLength) {
      if (memory.compare(id, changetype<usize>(this.id), idLength) == 0) return this.resume(offered);
    }
    const session = new Session();
    session.suite = suite;
    session.created = this.settings.now;
    session.idLength = idLength;
    memory.copy(session.id, id, idLength);
    this.session = session;
    this.state = State.Certificate;
    return true;
  }

  private readExtensions(cursor: Cursor): bool {
    if (cursor.u16() != cursor.left) return false;
    while (cursor.isGood && cursor.left > 0) {
      const type = cursor.u16();
      const size = cursor.u16();
      const value = cursor.take(size);
      if (!cursor.isGood) return false;
      if (type == SESSION_TICKET && this.settings.takesTickets) this.expectsTicket = true;
      if (type != ALPN) continue;
      // One protocol: list's length, its own length.
      if (size < 4 || <u32>load<u8>(value, 2) != size - 3) return false;
      this.protocol = bytesOf(value + 3, size - 3);
    }
    return cursor.isDone;
  }

  private resume(session: Session): bool {
    if (session.suite != this.suite) return this.fail(Alert.IllegalParameter, Reason.NoCommonSuite);
    this.session = session;
    this.resumed = true;
    this.peerSign = session.peer;
    memory.copy(this.master, session.master, MASTER_BYTES);
    this.deriveKeys();
    this.state = this.expectsTicket ? State.Ticket : State.ChangeCipherSpec;
    return true;
  }

  private onCertificate(body: usize, length: u32): bool {
    const settings = this.settings;
    const chain = readCertificates(body, length);
    if (!chain) {
      if (listFault != CertificateFault.None) return this.failCertificate(listFault);
      return this.fail(Alert.DecodeError, Reason.MessageMalformed);
    }
    if (chain.certificates.length == 0) return this.fail(Alert.BadCertificate, Reason.NoCertificate);
    this.chain = chain;
    let fault = chain.choosePair(true);
    if (fault != CertificateFault.None) return this.failCertificate(fault); // there is no key to go on with
    fault = chain.verify(settings.anchors, FOR_SERVERS, settings.now);
    const host = settings.host;
    if (fault == CertificateFault.None && host.length > 0 && !chain.isFor(changetype<usize>(host), host.length))
      fault = CertificateFault.Name;
    this.certificateFault = fault;
    if (fault != CertificateFault.None && settings.checksPeer) return this.failCertificate(fault);
    this.peerSign = chain.sign;
    this.peerEncrypt = chain.encrypt;
    this.session!.peer = chain.sign;
    this.state = State.ServerKeyExchange;
    return fault != CertificateFault.None || this.lookUp(chain.links);
  }

  private onServerKeyExchange(body: usize, length: u32): bool {
    const cursor = new Cursor();
    cursor.open(body, length);
    let signed: usize = 0;
    if (isEphemeral(this.suite)) {
      this.share = readShare(cursor);
      if (!this.share) return this.fail(Alert.IllegalParameter, Reason.KeyExchange);
      signed = signedParameters(this.clientRandom, body, SHARE_BYTES);
    } else signed = signedCertificate(this.clientRandom, this.peerEncrypt!);
    const size = cursor.u16();
    const signature = cursor.take(size);
    if (!cursor.isDone) return this.fail(Alert.DecodeError, Reason.MessageMalformed);
    if (!isSigned(this.peerSign!.key, signed, signedLength, signature, size))
      return this.fail(Alert.DecryptError, Reason.Signature);
    this.state = State.RequestOrDone;
    return true;
  }

  private onRequest(body: usize, length: u32): bool {
    if (!isRequest(body, length)) return this.fail(Alert.DecodeError, Reason.MessageMalformed);
    this.wasAsked = true;
    this.state = State.Done;
    return true;
  }

  /** Everything that goes out after ServerHelloDone. */
  private secondFlight(): bool {
    const settings = this.settings;
    const signKey = settings.signKey;
    const proves = this.wasAsked && signKey != null;
    if (this.wasAsked) {
      draftCertificates(
        signKey ? settings.own : null,
        settings.sendsSignOnly && !isEphemeral(this.suite),
        settings.sendsAuthorities,
      );
      if (!this.sendDraft()) return false;
    }
    if (!this.sendKeyExchange()) return false;
    deriveMaster(
      PRE_MASTER,
      this.share ? settings.exchangeBytes : PRE_MASTER_BYTES,
      this.clientRandom,
      this.serverRandom,
      this.master,
    );
    wipe(PRE_MASTER, PRE_MASTER_BYTES);
    memory.copy(this.session!.master, this.master, MASTER_BYTES);
    this.deriveKeys();
    if (proves) {
      this.transcriptDigest(TRANSCRIPT);
      const overMessages = settings.signsMessages;
      const signed = overMessages ? this.messages.start : TRANSCRIPT;
      const length: u32 = overMessages ? this.messages.length : 32;
      draftBegin(Message.CertificateVerify);
      if (!draftSignature(signKey!, signed, length, settings.chance)) return this.noRandomness();
      if (!this.sendDraft()) return false;
    }
    this.state = this.expectsTicket ? State.Ticket : State.ChangeCipherSpec;
    return this.sendFinished();
  }

  private sendKeyExchange(): bool {
    const settings = this.settings;
    const peer = this.peerEncrypt!.key;
    const share = this.share;
    draftBegin(Message.ClientKeyExchange);
    if (!share) return draftEncrypted(peer, settings.chance) ? this.sendDraft() : this.noRandomness();
    const own = settings.encryptKey;
    if (!own || !this.wasAsked) return this.fail(Alert.HandshakeFailure, Reason.NoOwnKey);
    const ephemeral = settings.chance.ephemeral();
    if (!ephemeral) return this.noRandomness();
    if (settings.framesShare) draft16(SHARE_BYTES);
    draftShare(ephemeral.publicKey);
    const agreed = agree(false, own, ephemeral, peer, share, settings);
    ephemeral.wipe();
    return agreed ? this.sendDraft() : this.fail(Alert.IllegalParameter, Reason.KeyExchange);
  }

  private onTicket(body: usize, length: u32): bool {
    const cursor = new Cursor();
    cursor.open(body, length);
    cursor.take(4); // lifetime hint: ours is shorter than most
    const size = cursor.u16();
    const ticket = cursor.take(size);
    if (!cursor.isDone) return this.fail(Alert.DecodeError, Reason.MessageMalformed);
    if (size > 0 && size <= MAX_TICKET_BYTES) this.session!.ticket = bytesOf(ticket, size);
    this.state = State.ChangeCipherSpec;
    return true;
  }

  private noRandomness(): bool {
    return this.fail(Alert.InternalError, Reason.Randomness);
  }
}
