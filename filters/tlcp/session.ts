// State of a connection that both sides keep to resume it: by id (GB/T 38636-2020, 6.4.1) in the server's memory, or by
// a ticket (RFC 5077) that the client keeps.
import { MAX_CERTIFICATE_BYTES, MAX_KEPT_SESSIONS, MAX_TICKET_BYTES, MAX_TICKET_KEYS } from '../limits';
import { wipe } from '../crypto/constant-time';
import { Sm4Gcm } from '../crypto/sm4-gcm';
import { Certificate } from '../x509/certificate';
import { keptCertificate } from '../x509/certificate-cache';
import { Chain } from '../x509/chain';
import { Chance } from './chance';
import { isSuite, MASTER_BYTES, SESSION_ID_BYTES } from './protocol';

export class Session {
  suite: u32 = 0;
  /** Seconds since 1970-01-01. */
  created: i64 = 0;
  /** Until when all that was verified of the other side holds: certificates, lists, answers of responders. */
  until: i64 = i64.MAX_VALUE;
  idLength: u32 = 0;
  /** The certificate for signatures that the other side proved, if it had to. */
  peer: Certificate | null = null;
  /** Certificates that came with it, in the memory of the server that verified them. */
  chain: Chain | null = null;
  /** A ticket that the server gave; for a client. */
  ticket: StaticArray<u8> | null = null;
  /** Master secret (48), id (32), context (32), digest of the server's name (32). */
  private readonly bytes: StaticArray<u8> = new StaticArray<u8>(144);

  get master(): usize {
    return changetype<usize>(this.bytes);
  }

  get id(): usize {
    return changetype<usize>(this.bytes) + 48;
  }

  /** Policy of the server. A session is useless under another. */
  get context(): usize {
    return changetype<usize>(this.bytes) + 80;
  }

  get name(): usize {
    return changetype<usize>(this.bytes) + 112;
  }

  /** Whether it may be resumed at `now`, `seconds` after its full handshake at most. */
  isFresh(now: i64, seconds: i64): bool {
    const peer = this.peer;
    const age = now - this.created;
    const holds = peer == null || (now >= peer.notBefore && now <= peer.notAfter);
    return age >= 0 && age <= seconds && now <= this.until && holds;
  }

  wipe(): void {
    wipe(this.master, MASTER_BYTES);
  }
}

/** Sessions of a server by their ids, the latest MAX_KEPT_SESSIONS. */
export class SessionCache {
  private readonly byId: Map<u64, Session> = new Map<u64, Session>();
  private readonly order: StaticArray<u64> = new StaticArray<u64>(MAX_KEPT_SESSIONS);
  private next: i32 = 0;

  put(session: Session): void {
    const id = load<u64>(session.id); // its bytes are random
    const oldest = unchecked(this.order[this.next]);
    if (this.byId.has(oldest)) {
      this.byId.get(oldest).wipe();
      this.byId.delete(oldest);
    }
    unchecked((this.order[this.next] = id));
    this.next = (this.next + 1) % MAX_KEPT_SESSIONS;
    this.byId.set(id, session);
  }

  find(id: usize, length: u32): Session | null {
    if (length != SESSION_ID_BYTES) return null;
    const key = load<u64>(id);
    if (!this.byId.has(key)) return null;
    const session = this.byId.get(key);
    return memory.compare(session.id, id, SESSION_ID_BYTES) == 0 ? session : null;
  }

  /** Forgets a session whose connection ended by a fatal alert. */
  drop(id: usize): void {
    const session = this.find(id, SESSION_ID_BYTES);
    if (!session) return;
    session.wipe();
    this.byId.delete(load<u64>(id));
  }
}

const NAME_BYTES: u32 = 16;
const IV_BYTES: u32 = 12;
const TAG_BYTES: u32 = 16;
/** Version, suite, both times, master secret, name of the server, length of the certificate. */
const STATE_BYTES: u32 = 1 + 2 + 8 + 8 + MASTER_BYTES + 32 + 2;
const TICKET_VERSION: u8 = 2;
/** Bytes of one key of tickets: its name and an SM4 key. */
export const TICKET_KEY_BYTES: u32 = 32;

const STATE: usize = memory.data(4096, 16);
/** Name of the key, then the context: what a ticket is bound to. */
const BOUND: usize = memory.data(48, 16);

/** Keys of tickets; the first makes them. */
export class TicketKeys {
  private readonly names: StaticArray<u8> = new StaticArray<u8>(MAX_TICKET_KEYS * <i32>NAME_BYTES);
  private readonly keys: Array<Sm4Gcm> = [];

