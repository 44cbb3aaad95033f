// The core as a module for hosts that bring bytes themselves (the command line, tests). Everything goes by handles and
// by one block of memory for input and texts, the room. The proxy's module uses the classes directly.
import '../runtime/abort';
import { sm2PrivateKeyFrom, sm2PrivateKeyToDer, PKCS8_BYTES } from '../crypto/sm2-key-format';
import { DEFAULT_ID, DEFAULT_ID_BYTES, Sm2PrivateKey, sm2SelfTest, sm2Sign } from '../crypto/sm2';
import { MAX_DER_SIGNATURE_BYTES, sm2SignatureToDer } from '../crypto/sm2-signature';
import { wipe } from '../crypto/constant-time';
import { IdDigest } from '../x509/ocsp-id';
import { Fallback } from '../x509/revocation';
import { Client } from './client';
import { Connection } from './connection';
import { alertText, faultText, reasonText } from './reason-text';
import { answerFaultText, listFaultText } from './revocation-text';
import { PRE_MASTER_BYTES } from './protocol';
import { Server } from './server';
import { Session, SessionCache, TICKET_KEY_BYTES, TicketKeys } from './session';
import { ClientAuth, Settings } from './settings';

const RAW: usize = memory.data(64, 16);
/** Room that answers want, bytes. */
const LEAST_ROOM_BYTES: u32 = 512;
/** Shortest pre-master secret of a key exchange. */
const LEAST_EXCHANGE_BYTES: u32 = 16;

/** Settings by handle, for extensions of this module. */
export const settingsByHandle: Map<i32, Settings> = new Map<i32, Settings>();
const connections: Map<i32, Connection> = new Map<i32, Connection>();
const sessions: Map<i32, Session> = new Map<i32, Session>();
let handles: i32 = 0;

let block: usize = 0;
let blockBytes: u32 = 0;

/** Address of at least `bytes` bytes, the same until more is asked for. */
export function room(bytes: u32): usize {
  const wanted = max(bytes, LEAST_ROOM_BYTES);
  if (wanted > blockBytes) {
    if (block != 0) heap.free(block);
    block = heap.alloc(wanted);
    blockBytes = wanted;
  }
  return block;
}

/** Overwrites the room: keys pass through it. */
export function wipeRoom(): void {
  wipe(block, blockBytes);
}

/** Whether SM2 works here. */
export function selfTest(): bool {
  return sm2SelfTest();
}

/** Gives back what nothing refers to. To be called from outside, between other calls. */
export function collect(): void {
  __collect();
}

function write(text: string): u32 {
  return <u32>String.UTF8.encodeUnsafe(changetype<usize>(text), text.length, room(<u32>text.length * 3));
}

/** Texts to the room; their lengths. */
export function writeReason(reason: i32): u32 {
  return write(reasonText(reason));
}

export function writeAlert(alert: i32): u32 {
  return write(alertText(alert));
}

export function writeFault(fault: i32): u32 {
  return write(faultText(fault));
}

export function writeListFault(fault: i32): u32 {
  return write(listFaultText(fault));
}

export function writeAnswerFault(fault: i32): u32 {
  return write(answerFaultText(fault));
}

export function newSettings(): i32 {
  settingsByHandle.set(++handles, new Settings());
  return handles;
}

/** Allows the suites that stand in the room, two bytes each, the preferred first. */
export function setSuites(handle: i32, count: i32): void {
  const suites: Array<u32> = [];
  for (let i = 0; i < count; i++) suites.push(bswap<u16>(load<u16>(block + <usize>(i << 1))));
  settingsByHandle.get(handle).suites = suites;
}

/** Trust anchors, a PEM text in the room: a fault of certificates. */
export function trust(handle: i32, length: u32): i32 {
  return settingsByHandle.get(handle).trust(block, length);
}

/**
 * Own certificates and keys, as texts in the room one after another; no second key: 0. A fault, or -1: a key is none.
 */
export function identify(handle: i32, chain: u32, one: u32, other: u32): i32 {
  const first = sm2PrivateKeyFrom(block + chain, one);
  const second = other > 0 ? sm2PrivateKeyFrom(block + chain + one, other) : null;
  if (!first || (other > 0 && !second)) return -1;
  return settingsByHandle.get(handle).identify(block, chain, first, second);
}

