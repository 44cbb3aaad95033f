// The server's side of the handshake (GB/T 38636-2020, 6.4).
import { MAX_TICKET_BYTES } from '../limits';
import { wipe } from '../crypto/constant-time';
import { Sm2PrivateKey } from '../crypto/sm2-key';
import { Sm3 } from '../crypto/sm3';
import { FOR_CLIENTS } from '../x509/extensions';
import { Chain } from '../x509/chain';
import { CertificateFault } from '../x509/fault';
import {
  draftCertificates,
  draftRequest,
  draftSignature,
  isSigned,
  listFault,
  readCertificates,
} from './certificate-message';
import { Connection, SNAPSHOT } from './connection';
import { Cursor } from './cursor';
import { draft16, draft24, draft8, draftBegin, draftBytes, draftClose, draftOpen } from './draft';
import { bytesOf } from './growing-bytes';
import { ClientHello } from './hello';
import {
  agree,
  decryptPreMaster,
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
  MESSAGE_HEADER_BYTES,
  PRE_MASTER_BYTES,
  RANDOM_BYTES,
  SESSION_ID_BYTES,
  SESSION_TICKET,
  VERSION,
} from './protocol';
import { Reason } from './reason';
import { Session } from './session';
import { Settings } from './settings';
import { State } from './state';

const SHARE: usize = memory.data(80, 16);
const NAME_DIGEST: usize = memory.data(32, 16);
const TICKET: usize = memory.data(4096, 16);
const nameHash: Sm3 = new Sm3();

export class Server extends Connection {
  /** Name that the client wants (SNI), as it wrote it; empty: none. */
  serverName: StaticArray<u8> = [];
  /** The client's certificates as they came; null: it has none, or they were of a session's ticket. */
  peerChain: Chain | null = null;
  private clientVersion: u32 = 0;
  private ephemeral: Sm2PrivateKey | null = null;
  private givesTicket: bool = false;

  constructor(settings: Settings) {
    super(settings, true);
    this.state = State.ClientHello;
  }

  /** Bytes of the heap that a handshake holds. */
  get heldBytes(): u32 {
    return this.incoming.room + this.message.room + this.messages.room + this.held.room + this.output.room;
  }

  protected onMessage(type: u32, body: usize, length: u32): bool {
    if (this.state == State.ClientHello && type == Message.ClientHello) return this.onClientHello(body, length);
    if (this.state == State.Certificate && type == Message.Certificate) return this.onCertificate(body, length);
    if (this.state == State.ClientKeyExchange && type == Message.ClientKeyExchange)
      return this.onClientKeyExchange(body, length);
    if (this.state == State.CertificateVerify && type == Message.CertificateVerify)
      return this.onCertificateVerify(body, length);
    return this.fail(Alert.UnexpectedMessage, Reason.MessageUnexpected);
  }

  protected onOpen(): void {
    const session = this.session;
    const sessions = this.settings.sessions;
    if (session && sessions && !this.resumed && session.idLength > 0) sessions.put(session);
  }

  /** A session that a fatal alert ended is not resumed (GB/T 38636-2020, 6.3.5). */
  protected onFailed(): void {
    const session = this.session;
    const sessions = this.settings.sessions;
    if (session && sessions) sessions.drop(session.id);
  }

  private onClientHello(body: usize, length: u32): bool {
    const hello = new ClientHello();
    if (!hello.read(body, length)) return this.fail(Alert.DecodeError, Reason.MessageMalformed);
    if (hello.version >> 8 != VERSION >> 8 || hello.version < VERSION)
      return this.fail(Alert.ProtocolVersion, Reason.Version);
    this.clientVersion = hello.version;
    memory.copy(this.clientRandom, hello.random, RANDOM_BYTES);
    this.serverName = bytesOf(hello.name, hello.nameLength);
    this.settings = this.settings.serving(hello.name, hello.nameLength);
    if (!this.settings.signKey) return this.fail(Alert.InternalError, Reason.NoOwnKey);
    nameHash.hash(hello.name, hello.nameLength, NAME_DIGEST);
    if (hello.protocols != 0 && !this.chooseProtocol(hello))
      return this.fail(Alert.NoApplicationProtocol, Reason.NoCommonProtocol);
    const kept = this.findSession(hello);
    if (kept) return this.resume(kept, hello);
    return this.begin(hello);
  }

  /** The first of our protocols that the client offers. True also if this side has no opinion. */
  private chooseProtocol(hello: ClientHello): bool {
    const own = this.settings.protocols;
    for (let i: u32 = 0; i < <u32>own.length;) {
      const size: u32 = 1 + unchecked(own[i]);
      for (let at: u32 = 0; at < hello.protocolsLength;) {
        const offered = hello.protocols + at;
        const offeredSize: u32 = 1 + load<u8>(offered);
        if (offeredSize == size && memory.compare(changetype<usize>(own) + i, offered, size) == 0) {
          this.protocol = bytesOf(offered + 1, size - 1);
          return true;
        }
        at += offeredSize;
      }
      i += size;
    }
    return own.length == 0;
  }

