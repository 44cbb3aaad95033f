import { Ascii } from '../memory/ascii';
import { MediaType, MessageFormat, absentMediaType, formatOf, mediaTypeOf, namedMediaType } from '../message/format';
import { Bytes } from '../memory/bytes';
import { scratch } from '../memory/scratch';
import { Writer } from '../memory/writer';
import { BufferType, HeaderMap, proxy_add_header_map_value } from './abi';
import { Caller } from './caller';
import { Body } from './body';
import { PLAIN_LAYOUT } from './body-layout';
import { KmsConfig } from './config.gen';
import { Direction } from './direction';
import { extract, readExtracted } from './extraction';
import { HeaderSnapshot, NameSet } from './headers';
import { Client } from './held-bytes';
import { dropHeader, readHeader, readProperty, resultLength, resultPointer, writeHeader } from './host';
import { Message } from './message';
import { BODY_DIGESTS, CONTENT_LENGTH, CONTENT_TYPE, STATUS, TYPE_JSON } from './names';
import { Reply } from './reply';
import { RequestFacts } from './request-facts';
import { RouteTerms } from './route-terms';
import { Sent } from './sent';
import { Resumer } from './service';
import { StreamHold } from './stream-hold';
import { StreamNote } from './stream-note';

// "source\0address"
const SOURCE_ADDRESS: usize = memory.data<u8>([115, 111, 117, 114, 99, 101, 0, 97, 100, 100, 114, 101, 115, 115]);
const SOURCE_ADDRESS_LENGTH: u32 = 14;

/** Terms of a message that no route concerns. */
const NO_TERMS: RouteTerms = new RouteTerms(
  Bytes.EMPTY,
  false,
  false,
  0,
  0,
  false,
  MessageFormat.Unknown,
  PLAIN_LAYOUT,
  null,
);

/** Interface of the current message for stages. One per VM, bound anew in every callback. */
export class Exchange {
  /** The message, as services know who asks. */
  readonly caller: Caller = new Caller();
  /** The service that resumes the message if the stage answers `Wait`: set by the one that was asked. */
  resumer: Resumer | null = null;
  readonly message: Message = new Message();
  reply: Reply = new Reply();
  /** A policy without effect judges: nothing that it sets or hands on is taken. */
  shadows: bool = false;
  private rulingReply: Reply = new Reply();
  private rulingTerms: RouteTerms = NO_TERMS;
  private rulingMedia: MediaType = MediaType.Other;
  private rulingPlainJson: bool = false;
  private hadHeaders: bool = false;
  private hadIndex: bool = false;
  private readonly snapshot: HeaderSnapshot = new HeaderSnapshot();
  /** Terms of the route. */
  private terms: RouteTerms = NO_TERMS;
  private facts: RequestFacts = new RequestFacts();
  private body: Body = new Body(new Client());
  /** Value of the last look-up. */
  valuePointer: usize = 0;
  valueLength: u32 = 0;
  /** Whether the name found by `headerSpelling` has the requested spelling. */
  spelt: bool = true;
  /** Output of `replaceChunk`. Replaces the piece if `chunkReplaced`. */
  readonly chunk: Writer = new Writer(scratch);
  chunkReplaced: bool = false;
  /** Processed bytes before the piece in the host's buffer. They stay before the replacement. */
  chunkPrefix: u32 = 0;
  private chunkPointer: usize = 0;

  /**
   * Switches to a message: `direction` of the stream `contextId` under the root context `rootId`. Nothing of an earlier
   * callback is kept.
   */
  bind(contextId: u32, rootId: u32, direction: Direction, terms: RouteTerms, facts: RequestFacts, body: Body): void {
    const caller = this.caller;
    caller.contextId = contextId;
    caller.rootId = rootId;
    caller.direction = direction;
    this.resumer = null;
    this.facts = facts;
    this.body = body;
    this.rule(terms);
    this.snapshot.clear();
  }