/** `tickets`: keys of tickets in the room. */
export function setPolicy(handle: i32, auth: i32, takesTickets: bool, keepsSessions: bool, tickets: i32): void {
  const settings = settingsByHandle.get(handle);
  settings.clientAuth = <ClientAuth>auth;
  settings.takesTickets = takesTickets;
  settings.sessions = keepsSessions ? new SessionCache() : null;
  settings.tickets = tickets > 0 ? new TicketKeys(block, tickets) : null;
  wipe(block, <u32>tickets * TICKET_KEY_BYTES);
}

/** Differences between implementations: see `Settings`. */
export function setVariants(
  handle: i32,
  framesShare: bool,
  signsMessages: bool,
  sendsSignOnly: bool,
  sendsAuthorities: bool,
): void {
  const settings = settingsByHandle.get(handle);
  settings.framesShare = framesShare;
  settings.signsMessages = signsMessages;
  settings.sendsSignOnly = sendsSignOnly;
  settings.sendsAuthorities = sendsAuthorities;
}

/** Key exchange of ECDHE: bytes of the pre-master secret, and the user id in the room; no bytes: the default one. */
export function setExchange(handle: i32, bytes: u32, idLength: u32): void {
  const settings = settingsByHandle.get(handle);
  settings.exchangeBytes = min(max(bytes, LEAST_EXCHANGE_BYTES), PRE_MASTER_BYTES);
  settings.exchangeId = copyOf(idLength);
}

export function setHost(handle: i32, length: u32): void {
  settingsByHandle.get(handle).host = copyOf(length);
}

export function setProtocols(handle: i32, length: u32): void {
  settingsByHandle.get(handle).protocols = copyOf(length);
}

function copyOf(length: u32): StaticArray<u8> {
  const bytes = new StaticArray<u8>(length);
  memory.copy(changetype<usize>(bytes), block, length);
  return bytes;
}

/** Seconds since 1970-01-01. */
export function setNow(handle: i32, seconds: f64): void {
  settingsByHandle.get(handle).now = <i64>seconds;
}

export function setChecks(handle: i32, checks: bool): void {
  settingsByHandle.get(handle).checksPeer = checks;
}

export function newServer(settings: i32): i32 {
  connections.set(++handles, new Server(settingsByHandle.get(settings)));
  return handles;
}

/** `session`: 0, or of `keepSession`. */
export function newClient(settings: i32, session: i32): i32 {
  const client = new Client(settingsByHandle.get(settings));
  connections.set(++handles, client);
  client.begin(session == 0 ? null : sessions.get(session));
  return handles;
}

/** A connection's session, for a later one; 0: it has none. */
export function keepSession(handle: i32): i32 {
  const session = connections.get(handle).session;
  if (!session) return 0;
  sessions.set(++handles, session);
  return handles;
}

/** Whether a kept session has a ticket. */
export function hasTicket(session: i32): bool {
  return sessions.get(session).ticket != null;
}

/** Forgets a connection, settings or a session. */
export function drop(handle: i32): void {
  if (connections.has(handle)) {
    connections.get(handle).release();
    connections.delete(handle);
  }
  sessions.delete(handle);
  settingsByHandle.delete(handle);
}

/** Bytes of the network, in the room. False: it has ended. */
export function receive(handle: i32, length: u32): bool {
  return connections.get(handle).receive(block, length);
}

/** Bytes of the application, in the room. */
export function send(handle: i32, length: u32): bool {
  return connections.get(handle).send(block, length);
}

export function close(handle: i32): void {
  connections.get(handle).close();
}

/** `ageMs`: since the connection came. */
export function expire(handle: i32, ageMs: f64): void {
  connections.get(handle).expire(<u64>ageMs);
}

export function outputLength(handle: i32): u32 {
  return connections.get(handle).output.length;
}

export function outputStart(handle: i32): usize {
  return connections.get(handle).output.start;
}

export function outputTaken(handle: i32, bytes: u32): void {
  connections.get(handle).output.consume(bytes);
}

export function plainLength(handle: i32): u32 {
  return connections.get(handle).plain.length;
}

export function plainStart(handle: i32): usize {
  return connections.get(handle).plain.start;
}

export function plainTaken(handle: i32, bytes: u32): void {
  connections.get(handle).plain.consume(bytes);
}

export function stateOf(handle: i32): i32 {
  return connections.get(handle).state;
}

export function reasonOf(handle: i32): i32 {
  return connections.get(handle).reason;
}

export function alertSent(handle: i32): i32 {
  return connections.get(handle).alertSent;
}

export function alertReceived(handle: i32): i32 {
  return connections.get(handle).alertReceived;
}

