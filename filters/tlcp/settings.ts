// Common settings of the connections of one listener or one client. Created when a configuration is compiled; immutable
// except for the clock.
import { MAX_TRUST_ANCHORS, SESSION_SECONDS } from '../limits';
import { Sm2PrivateKey } from '../crypto/sm2-key';
import { Sm3 } from '../crypto/sm3';
import { Certificate } from '../x509/certificate';
import { Chain } from '../x509/chain';
import { CertificateFault } from '../x509/fault';
import { addAnchors, addPem } from '../x509/pem';
import { Revocation } from '../x509/revocation';
import { Chance } from './chance';
import {
  ECC_SM4_CBC_SM3,
  ECC_SM4_GCM_SM3,
  ECDHE_SM4_CBC_SM3,
  ECDHE_SM4_GCM_SM3,
  isEphemeral,
  PRE_MASTER_BYTES,
} from './protocol';
import { SessionCache, TicketKeys } from './session';

/** Client authentication that a server asks for. The ECDHE suites always need a certificate. */
export const enum ClientAuth {
  None = 0,
  Optional = 1,
  Required = 2,
}

export class Settings {
  /** Allowed suites, the preferred first. */
  suites: Array<u32> = [ECDHE_SM4_GCM_SM3, ECC_SM4_GCM_SM3, ECDHE_SM4_CBC_SM3, ECC_SM4_CBC_SM3];
  clientAuth: ClientAuth = ClientAuth.None;
  /** Whether a client ends the handshake with a server whose certificates are not in order. Only a probe does not. */
  checksPeer: bool = true;
  /** Whether a client offers to take a ticket. */
  takesTickets: bool = true;
  /**
   * The client's messages where implementations differ: its share of ECDHE with its length in front, as the standard's
   * grammar has it and Tongsuo has not; its CertificateVerify over the messages themselves, as GmSSL 3 wants it. A
   * server takes either form of both.
   */
  framesShare: bool = false;
  signsMessages: bool = false;
  /** Whether a client sends its certificate for signatures alone with the ECC suites, as GmSSL 3.3 wants it. */
  sendsSignOnly: bool = false;
  /** Whether certificates of authorities go behind the pair, as far as they were given. */
  sendsAuthorities: bool = true;
  /** Bytes that the key exchange of ECDHE gives as pre-master secret, 16 to PRE_MASTER_BYTES; both sides' are one. */
  exchangeBytes: u32 = PRE_MASTER_BYTES;
  /** User id of both sides in that exchange; empty: the default one. */
  exchangeId: StaticArray<u8> = [];
  /** A server's sessions by id; null: none are kept. */
  sessions: SessionCache | null = null;
  /** A server's keys of tickets; null: it gives none. */
  tickets: TicketKeys | null = null;
  /** Protocols as ALPN writes them: each with its length in front, the preferred first. */
  protocols: StaticArray<u8> = [];
  /** The server that a client wants, a DNS name or an address; empty: no name is sent, none is checked. */
  host: StaticArray<u8> = [];
  chance: Chance = new Chance();
  /** Seconds since 1970-01-01; the host sets it before each call. */
  now: i64 = 0;

  anchors: Array<Certificate> = [];
  /** Lists and responders that say which certificates of the other side were revoked. */
  revocation: Revocation = new Revocation();
  own: Chain | null = null;
  /** The certificates, also while there are no keys: which names they are for. */
  shown: Chain | null = null;
  /** Remaining validity that the other side's certificates must have, seconds. */
  leastSeconds: i64 = 0;
  /** Time for which a server's session may be resumed, seconds. */
  sessionSeconds: i64 = SESSION_SECONDS;
  /** A server's settings for other names; what they do not differ in is shared. */
  readonly others: Array<Settings> = [];
  signKey: Sm2PrivateKey | null = null;
  encryptKey: Sm2PrivateKey | null = null;
  private digest: StaticArray<u8> = new StaticArray<u8>(32);