  /** A session that the client names and that holds now. */
  private findSession(hello: ClientHello): Session | null {
    const settings = this.settings;
    const tickets = settings.tickets;
    const sessions = settings.sessions;
    let session: Session | null = null;
    if (tickets && hello.ticketLength > 0) session = tickets.open(hello.ticket, hello.ticketLength, settings.context);
    if (!session && sessions) session = sessions.find(hello.id, hello.idLength);
    if (!session || !hello.offers(session.suite) || !settings.can(session.suite, true)) return null;
    if (
      !session.isFresh(settings.now, settings.sessionSeconds) ||
      (settings.needsClient(session.suite) && session.peer == null)
    )
      return null;
    if (memory.compare(session.context, settings.context, 32) != 0) return null;
    const peer = session.peer;
    // A full handshake says why.
    if (peer && (peer.notAfter < settings.now + settings.leastSeconds || settings.revocation.isListed(peer)))
      return null;
    return memory.compare(session.name, NAME_DIGEST, 32) == 0 ? session : null;
  }

  private begin(hello: ClientHello): bool {
    const settings = this.settings;
    for (let i = 0; i < settings.suites.length && this.suite == 0; i++) {
      const suite = settings.suites[i];
      if (hello.offers(suite) && settings.can(suite, true)) this.suite = suite;
    }
    if (this.suite == 0) return this.fail(Alert.HandshakeFailure, Reason.NoCommonSuite);
    const session = new Session();
    session.suite = this.suite;
    session.created = settings.now;
    memory.copy(session.context, settings.context, 32);
    memory.copy(session.name, NAME_DIGEST, 32);
    this.session = session;
    if (settings.sessions) {
      session.idLength = SESSION_ID_BYTES;
      if (!settings.chance.bytes(session.id, SESSION_ID_BYTES)) return this.noRandomness();
    }
    this.givesTicket = hello.takesTicket && settings.tickets != null;
    if (!this.sendHello(session.id, session.idLength)) return false;
    draftCertificates(settings.own, false, settings.sendsAuthorities);
    if (!this.sendDraft() || !this.sendKeyExchange()) return false;
    const asks = settings.asksClient(this.suite);
    if (asks) {
      draftRequest(settings.anchors);
      if (!this.sendDraft()) return false;
    }
    draftBegin(Message.ServerHelloDone);
    this.state = asks ? State.Certificate : State.ClientKeyExchange;
    return this.sendDraft();
  }

  private resume(session: Session, hello: ClientHello): bool {
    const tickets = this.settings.tickets;
    this.session = session;
    this.suite = session.suite;
    this.resumed = true;
    this.peerSign = session.peer;
    this.peerChain = session.chain;
    memory.copy(this.master, session.master, MASTER_BYTES);
    // A ticket under a key that is going away, or none yet: the client gets a new one.
    this.givesTicket = tickets != null && hello.takesTicket && !tickets.isCurrent(hello.ticket, hello.ticketLength);
    if (!this.sendHello(hello.id, hello.idLength)) return false;
    this.deriveKeys();
    if (this.givesTicket && !this.sendTicket()) return false;
    this.state = State.ChangeCipherSpec;
    return this.sendFinished();
  }

  private sendHello(id: usize, idLength: u32): bool {
    if (!this.settings.chance.bytes(this.serverRandom, RANDOM_BYTES)) return this.noRandomness();
    draftBegin(Message.ServerHello);
    draft16(VERSION);
    draftBytes(this.serverRandom, RANDOM_BYTES);
    draft8(idLength);
    draftBytes(id, idLength);
    draft16(this.suite);
    draft8(0);
    const protocol = this.protocol;
    if (this.givesTicket || protocol.length > 0) {
      const extensions = draftOpen();
      if (this.givesTicket) {
        draft16(SESSION_TICKET);
        draft16(0);
      }
      if (protocol.length > 0) {
        draft16(ALPN);
        draft16(protocol.length + 3);
        draft16(protocol.length + 1);
        draft8(protocol.length);
        draftBytes(changetype<usize>(protocol), protocol.length);
      }
      draftClose(extensions);
    }
    return this.sendDraft();
  }

  private sendKeyExchange(): bool {
    const settings = this.settings;
    const own = settings.own!;
    draftBegin(Message.ServerKeyExchange);
    let signed: usize = 0;
    if (isEphemeral(this.suite)) {
      const ephemeral = settings.chance.ephemeral();
      if (!ephemeral) return this.noRandomness();
      this.ephemeral = ephemeral;
      draftShare(ephemeral.publicKey);
      writeShare(ephemeral);
      signed = signedParameters(this.clientRandom, SHARE, SHARE_BYTES);
    } else signed = signedCertificate(this.clientRandom, own.encrypt!);
    if (!draftSignature(settings.signKey!, signed, signedLength, settings.chance)) return this.noRandomness();
    return this.sendDraft();
  }