  /** Applies the terms of the route that was found. */
  rule(terms: RouteTerms): void {
    this.terms = terms;
    this.message.layout = terms.layout;
    this.message.isAnswer = this.direction == Direction.Response;
  }

  /**
   * From now on a policy without effect judges, under `terms`, and replies to nobody. `sharesBody`: it reads bodies as the
   * route does. Until `leaveShadow`.
   */
  enterShadow(terms: RouteTerms, sharesBody: bool, reply: Reply): void {
    this.rulingReply = this.reply;
    this.rulingTerms = this.terms;
    this.rulingMedia = this.body.media;
    this.rulingPlainJson = this.body.plainJson;
    this.hadHeaders = this.snapshot.fetched;
    this.hadIndex = sharesBody && this.message.isIndexed;
    this.reply = reply;
    this.shadows = true;
    if (sharesBody) return;
    this.rule(terms);
    this.noteContentType();
    this.message.forgetIndex();
  }

  /** The route's own policy rules again. Nothing is left that points to memory taken since `enterShadow`. */
  leaveShadow(): void {
    this.shadows = false;
    this.reply = this.rulingReply;
    this.rule(this.rulingTerms);
    this.body.media = this.rulingMedia;
    this.body.plainJson = this.rulingPlainJson;
    if (!this.hadIndex) this.message.forgetIndex();
    if (!this.hadHeaders) this.snapshot.clear();
  }

  get direction(): Direction {
    return this.caller.direction;
  }

  /** KMS settings of the configuration that rules the message; null if it names none. */
  get kms(): KmsConfig | null {
    return this.terms.kms;
  }

  /** Whether the request's method allows no body. */
  get bodiless(): bool {
    return this.facts.bodiless;
  }

  /** Whether the request's method is HEAD. */
  get head(): bool {
    return this.facts.head;
  }

  /**
   * Whether the current response should have a body: a success other than 204 and 205, and not to HEAD. Errors and
   * redirections carry their meaning in the status.
   */
  get expectsBody(): bool {
    if (this.head || !this.header(STATUS.pointer, STATUS.length) || this.valueLength != 3) return false;
    const last = <u32>load<u8>(this.valuePointer, 2);
    return load<u8>(this.valuePointer) == 50 && !(load<u8>(this.valuePointer, 1) == 48 && (last == 52 || last == 53));
  }

  /** Whether verdicts of all observable stages are counted and not enforced. */
  get observes(): bool {
    return this.terms.observesAll;
  }

  /** Fetches all headers at once. Pays off if several look-ups follow in the same callback. */
  fetchHeaders(): bool {
    return this.snapshot.fetch(this.headerMap);
  }

  private get headerMap(): HeaderMap {
    return this.direction == Direction.Request ? HeaderMap.RequestHeaders : HeaderMap.ResponseHeaders;
  }

  /** Host buffer of the current direction's body. */
  get bodyBuffer(): BufferType {
    return this.direction == Direction.Request ? BufferType.HttpRequestBody : BufferType.HttpResponseBody;
  }

  /**
   * Looks up a header of the current direction (lower-case name). False if absent. The value is at `valuePointer` /
   * `valueLength`.
   */
  header(name: usize, nameLength: u32): bool {
    const snapshot = this.snapshot;
    if (snapshot.fetched) {
      if (!snapshot.find(name, nameLength)) return false;
      this.valuePointer = snapshot.valuePointer;
      this.valueLength = snapshot.valueLength;
      return true;
    }
    if (!readHeader(this.headerMap, name, nameLength)) return false;
    this.valuePointer = resultPointer();
    this.valueLength = resultLength();
    return true;
  }

  /** Like `header`, and `nextHeader` can continue from there. */
  firstHeader(name: usize, nameLength: u32): bool {
    if (!this.snapshot.fetched) this.fetchHeaders();
    return this.header(name, nameLength);
  }

  /** Next header of the name last found by `firstHeader` or `nextHeader`. False if there is none. */
  nextHeader(name: usize, nameLength: u32): bool {
    const snapshot = this.snapshot;
    if (!snapshot.fetched || !snapshot.findAgain(name, nameLength)) return false;
    this.valuePointer = snapshot.valuePointer;
    this.valueLength = snapshot.valueLength;
    return true;
  }