  /** Settings with other certificates of this side's. */
  sibling(): Settings {
    const other = new Settings();
    other.suites = this.suites;
    other.clientAuth = this.clientAuth;
    other.sessions = this.sessions;
    other.protocols = this.protocols;
    other.anchors = this.anchors;
    other.revocation = this.revocation;
    other.leastSeconds = this.leastSeconds;
    other.sessionSeconds = this.sessionSeconds;
    this.others.push(other);
    return other;
  }

  /** The settings whose certificate is for the name that a client wants; these, if none is. */
  serving(name: usize, length: u32): Settings {
    if (length == 0 || this.isFor(name, length)) return this;
    for (let i = 0; i < this.others.length; i++) {
      const other = unchecked(this.others[i]);
      if (!other.isFor(name, length)) continue;
      other.now = this.now;
      return other;
    }
    return this;
  }

  private isFor(name: usize, length: u32): bool {
    const shown = this.shown;
    return shown != null && shown.isFor(name, length);
  }

  /** Adds trust anchors of a PEM text. */
  trust(text: usize, length: u32): CertificateFault {
    return addAnchors(this.anchors, text, length, MAX_TRUST_ANCHORS);
  }

  /**
   * Takes the certificates of a PEM text and the keys of both, in either order. `Missing` also if a key belongs to
   * neither certificate.
   */
  identify(text: usize, length: u32, one: Sm2PrivateKey, other: Sm2PrivateKey | null): CertificateFault {
    const chain = new Chain();
    const fault = addPem(chain, text, length);
    if (fault != CertificateFault.None) return fault;
    const pairFault = chain.choosePair(other != null);
    if (pairFault != CertificateFault.None) return pairFault;
    const sign = chain.sign!.key.coordinates;
    const inOrder = one.matches(sign);
    const signKey = inOrder ? one : other;
    const encryptKey = inOrder ? other : one;
    if (!signKey || !signKey.matches(sign)) return CertificateFault.Missing;
    const encrypt = chain.encrypt;
    if (encryptKey && (!encrypt || !encryptKey.matches(encrypt.key.coordinates))) return CertificateFault.Missing;
    this.own = chain;
    this.signKey = signKey;
    this.encryptKey = encryptKey;
    return CertificateFault.None;
  }

  /** Whether this side can take a suite: it has the keys, and for ECDHE a server has somebody to trust. */
  can(suite: u32, isServer: bool): bool {
    if (!this.suites.includes(suite)) return false;
    if (!isServer) return !isEphemeral(suite) || this.encryptKey != null;
    if (!this.signKey || !this.encryptKey) return false;
    return !isEphemeral(suite) || this.anchors.length > 0;
  }

  /** Whether a server asks a client for its certificates. */
  asksClient(suite: u32): bool {
    return this.clientAuth != ClientAuth.None || isEphemeral(suite);
  }

  /** Whether no client is let in without certificates, whatever suite it has. */
  get demandsClients(): bool {
    if (this.clientAuth == ClientAuth.Required) return true;
    for (let i = 0; i < this.suites.length; i++) if (!isEphemeral(unchecked(this.suites[i]))) return false;
    return true;
  }

  /** Whether a client without certificates is refused. */
  needsClient(suite: u32): bool {
    return this.clientAuth == ClientAuth.Required || isEphemeral(suite);
  }

  /**
   * SM3 over the server's certificate, the anchors, what is asked of clients and how revocation is judged: a session
   * holds under one of these. The lists are among it, since a session does not know its client's authorities, whom a
   * new list may name.
   */
  get context(): usize {
    const out = changetype<usize>(this.digest);
    if (load<u64>(out) != 0) return out;
    const sm3 = new Sm3();
    const own = this.own;
    if (own && own.sign) sm3.update(own.sign!.der, own.sign!.length);
    this.digestTo(sm3, out);
    sm3.digest(out);
    return out;
  }

  /** Takes into a digest what is asked of clients: whom to trust, whether there must be somebody, revocation. `room`: a byte. */
  digestTo(sm3: Sm3, room: usize): void {
    for (let i = 0; i < this.anchors.length; i++) sm3.update(this.anchors[i].der, this.anchors[i].length);
    store<u8>(room, <u8>this.clientAuth);
    sm3.update(room, 1);
    this.revocation.digestTo(sm3);
  }
}