  /** From `count` keys of TICKET_KEY_BYTES; more than MAX_TICKET_KEYS are left out. */
  constructor(keys: usize, count: i32) {
    for (let i = 0; i < min(count, MAX_TICKET_KEYS); i++) {
      const key = keys + <usize>i * TICKET_KEY_BYTES;
      memory.copy(this.nameOf(i), key, NAME_BYTES);
      const cipher = new Sm4Gcm();
      cipher.setKey(key + NAME_BYTES);
      this.keys.push(cipher);
    }
  }

  /** Writes a ticket of at most MAX_TICKET_BYTES; 0: it would be too long, or the host has no randomness. */
  seal(session: Session, chance: Chance, out: usize): u32 {
    const peer = session.peer;
    const certificateBytes: u32 = peer ? peer.length : 0;
    const length = STATE_BYTES + certificateBytes;
    if (this.keys.length == 0 || length + NAME_BYTES + IV_BYTES + TAG_BYTES > MAX_TICKET_BYTES) return 0;
    store<u8>(STATE, TICKET_VERSION);
    store<u16>(STATE, <u16>session.suite, 1);
    store<i64>(STATE, session.created, 3);
    store<i64>(STATE, session.until, 11);
    memory.copy(STATE + 19, session.master, MASTER_BYTES);
    memory.copy(STATE + 67, session.name, 32);
    store<u16>(STATE, <u16>certificateBytes, 99);
    if (peer) memory.copy(STATE + STATE_BYTES, peer.der, certificateBytes);
    const iv = out + NAME_BYTES;
    const text = iv + IV_BYTES;
    const drawn = chance.bytes(iv, IV_BYTES);
    if (drawn) {
      memory.copy(out, this.nameOf(0), NAME_BYTES);
      this.bind(0, session.context);
      this.keys[0].encrypt(iv, IV_BYTES, BOUND, 48, STATE, text, length, text + length);
    }
    wipe(STATE, length);
    return drawn ? NAME_BYTES + IV_BYTES + length + TAG_BYTES : 0;
  }

  /** The session of a ticket that one of the keys made under `context`; null: it is none. */
  open(ticket: usize, length: u32, context: usize): Session | null {
    const around = NAME_BYTES + IV_BYTES + TAG_BYTES;
    if (length < around + STATE_BYTES || length > MAX_TICKET_BYTES) return null;
    const size = length - around;
    for (let i = 0; i < this.keys.length; i++) {
      if (memory.compare(this.nameOf(i), ticket, NAME_BYTES) != 0) continue;
      const iv = ticket + NAME_BYTES;
      const text = iv + IV_BYTES;
      this.bind(i, context);
      if (!this.keys[i].decrypt(iv, IV_BYTES, BOUND, 48, text, STATE, size, text + size)) continue;
      const session = readState(size, context);
      wipe(STATE, size);
      return session;
    }
    return null;
  }

  /** Whether a ticket was made by the key that makes them now. */
  isCurrent(ticket: usize, length: u32): bool {
    return length > NAME_BYTES && memory.compare(this.nameOf(0), ticket, NAME_BYTES) == 0;
  }

  private nameOf(i: i32): usize {
    return changetype<usize>(this.names) + <usize>(i * <i32>NAME_BYTES);
  }

  private bind(i: i32, context: usize): void {
    memory.copy(BOUND, this.nameOf(i), NAME_BYTES);
    memory.copy(BOUND + NAME_BYTES, context, 32);
  }
}

function readState(size: u32, context: usize): Session | null {
  const certificateBytes = <u32>load<u16>(STATE, 99);
  const suite = <u32>load<u16>(STATE, 1);
  if (load<u8>(STATE) != TICKET_VERSION || !isSuite(suite)) return null;
  if (certificateBytes > MAX_CERTIFICATE_BYTES || STATE_BYTES + certificateBytes != size) return null;
  const session = new Session();
  session.suite = suite;
  session.created = load<i64>(STATE, 3);
  session.until = load<i64>(STATE, 11);
  memory.copy(session.master, STATE + 19, MASTER_BYTES);
  memory.copy(session.name, STATE + 67, 32);
  memory.copy(session.context, context, 32);
  if (certificateBytes > 0) {
    const kept = keptCertificate(STATE + STATE_BYTES, certificateBytes);
    session.peer = kept ? kept : Certificate.parse(STATE + STATE_BYTES, certificateBytes);
    if (!session.peer) return null;
  }
  return session;
}
