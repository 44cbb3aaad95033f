// The machine's connections and the configurations of its root contexts.
import { Ascii } from '../memory/ascii';
import {
  MAX_HANDSHAKE_MS,
  MAX_HANDSHAKES_HELD_BYTES,
  MAX_LIVE_HANDSHAKES,
  MAX_SILENT_CONNECTIONS,
  MAX_TLCP_CONNECTIONS,
} from '../limits';
import { ErrorId, errorCode, errorCodeLength, errorTitle, errorTitleLength } from '../errors.gen';
import { sm2SelfTest } from '../crypto/sm2';
import { tickKeys } from '../keys/key-store';
import { defineKeyStats } from '../keys/stats';
import { scratch } from '../memory/scratch';
import { Writer } from '../memory/writer';
import {
  BufferType,
  LogLevel,
  Result,
  proxy_set_effective_context,
  proxy_set_tick_period_milliseconds,
} from '../runtime/abi';
import { ConfigReader } from '../runtime/config-reader';
import { parseConfiguration } from '../runtime/configuration';
import { log, monotonicMillis, readBuffer, resultLength, resultPointer } from '../runtime/host';
import { defineRuntimeStats } from '../runtime/stats';
import { decodeTlcpListenerConfig } from './config.gen';
import { TlcpConnection } from './connection';
import { ConnectionList, Listed, leaveList } from './connection-list';
import { ConnectionPolicy, compilePolicy, takeIntoForce } from './policy';
import { drawAuthority } from './poke';
import {
  connectionsClosed,
  connectionsLive,
  connectionsOpened,
  connectionsRefused,
  countTlcpConfigured,
  defineTlcpStats,
  handshakesExpired,
} from './stats';

/** Ends of streams, which leave little garbage, and of connections, which leave more, between collections. */
const MANY_STREAMS: i32 = 4096;
const STREAMS_PER_CONNECTION: i32 = 32;
/** Time between looks at keys and at handshakes, milliseconds. */
const TICK_MS: u32 = 100;
/** Supported major version of the configuration, `1.`. */
const MAJOR: u8 = 49;

/** A root context: of the filter of connections or of that of requests. */
class ListenerRoot {
  policy: ConnectionPolicy | null = null;
  /** Whether requests must have come over national TLS. Without a configuration they are refused. */
  requiresTlcp: bool = true;
  prepared: bool = false;

  constructor(readonly id: u32) {}
}

const roots: Array<ListenerRoot> = [];
const connections: Map<u32, TlcpConnection> = new Map<u32, TlcpConnection>();
/** Open connections and those in their handshake, by Envoy's number. */
const byNumber: Map<u64, TlcpConnection> = new Map<u64, TlcpConnection>();
/** Connections of the client's live requests, by the stream. */
const byStream: Map<u32, TlcpConnection> = new Map<u32, TlcpConnection>();
/** Connections of live made-up requests, by the stream. */
const byPoke: Map<u32, TlcpConnection> = new Map<u32, TlcpConnection>();
/** Connections without a byte yet, and those in their handshake. */
const silent: ConnectionList = new ConnectionList();
const shaking: ConnectionList = new ConnectionList();
/** Bytes held by connections in their handshake. */
let heldBytes: u32 = 0;
/** Connections whose end the client has not taken, or that hold the beginning of a head. */
const watched: Array<TlcpConnection> = [];
/** Connections that the next tick closes: a callback of one cannot close another. */
const leaving: Array<TlcpConnection> = [];
let started: bool = false;
let healthy: bool = false;
let ended: i32 = 0;

/** First root context of the VM. */
export function startMachine(): void {
  if (started) return;
  started = true;
  defineRuntimeStats();
  defineKeyStats();
  defineTlcpStats();
  healthy = drawAuthority() && sm2SelfTest();
}

export function addRoot(id: u32): void {
  if (rootOf(id) == null) roots.push(new ListenerRoot(id));
}

export function rootOf(id: u32): ListenerRoot | null {
  for (let i = roots.length - 1; i >= 0; i--) if (unchecked(roots[i]).id == id) return unchecked(roots[i]);
  return null;
}

/** Removes a root context; false: it is none. */
export function removeRoot(id: u32): bool {
  for (let i = 0; i < roots.length; i++) {
    if (roots[i].id != id) continue;
    roots.splice(i, 1);
    return true;
  }
  return false;
}