  private onCertificate(body: usize, length: u32): bool {
    const chain = readCertificates(body, length);
    if (!chain) {
      if (listFault != CertificateFault.None) return this.failCertificate(listFault);
      return this.fail(Alert.DecodeError, Reason.MessageMalformed);
    }
    this.state = State.ClientKeyExchange;
    if (chain.certificates.length == 0) {
      if (!this.settings.needsClient(this.suite)) return true;
      return this.fail(Alert.HandshakeFailure, Reason.NoCertificate);
    }
    let fault = chain.choosePair(isEphemeral(this.suite));
    if (fault == CertificateFault.None) fault = chain.verify(this.settings.anchors, FOR_CLIENTS, this.settings.now);
    if (fault == CertificateFault.None && !chain.lasts(this.settings.now + this.settings.leastSeconds))
      fault = CertificateFault.Expired;
    if (fault != CertificateFault.None) return this.failCertificate(fault);
    this.peerChain = chain;
    this.peerSign = chain.sign;
    this.peerEncrypt = chain.encrypt;
    return this.lookUp(chain.links);
  }

  private onClientKeyExchange(body: usize, length: u32): bool {
    const settings = this.settings;
    const key = settings.encryptKey!;
    const ephemeral = this.ephemeral;
    if (ephemeral) {
      const cursor = new Cursor();
      cursor.open(body, length);
      // With its length in front, by the standard's grammar, or bare, as most write it.
      if (length == SHARE_BYTES + 2 && cursor.u16() != SHARE_BYTES)
        return this.fail(Alert.DecodeError, Reason.MessageMalformed);
      const share = readShare(cursor);
      const peer = this.peerEncrypt;
      if (!share || !cursor.isDone || !peer) return this.fail(Alert.IllegalParameter, Reason.KeyExchange);
      const agreed = agree(true, key, ephemeral, peer.key, share, settings);
      ephemeral.wipe();
      this.ephemeral = null;
      if (!agreed) return this.fail(Alert.IllegalParameter, Reason.KeyExchange);
    } else if (!decryptPreMaster(key, this.clientVersion, body, length, settings.chance))
      return this.fail(Alert.DecodeError, Reason.MessageMalformed);
    const session = this.session!;
    deriveMaster(
      PRE_MASTER,
      ephemeral ? settings.exchangeBytes : PRE_MASTER_BYTES,
      this.clientRandom,
      this.serverRandom,
      this.master,
    );
    wipe(PRE_MASTER, PRE_MASTER_BYTES);
    memory.copy(session.master, this.master, MASTER_BYTES);
    this.deriveKeys();
    this.state = this.peerSign ? State.CertificateVerify : State.ChangeCipherSpec;
    return true;
  }

  private onCertificateVerify(body: usize, length: u32): bool {
    const cursor = new Cursor();
    cursor.open(body, length);
    const size = cursor.u16();
    const signature = cursor.take(size);
    if (!cursor.isDone) return this.fail(Alert.DecodeError, Reason.MessageMalformed);
    const peer = this.peerSign!;
    // Over SM3 of the messages, as the standard and most have it, or over the messages, as GmSSL 3.
    const before = this.messages.length - MESSAGE_HEADER_BYTES - length;
    if (
      !isSigned(peer.key, SNAPSHOT, 32, signature, size) &&
      !isSigned(peer.key, this.messages.start, before, signature, size)
    )
      return this.fail(Alert.DecryptError, Reason.Signature);
    const session = this.session!;
    const chain = this.peerChain!;
    session.peer = peer;
    session.chain = chain;
    session.until = min(chain.end, this.settings.revocation.endOf(chain.links, this.settings.now));
    this.state = State.ChangeCipherSpec;
    return true;
  }

  protected answerFinished(): bool {
    if (this.givesTicket && !this.sendTicket()) return false;
    return this.sendFinished();
  }

  /** A ticket; an empty one if none can be made, as RFC 5077, 3.3 has it. */
  private sendTicket(): bool {
    const session = this.session!;
    const length = this.settings.tickets!.seal(session, this.settings.chance, TICKET);
    draftBegin(Message.NewSessionTicket);
    draft8(0);
    draft24(<u32>this.settings.sessionSeconds);
    draft16(length);
    draftBytes(TICKET, min(length, MAX_TICKET_BYTES));
    return this.sendDraft();
  }

  private noRandomness(): bool {
    return this.fail(Alert.InternalError, Reason.Randomness);
  }
}

/** Writes the share to SHARE, as `draftShare` does. */
function writeShare(key: Sm2PrivateKey): void {
  store<u8>(SHARE, 3);
  store<u16>(SHARE, bswap<u16>(41), 1);
  store<u8>(SHARE, 65, 3);
  key.publicKey.writeUncompressed(SHARE + 4);
}
