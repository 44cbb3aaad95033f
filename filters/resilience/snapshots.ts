// The newest good answer to each of a number of queries, in shared data: what is answered while a breaker is open. There
// is a fixed number of places for the whole proxy, each of a bounded size; who reads waits for nobody.
import { Sm3 } from '../crypto/sm3';
import { MAX_SNAPSHOT_BYTES, MAX_SWAP_TRIES, SNAPSHOT_PLACES } from '../limits';
import { Bytes, equalBytes, equalIgnoreCase } from '../memory/bytes';
import { scratch } from '../memory/scratch';
import { Exchange } from '../runtime/exchange';
import { monotonicMillis } from '../runtime/host';
import { AUTHORITY, CONTENT_ENCODING, CONTENT_TYPE, METHOD, PATH, RANGE, STATUS } from '../runtime/names';
import { QUERY_BYTES, Sent } from '../runtime/sent';
import { SharedValue, Swap, createShared } from '../runtime/shared-data';
import { snapshotKept } from './stats';

const GET: Bytes = Bytes.from('GET');
const OK: Bytes = Bytes.from('200');
const AUTHORIZATION: Bytes = Bytes.from('authorization');
const COOKIE: Bytes = Bytes.from('cookie');
const CACHE_CONTROL: Bytes = Bytes.from('cache-control');
const SET_COOKIE: Bytes = Bytes.from('set-cookie');
const VARY: Bytes = Bytes.from('vary');
const ACCEPT_ENCODING_LENGTH: u32 = 15;
const NO_STORE: Bytes = Bytes.from('no-store');
const PRIVATE: Bytes = Bytes.from('private');

// Places in a value: when the request was sent, its query, lengths of type and body; then type and body.
const SENT_AT: usize = 0;
const QUERY: usize = 8;
const TYPE_LENGTH: usize = 40;
const BODY_LENGTH: usize = 44;
const HEAD_BYTES: u32 = 48;

// "fim.snapshot" + number in four bytes
const KEY: usize = memory.data<u8>([102, 105, 109, 46, 115, 110, 97, 112, 115, 104, 111, 116, 0, 0, 0, 0]);
const KEY_LENGTH: u32 = 16;
/** Byte that divides the parts of a query, and says whether a header is there. */
const MARKS: usize = memory.data<u8>([10, 61, 45]);

const value: SharedValue = new SharedValue();
const digest: Sm3 = new Sm3();

export class Snapshots {
  // The answer that was found.
  typePointer: usize = 0;
  typeLength: u32 = 0;
  bodyPointer: usize = 0;
  bodyLength: u32 = 0;
  ageMs: u64 = 0;

  constructor(
    private readonly id: Bytes,
    /** Request headers that belong to a query, lower case. */
    private readonly headers: StaticArray<Bytes>,
    private readonly maxAgeMs: u64,
  ) {}

  /** Notes which query the request is. Its headers are held. Requests of a caller of their own are none, nor what changes something. */
  ask(exchange: Exchange, sent: Sent): void {
    sent.asks = false;
    if (!exchange.header(METHOD.pointer, METHOD.length)) return;
    if (!GET.equals(exchange.valuePointer, exchange.valueLength)) return;
    if (exchange.header(RANGE.pointer, RANGE.length)) return;
    if (this.isForeign(exchange, AUTHORIZATION) || this.isForeign(exchange, COOKIE)) return;
    digest.reset();
    digest.update(this.id.pointer, this.id.length);
    if (!add(exchange, AUTHORITY) || !add(exchange, PATH)) return;
    const headers = this.headers;
    for (let i = 0; i < headers.length; i++) if (!add(exchange, unchecked(headers[i]))) return;
    digest.digest(sent.query);
    sent.asks = true;
  }

  /** Keeps the whole answer of the current exchange, unless a newer one is there or it is not for everybody. */
  keep(exchange: Exchange, sent: Sent): void {
    if (!sent.asks || !isForAll(exchange)) return;
    const typeLength: u32 = exchange.header(CONTENT_TYPE.pointer, CONTENT_TYPE.length) ? exchange.valueLength : 0;
    const type = exchange.valuePointer;
    const message = exchange.message;
    const bytes = <u64>HEAD_BYTES + typeLength + message.length;
    if (bytes > MAX_SNAPSHOT_BYTES) return;
    const block = scratch.allocate(<u32>bytes);
    if (block == 0) return;
    store<u64>(block, sent.atMs, SENT_AT);
    memory.copy(block + QUERY, sent.query, QUERY_BYTES);
    store<u32>(block, typeLength, TYPE_LENGTH);
    store<u32>(block, message.length, BODY_LENGTH);
    memory.copy(block + HEAD_BYTES, type, typeLength);
    memory.copy(block + HEAD_BYTES + typeLength, message.pointer, message.length);
    if (write(placeOf(sent.query), block, <u32>bytes)) snapshotKept.add(1);
  }