  /** Whether the current direction repeats the header (lower case). Keeps `valuePointer` / `valueLength`. */
  hasTwice(name: usize, nameLength: u32): bool {
    const snapshot = this.snapshot;
    if (!snapshot.fetched && !this.fetchHeaders()) return false;
    return snapshot.find(name, nameLength) && snapshot.findAgain(name, nameLength);
  }

  /**
   * Looks up a fetched header by its lower-case name, with `_` equal to `-` as behind CGI and WSGI. `spelt`: whether
   * its name has no `_`.
   */
  headerSpelling(name: usize, nameLength: u32, again: bool): bool {
    const snapshot = this.snapshot;
    if (
      !(again
        ? snapshot.findSpellingAgain(name, nameLength)
        : snapshot.fetched && snapshot.findSpelling(name, nameLength))
    )
      return false;
    this.valuePointer = snapshot.valuePointer;
    this.valueLength = snapshot.valueLength;
    this.spelt = snapshot.spelt;
    return true;
  }

  /** Whether a fetched header's name may be one of the set, in any spelling. */
  mayHaveOneOf(names: NameSet): bool {
    return this.snapshot.mayHaveOneOf(names);
  }

  /**
   * Whether the headers said that the body is `application/json` without parameters, and no stage has set another type
   * since. Costs no host call.
   */
  get isPlainJson(): bool {
    return this.body.plainJson;
  }

  /** Sets (replaces) a header of the current direction. */
  setHeader(name: usize, nameLength: u32, value: usize, valueLength: u32): void {
    if (this.shadows) return;
    this.snapshot.clear();
    if (nameLength == CONTENT_TYPE.length) this.body.plainJson = false; // it may be the type
    writeHeader(this.headerMap, name, nameLength, value, valueLength);
  }

  /** Adds a header of the current direction to those of its name. */
  addHeader(name: usize, nameLength: u32, value: usize, valueLength: u32): void {
    if (this.shadows) return;
    this.snapshot.clear();
    proxy_add_header_map_value(this.headerMap, name, nameLength, value, valueLength);
  }

  /** Removes a header of the current direction. */
  removeHeader(name: usize, nameLength: u32): void {
    if (this.shadows) return;
    this.snapshot.clear();
    if (nameLength == CONTENT_TYPE.length) this.body.plainJson = false;
    dropHeader(this.headerMap, name, nameLength);
  }

  /**
   * Removes the headers of the current direction whose names equal `name` (lower case) with `_` equal to `-`. True if
   * there were some; the headers must then be fetched again.
   */
  dropSpellings(name: usize, nameLength: u32): bool {
    return this.snapshot.dropSpellings(this.headerMap, name, nameLength);
  }

  /** Announces a changed body and removes headers that describe its exact bytes. Only while the headers are held. */
  willRewriteBody(): void {
    this.removeHeader(CONTENT_LENGTH.pointer, CONTENT_LENGTH.length);
    const passing = this.body.passing;
    if (passing != null) passing.rewritten = true;
    if (this.body.digested) this.dropDigests();
  }

  /** Presents a piece to the stage: the data at `pointer`, after `prefix` bytes. */
  beginChunk(pointer: usize, prefix: u32): void {
    this.chunkPointer = pointer;
    this.chunkPrefix = prefix;
    this.chunkReplaced = false;
  }

  /** Whether a fetched header describes the very bytes of the body. */
  hasDigest(): bool {
    return this.snapshot.hasOneOf(BODY_DIGESTS);
  }

  /** Removes the headers that describe the exact bytes of the body. */
  dropDigests(): void {
    for (let i = 0; i < BODY_DIGESTS.length; i++) this.removeHeader(BODY_DIGESTS[i].pointer, BODY_DIGESTS[i].length);
  }