/** Takes a configuration. False: it is refused, and the log says where. */
export function configure(root: ListenerRoot, length: u32): bool {
  if (length == 0 || !readBuffer(BufferType.PluginConfiguration, length)) return refuse(parseConfiguration(0, 0));
  const reader = parseConfiguration(resultPointer(), resultLength());
  if (reader.failed) return refuse(reader);
  const config = decodeTlcpListenerConfig(reader, reader.document.root);
  const version = config.version;
  if (
    !reader.failed &&
    (version.length < 2 || load<u8>(version.pointer) != MAJOR || load<u8>(version.pointer, 1) != Ascii.Point)
  )
    reader.fail(ErrorId.FIM_CFG_0002, 0);
  const policy: ConnectionPolicy | null = reader.failed ? null : compilePolicy(reader, config);
  if (reader.failed) return refuse(reader);
  if (!healthy) return false;
  const requests = config.requests;
  root.requiresTlcp = requests == null || requests.required;
  root.prepared = false;
  root.policy = null;
  if (policy != null && proxy_set_tick_period_milliseconds(TICK_MS) == Result.Ok) {
    // Without ticks no key would come and no handshake end: such a root takes no connections.
    root.policy = policy;
    takeIntoForce(policy);
    countTlcpConfigured(config.generation);
  }
  return true;
}

/** The place of a mistake, as the other modules tell it. */
function refuse(reader: ConfigReader): bool {
  const line = new Writer(scratch);
  line.begin(512);
  line.ascii('{"event":"config-refused","code":"');
  line.bytes(errorCode(reader.error), errorCodeLength(reader.error));
  line.ascii('","path":"');
  if (reader.errorNode != 0) {
    const path = reader.document.pointer(reader.errorNode, scratch);
    if (path != 0) line.jsonText(path, reader.document.pointerLength);
  }
  if (reader.errorMember.length > 0) {
    line.ascii('/');
    line.ascii(reader.errorMember);
  }
  line.ascii('","message":"');
  line.bytes(errorTitle(reader.error), errorTitleLength(reader.error));
  line.ascii('"}');
  log(LogLevel.Error, line);
  return false;
}

/** A connection has come. Without a configuration it is closed at its first byte. */
export function openConnection(id: u32, root: ListenerRoot | null, number: u64): void {
  const policy: ConnectionPolicy | null = root == null ? null : root.policy;
  if (policy == null) return connectionsRefused.add(1);
  const connection = new TlcpConnection(id, policy, monotonicMillis());
  connection.number = number;
  connections.set(id, connection);
  if (number != 0) byNumber.set(number, connection);
  silent.add(connection);
  connectionsOpened.add(1);
  connectionsLive.add(1);
  if (silent.size > MAX_SILENT_CONNECTIONS) giveWay(silent.oldest);
  else if (connections.size > MAX_TLCP_CONNECTIONS) giveWay(shaking.size > 0 ? shaking.oldest : silent.oldest);
}

/**
 * Has a connection closed at the next tick, because there are too many. Who really begins a handshake is through it
 * long before it is the oldest.
 */
function giveWay(item: Listed | null): void {
  if (item == null) return;
  const connection = changetype<TlcpConnection>(item);
  leaveHandshakes(connection);
  // A responder's answer has ended its handshake just now.
  if (connection.settled) return onProgress(connection);
  connection.giveWay();
  connectionsRefused.add(1);
  leaving.push(connection);
}

/** It is no longer among those without a handshake. */
function leaveHandshakes(connection: TlcpConnection): void {
  heldBytes -= connection.counted;
  connection.counted = 0;
  leaveList(connection);
}

/** Bytes have come or gone, or time has passed. */
export function onProgress(connection: TlcpConnection): void {
  if (connection.gone || connection.hasGivenWay) return;
  if (connection.settled) {
    if (connection.list != null) leaveHandshakes(connection);
    if (connection.needsTicks) watch(connection);
    return;
  }
  if (connection.list != shaking) {
    if (shaking.size >= MAX_LIVE_HANDSHAKES) giveWay(shaking.oldest);
    shaking.add(connection);
  }
  const held = connection.heldBytes;
  heldBytes += held - connection.counted;
  connection.counted = held;
  while (heldBytes > MAX_HANDSHAKES_HELD_BYTES && shaking.oldest != null) giveWay(shaking.oldest);
}