  /** Finds the answer to the query of a request, if it is not too old. */
  find(sent: Sent): bool {
    if (!sent.asks || !value.read(placeOf(sent.query), KEY_LENGTH) || value.length < HEAD_BYTES) return false;
    const block = value.pointer;
    if (!equalBytes(block + QUERY, sent.query, QUERY_BYTES)) return false;
    const now = monotonicMillis();
    const at = load<u64>(block, SENT_AT);
    this.ageMs = now > at ? now - at : 0;
    this.typeLength = load<u32>(block, TYPE_LENGTH);
    this.bodyLength = load<u32>(block, BODY_LENGTH);
    this.typePointer = block + HEAD_BYTES;
    this.bodyPointer = this.typePointer + this.typeLength;
    return this.ageMs <= this.maxAgeMs && value.length == HEAD_BYTES + this.typeLength + this.bodyLength;
  }

  /** Whether the request has the header and it does not belong to its query. */
  private isForeign(exchange: Exchange, name: Bytes): bool {
    const headers = this.headers;
    for (let i = 0; i < headers.length; i++)
      if (name.equals(unchecked(headers[i]).pointer, unchecked(headers[i]).length)) return false;
    return exchange.header(name.pointer, name.length);
  }
}

/** Adds a header to the query. False: it comes twice, and nobody knows which one counts. */
function add(exchange: Exchange, name: Bytes): bool {
  digest.update(MARKS, 1);
  if (!exchange.header(name.pointer, name.length)) {
    digest.update(MARKS + 2, 1);
    return true;
  }
  digest.update(MARKS + 1, 1);
  digest.update(exchange.valuePointer, exchange.valueLength);
  return !exchange.hasTwice(name.pointer, name.length);
}

/** Key of the place of a query. */
function placeOf(query: usize): usize {
  store<u32>(KEY, load<u32>(query) % SNAPSHOT_PLACES, 12);
  return KEY;
}

/** Whether the answer is a good one that anybody may get who asks the same. */
function isForAll(exchange: Exchange): bool {
  if (!exchange.header(STATUS.pointer, STATUS.length) || !OK.equals(exchange.valuePointer, exchange.valueLength))
    return false;
  if (exchange.header(SET_COOKIE.pointer, SET_COOKIE.length)) return false;
  if (exchange.header(CONTENT_ENCODING.pointer, CONTENT_ENCODING.length)) return false;
  // Bodies are never compressed here, so that this one says nothing.
  if (exchange.header(VARY.pointer, VARY.length) && exchange.valueLength != ACCEPT_ENCODING_LENGTH) return false;
  if (!exchange.header(CACHE_CONTROL.pointer, CACHE_CONTROL.length)) return true;
  return !says(exchange, NO_STORE) && !says(exchange, PRIVATE);
}

/** Whether the value of the last look-up has the word, in any case. */
function says(exchange: Exchange, word: Bytes): bool {
  const text = exchange.valuePointer;
  for (let at: u32 = 0; at + word.length <= exchange.valueLength; at++)
    if (equalIgnoreCase(text + at, word.pointer, word.length)) return true;
  return false;
}

/** Writes a snapshot unless the place has a newer one of the same query. */
function write(key: usize, block: usize, bytes: u32): bool {
  for (let i = 0; i < MAX_SWAP_TRIES; i++) {
    if (!value.read(key, KEY_LENGTH)) {
      if (!createShared(key, KEY_LENGTH, block, bytes)) return false;
      if (!value.read(key, KEY_LENGTH)) return false;
    }
    const there = value.pointer;
    if (
      value.length >= HEAD_BYTES &&
      equalBytes(there + QUERY, block + QUERY, QUERY_BYTES) &&
      load<u64>(there, SENT_AT) > load<u64>(block, SENT_AT)
    )
      return false;
    value.pointer = block;
    value.length = bytes;
    const swap = value.swap(key, KEY_LENGTH);
    if (swap == Swap.Done) return true;
    if (swap == Swap.Failed) return false;
  }
  return false;
}