  /** In `onChunk`: output that replaces the piece. `capacity`: initial room, bytes. It grows by moving. */
  replaceChunk(capacity: u32): Writer {
    this.chunkReplaced = true;
    const chunk = this.chunk;
    chunk.begin(this.chunkPrefix + capacity);
    chunk.bytes(this.chunkPointer, this.chunkPrefix);
    return chunk;
  }

  /**
   * Memory of the stage for this direction's body, from its headers to its end: `bytes` long (at most 256 KiB),
   * initially zero. 0: no room. All calls for one body must pass the same size. Overwritten when the body or the stream
   * ends in any way.
   */
  slot(bytes: u32): usize {
    return this.body.slot(bytes);
  }

  /** State of the rate limiter, the only stage that needs it, from the request until the stream ends. */
  get hold(): StreamHold | null {
    return this.facts.hold;
  }

  set hold(value: StreamHold | null) {
    this.facts.hold = value;
  }

  /** Whether the request's route has channels. */
  get hasChannels(): bool {
    return this.facts.lane != null;
  }

  /** Sends the request to the backups among its channels. False: its route has no channels. */
  divert(): bool {
    this.facts.diverted = this.facts.lane != null;
    return this.facts.diverted;
  }

  /** Facts of the stream, kept to tell of it at its end. */
  get note(): StreamNote | null {
    return this.facts.note;
  }

  /** A stage uses a version of a key. `version`: UNNUMBERED of data keys. */
  noteKey(id: Bytes, version: u32): void {
    const note = this.facts.note;
    if (note != null) note.useKey(id, version);
  }

  /** Notes size and digest of the whole body as the last stage has it, before it is handed to the host. */
  recordWhole(): void {
    const note = this.facts.note;
    if (note == null) return;
    const message = this.message;
    const record = this.direction == Direction.Request ? note.request : note.response;
    record.goesWhole(message.pointer, message.length, this.body.replaced || message.changed);
  }

  /** The request as a stage sends it on. */
  get sent(): Sent {
    return this.facts.sent;
  }

  /** Kinds of values that the caller may see by the request's headers, kept for the response. */
  get roles(): u64 {
    return this.facts.roles;
  }

  set roles(kinds: u64) {
    this.facts.roles = kinds;
  }

  /** Sets a value of the message for later stages, logs and traces; see extraction.ts. `key`: of `extractionKey`. */
  extract(key: Bytes, value: usize, length: u32): bool {
    return this.shadows || extract(key, value, length);
  }

  /** Value set under `key`, at `valuePointer` / `valueLength`. False if there is none. */
  extracted(key: Bytes): bool {
    if (!readExtracted(key)) return false;
    this.valuePointer = resultPointer();
    this.valueLength = resultLength();
    return true;
  }

  /** Address of the peer without its port, as text, at `valuePointer` / `valueLength`. False if unknown. */
  sourceAddress(): bool {
    if (!readProperty(SOURCE_ADDRESS, SOURCE_ADDRESS_LENGTH)) return false;
    this.valuePointer = resultPointer();
    let length = resultLength();
    while (length > 0 && load<u8>(this.valuePointer + length - 1) != Ascii.Colon) length--;
    this.valueLength = length > 0 ? length - 1 : resultLength();
    return true;
  }

  /** Format in which the current direction's body is read. Unknown: the route does not accept its content type. */
  get format(): MessageFormat {
    return formatOf(this.terms.format, this.body.media, this.message.pointer, this.message.length);
  }

  /** Reads the content type, which determines `format` until the stream ends. */
  noteContentType(): void {
    const named = this.terms.layout.contentTypes;
    let media = MediaType.Other;
    const typed = this.header(CONTENT_TYPE.pointer, CONTENT_TYPE.length);
    this.body.plainJson = typed && TYPE_JSON.equals(this.valuePointer, this.valueLength);
    if (!typed) media = absentMediaType(named);
    else if (named.length == 0) media = mediaTypeOf(this.valuePointer, this.valueLength);
    else media = namedMediaType(named, this.terms.format, this.valuePointer, this.valueLength);
    this.body.media = media;
  }
}