/**
 * A made-up request has come over the connection with Envoy's number; nothing that it holds itself says whose it is.
 * False: that connection waits for no such request.
 */
export function takePoke(streamId: u32, number: u64, path: usize, length: u32): bool {
  if (!byNumber.has(number)) return false;
  const connection = byNumber.get(number);
  byPoke.set(streamId, connection);
  if (connection.onPoke(streamId, path, length)) return true;
  byPoke.delete(streamId);
  return false;
}

export function connectionById(id: u32): TlcpConnection | null {
  return connections.has(id) ? connections.get(id) : null;
}

/** The connection with Envoy's number. Null: it is not of this machine. */
export function connectionByNumber(number: u64): TlcpConnection | null {
  return byNumber.has(number) ? byNumber.get(number) : null;
}

/** The connection with Envoy's number, if it is open. */
export function openByNumber(number: u64): TlcpConnection | null {
  if (!byNumber.has(number)) return null;
  const connection = byNumber.get(number);
  return connection.isOpen ? connection : null;
}

/** The connection of a client's live request. */
export function connectionOf(streamId: u32): TlcpConnection | null {
  return byStream.has(streamId) ? byStream.get(streamId) : null;
}

export function beginStream(streamId: u32, connection: TlcpConnection): void {
  byStream.set(streamId, connection);
  connection.onStream(streamId);
}

/** A context is gone: a stream or a connection. True: memory should be collected, since enough of them are gone. */
export function removeContext(id: u32): bool {
  if (byStream.has(id)) {
    byStream.get(id).onStreamEnd();
    byStream.delete(id);
    return isDue(1);
  }
  if (byPoke.has(id)) {
    byPoke.get(id).onPokeEnd(id);
    byPoke.delete(id);
    return isDue(1);
  }
  if (!connections.has(id)) return false;
  const connection = connections.get(id);
  connections.delete(id);
  byNumber.delete(connection.number);
  leaveHandshakes(connection);
  connection.release();
  connection.gone = true;
  connectionsClosed.add(1);
  connectionsLive.add(-1);
  return isDue(STREAMS_PER_CONNECTION);
}

/** A collection looks at every live object: its cost is spread over as many ends as there are connections. */
function isDue(weight: i32): bool {
  ended += weight;
  if (ended < max(MANY_STREAMS, connections.size * STREAMS_PER_CONNECTION)) return false;
  ended = 0;
  return true;
}

/** Every TICK_MS: keys, then what waits. */
export function tickListener(root: ListenerRoot): void {
  const policy = root.policy;
  if (policy == null) return;
  if (!root.prepared) {
    root.prepared = true;
    policy.prepare(root.id);
  }
  tickKeys(root.id);
  const nowMs = monotonicMillis();
  policy.advance(root.id, nowMs);
  lookAtHandshakes(nowMs);
  let left = 0;
  for (let i = 0; i < watched.length; i++) {
    const connection = unchecked(watched[i]);
    if (connection.gone) continue;
    connection.tick(nowMs);
    connection.isWatched = connection.needsTicks && !connection.gone;
    if (connection.isWatched) unchecked((watched[left++] = connection));
  }
  watched.length = left;
  for (let i = 0; i < leaving.length; i++) if (!unchecked(leaving[i]).gone) unchecked(leaving[i]).close();
  leaving.length = 0;
  proxy_set_effective_context(root.id);
}

/** Ends what takes too long. */
function lookAtHandshakes(nowMs: u64): void {
  let quiet = silent.oldest;
  while (quiet != null) {
    const connection = changetype<TlcpConnection>(quiet);
    if (nowMs - connection.bornMs <= MAX_HANDSHAKE_MS) break;
    quiet = connection.newer;
    leaveList(connection);
    handshakesExpired.add(1);
    leaving.push(connection);
  }
  let next = shaking.oldest;
  while (next != null) {
    const connection = changetype<TlcpConnection>(next);
    next = connection.newer;
    connection.tick(nowMs);
    onProgress(connection);
  }
}

function watch(connection: TlcpConnection): void {
  if (connection.isWatched) return;
  connection.isWatched = true;
  watched.push(connection);
}