export function faultOf(handle: i32): i32 {
  return connections.get(handle).certificateFault;
}

export function suiteOf(handle: i32): u32 {
  return connections.get(handle).suite;
}

export function isResumed(handle: i32): bool {
  return connections.get(handle).resumed;
}

/** Takes revocation lists in the room: a fault of lists. May be called again, to refresh them. */
export function addLists(handle: i32, length: u32): i32 {
  return settingsByHandle.get(handle).revocation.addLists(block, length);
}

/** Verdict where nothing says whether a certificate was revoked; whether and how responders are asked. */
export function setRevocation(handle: i32, fallback: i32, asks: bool, needsNonce: bool, digest: i32): void {
  const revocation = settingsByHandle.get(handle).revocation;
  revocation.fallback = <Fallback>fallback;
  revocation.asksResponders = asks;
  revocation.needsNonce = needsNonce;
  revocation.digest = <IdDigest>digest;
}

/** A counter of RevocationCount. */
export function revocationCount(handle: i32, which: i32): u32 {
  return settingsByHandle.get(handle).revocation.counts[which];
}

/** A responder's question that is open, to the room; its length, 0: none is. */
export function writeQuestion(handle: i32): u32 {
  const connection = connections.get(handle);
  return connection.isAsking ? writeBytes(connection.revocation!.question!.request) : 0;
}

/** URI that its certificate names, to the room; its length. */
export function writeResponder(handle: i32): u32 {
  const connection = connections.get(handle);
  return connection.isAsking ? writeBytes(connection.revocation!.question!.responder) : 0;
}

/** An answer in the room; no bytes: there is none. */
export function answer(handle: i32, length: u32): bool {
  return connections.get(handle).answer(block, length);
}

/** Why the last answer counted as none. */
export function answerFault(handle: i32): i32 {
  const check = connections.get(handle).revocation;
  return check ? check.answerFault : 0;
}

/** Whether the other side proved a certificate. */
export function hasPeer(handle: i32): bool {
  return connections.get(handle).peerSign != null;
}

/** Whether a client was asked for certificates. */
export function wasAsked(handle: i32): bool {
  const connection = connections.get(handle);
  return !connection.isServer && (connection as Client).wasAsked;
}

/** The protocol that ALPN chose, to the room; its length. */
export function writeProtocol(handle: i32): u32 {
  return writeBytes(connections.get(handle).protocol);
}

/** The name that a client asked a server for, to the room; its length. */
export function writeServerName(handle: i32): u32 {
  const connection = connections.get(handle);
  return connection.isServer ? writeBytes((connection as Server).serverName) : 0;
}

function writeBytes(bytes: StaticArray<u8>): u32 {
  memory.copy(room(bytes.length), changetype<usize>(bytes), bytes.length);
  return bytes.length;
}

/** The `index`th certificate that a server sent to a client, to the room; 0: there are no more. */
export function writeCertificate(handle: i32, index: i32): u32 {
  const connection = connections.get(handle);
  if (connection.isServer) return 0;
  const chain = (connection as Client).chain;
  if (!chain || index >= chain.certificates.length) return 0;
  const certificate = chain.certificates[index];
  memory.copy(room(certificate.length), certificate.der, certificate.length);
  return certificate.length;
}

/** A new key as PKCS#8, to the room; its length, 0: no randomness. `wipeRoom` when it was taken. */
export function generateKey(): u32 {
  const key = Sm2PrivateKey.generate();
  if (!key) return 0;
  sm2PrivateKeyToDer(key, room(PKCS8_BYTES));
  key.wipe();
  return PKCS8_BYTES;
}

/** Signs the message behind the key in the room: the signature as DER, to the room; 0: the key is none. */
export function signWith(keyBytes: u32, length: u32): u32 {
  const key = sm2PrivateKeyFrom(block, keyBytes);
  if (!key) return 0;
  const signed = sm2Sign(key, DEFAULT_ID, DEFAULT_ID_BYTES, block + keyBytes, length, RAW);
  key.wipe();
  wipe(block, keyBytes);
  return signed ? sm2SignatureToDer(RAW, room(MAX_DER_SIGNATURE_BYTES)) : 0;
}

/** x ‖ y of the key in the room, to the room; false: it is none. */
export function publicOf(keyBytes: u32): bool {
  const key = sm2PrivateKeyFrom(block, keyBytes);
  if (!key) return false;
  memory.copy(room(64), key.publicKey.coordinates, 64);
  key.wipe();
  return true;
}
