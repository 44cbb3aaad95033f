// Builds a local reply: problem+json of RFC 9457. It contains codes, titles and JSON Pointers, and never a value of a
// message.
import { MAX_REPLY_ERRORS } from '../limits';
import { Bytes } from '../memory/bytes';
import { scratch } from '../memory/scratch';
import { Span } from '../memory/span';
import { Writer } from '../memory/writer';
import { elementResponseCode } from '../message/iso8583/response-codes.gen';
import { Result, proxy_send_local_response } from './abi';
import {
  ErrorId,
  errorCode,
  errorCodeLength,
  errorStatus,
  errorResponseCode,
  errorTitle,
  errorTitleLength,
  errorTitleZh,
  errorTitleZhLength,
} from '../errors.gen';

const CONTENT_TYPE: Bytes = Bytes.from('application/problem+json');

/** Lowest status that is sent. An error without a status of its own is the proxy's fault. */
const MIN_STATUS: u32 = 400;

/** Status of a well-formed HTTP request with invalid content (RFC 9110, 15.5.21). A route can change only this one. */
const CONTENT_STATUS: u32 = 422;

/** Response code 30. */
const FORMAT_ERROR: u32 = 0x3033;

/** Status, error, lengths of body and headers. */
const KEPT_HEADER_BYTES: u32 = 16;

/** gRPC status with which the host derives it from the HTTP status. */
const GRPC_STATUS_NONE: u32 = u32.MAX_VALUE;

export class Reply {
  error: ErrorId = ErrorId.None;
  /** The first entry of `errors`: its code, None if there is no entry, and its path, in memory that lasts as long as the call. */
  firstError: ErrorId = ErrorId.None;
  firstPath: usize = 0;
  firstPathLength: u32 = 0;
  private errors: u32 = 0;
  private left: u32 = 0;
  private responseCode: u32 = 0;
  private contentStatus: u32 = CONTENT_STATUS;
  private ownStatus: u32 = 0;
  /** Another body and content type in the place of the problem document, in memory that lasts as long as the call; 0: none. */
  private bodyPointer: usize = 0;
  private bodyLength: u32 = 0;
  private typePointer: usize = 0;
  private typeLength: u32 = 0;
  /** The stream is reset instead, without an answer. */
  drops: bool = false;
  private readonly list: Writer = new Writer(scratch);
  private readonly headers: Writer = new Writer(scratch);
  private headerCount: u32 = 0;
  private status: u32 = 0;
  private readonly body: Writer = new Writer(scratch);
  private readonly hostPairs: Writer = new Writer(scratch);

  /** Starts a reply with the status and title of `error`. Drops earlier content. */
  begin(error: ErrorId): void {
    this.error = error;
    this.firstError = ErrorId.None;
    this.firstPathLength = 0;
    this.errors = 0;
    this.left = 0;
    this.responseCode = 0;
    this.contentStatus = CONTENT_STATUS;
    this.ownStatus = 0;
    this.bodyPointer = 0;
    this.drops = false;
    this.headerCount = 0;
    this.list.begin(512);
    this.headers.begin(256);
  }

  /** HTTP status, 400 to 499, that replaces 422. Errors with another status keep it. */
  answerContentWith(status: u32): void {
    this.contentStatus = status;
  }

  /** HTTP status in the place of the error's own. */
  answerWith(status: u32): void {
    this.ownStatus = status;
  }

  /** Answers with a status, content type and body of the stage's own. Its error is counted all the same. */
  answerInstead(status: u32, type: usize, typeLength: u32, body: usize, bodyLength: u32): void {
    this.ownStatus = status;
    this.typePointer = type;
    this.typeLength = typeLength;
    this.bodyPointer = body;
    this.bodyLength = bodyLength;
  }

  /**
   * Adds the ISO 8583 response code (DE 39) of this error, if the table has one. For a mere format error: that of the
   * data element (0: none).
   */
  nameResponseCode(error: ErrorId, element: u32 = 0): void {
    const code = errorResponseCode(error);
    const own = code == FORMAT_ERROR ? elementResponseCode(element) : 0;
    this.responseCode = own == 0 ? code : own;
  }

  /**
   * Adds an entry to `errors`: a JSON Pointer (copied) and its own code. `place`: if the path is a name, `Query` or
   * `Header`; empty for the body. Entries beyond MAX_REPLY_ERRORS are only counted.
   */
  addError(error: ErrorId, path: usize, pathLength: u32, place: string = ''): void {
    if (this.errors >= MAX_REPLY_ERRORS) {
      this.left++;
      return;
    }
    if (this.errors == 0) {
      this.firstError = error;
      this.firstPath = path;
      this.firstPathLength = pathLength;
    }
    const list = this.list;
    list.ascii(this.errors == 0 ? '{"code":"' : ',{"code":"');
    this.errors++;
    list.bytes(errorCode(error), errorCodeLength(error));
    if (place.length != 0) {
      list.ascii('","in":"');
      list.ascii(place);
    }
    list.ascii('","path":"');
    list.jsonText(path, pathLength);
    list.ascii('","title":"');
    list.bytes(errorTitle(error), errorTitleLength(error));
    list.ascii('","titleZh":"');
    list.bytes(errorTitleZh(error), errorTitleZhLength(error));
    list.ascii('"}');
  }

  /** Adds a response header. `name` in lower case. */
  addHeader(name: string, value: usize, valueLength: u32): void {
    const headers = this.headers;
    const nameLength = <u32>name.length;
    const at = headers.reserve(8);
    if (at == 0) return;
    store<u32>(at, nameLength);
    store<u32>(at, valueLength, 4);
    headers.advance(8);
    headers.ascii(name);
    headers.bytes(value, valueLength);
    this.headerCount++;
  }

  /** Writes the reply. `route`: name of the deciding resource. `status`: HTTP status, 0 for the error's own. */
  compose(route: Bytes, status: u32): void {
    const body = this.body;
    const error = this.error;
    if (status == 0) status = this.ownStatus != 0 ? this.ownStatus : max(errorStatus(error), MIN_STATUS);
    if (this.bodyPointer != 0) {
      body.begin(this.bodyLength);
      body.bytes(this.bodyPointer, this.bodyLength);
      this.status = status;
      this.writePairs();
      return;
    }
    if (status == CONTENT_STATUS) status = this.contentStatus;
    body.begin(512);
    body.ascii('{"type":"urn:fim:error:');
    body.bytes(errorCode(error), errorCodeLength(error));
    body.ascii('","title":"');
    body.bytes(errorTitle(error), errorTitleLength(error));
    body.ascii('","titleZh":"');
    body.bytes(errorTitleZh(error), errorTitleZhLength(error));
    body.ascii('","status":');
    body.decimal(status);
    body.ascii(',"code":"');
    body.bytes(errorCode(error), errorCodeLength(error));
    if (this.responseCode != 0) {
      body.ascii('","responseCode":"');
      body.byte(<u8>this.responseCode);
      body.byte(<u8>(this.responseCode >> 8));
    }
    if (route.length > 0) {
      body.ascii('","route":"');
      body.jsonText(route.pointer, route.length);
    }
    body.ascii('"');
    if (this.errors > 0) {
      body.ascii(',"errors":[');
      body.bytes(this.list.pointer, this.list.length);
      body.ascii(']');
    }
    if (this.left > 0) {
      body.ascii(',"errorsOmitted":');
      body.decimal(this.left);
    }
    body.ascii('}\n');
    this.status = status;
    this.writePairs();
  }

  /** Status of the output of `compose`. */
  get composedStatus(): u32 {
    return this.status;
  }

  /** Body of the output of `compose`, for who sends it himself. */
  get composed(): Writer {
    return this.body;
  }

  /** Sends the output of `compose` on the current stream. False if the host refuses. */
  send(): bool {
    const body = this.body;
    const pairs = this.hostPairs;
    const full = body.overflowed || pairs.overflowed;
    sentBody.set(full ? 0 : body.pointer, full ? 0 : body.length);
    sentPairs.set(full ? 0 : pairs.pointer, full ? 0 : pairs.length);
    return transmit(this.status, this.error);
  }

  /** Size that `keep` needs for the output of `compose`. 0: it cannot be kept. */
  get keptBytes(): u32 {
    return this.body.overflowed || this.hostPairs.overflowed
      ? 0
      : KEPT_HEADER_BYTES + this.body.length + this.hostPairs.length;
  }

  /** Copies the output of `compose` into a block of `keptBytes` bytes, for `sendKept`. */
  keep(block: usize): void {
    const body = this.body;
    const pairs = this.hostPairs;
    store<u32>(block, this.status);
    store<u32>(block, this.error, 4);
    store<u32>(block, body.length, 8);
    store<u32>(block, pairs.length, 12);
    memory.copy(block + KEPT_HEADER_BYTES, body.pointer, body.length);
    memory.copy(block + KEPT_HEADER_BYTES + body.length, pairs.pointer, pairs.length);
  }

  /** Header pairs in the host's layout: count, lengths, then each text terminated by NUL. */
  private writePairs(): void {
    if (this.bodyPointer == 0) this.addHeader('content-type', CONTENT_TYPE.pointer, CONTENT_TYPE.length);
    else if (this.typeLength != 0) this.addHeader('content-type', this.typePointer, this.typeLength);
    const pairs = this.hostPairs;
    const count = this.headerCount;
    pairs.begin(4 + this.headers.length + count * 2);
    pairs.reserve(4);
    if (pairs.overflowed || this.headers.overflowed) return;
    store<u32>(pairs.pointer, count);
    pairs.advance(4);
    const from = this.headers.pointer;
    let at: usize = from;
    for (let i: u32 = 0; i < count; i++) {
      pairs.bytes(at, 8);
      at += 8 + load<u32>(at) + load<u32>(at, 4);
    }
    at = from;
    for (let i: u32 = 0; i < count; i++) {
      const nameLength = load<u32>(at);
      const valueLength = load<u32>(at, 4);
      pairs.bytes(at + 8, nameLength);
      pairs.byte(0);
      pairs.bytes(at + 8 + nameLength, valueLength);
      pairs.byte(0);
      at += 8 + nameLength + valueLength;
    }
  }
}

/** Sends a reply that `Reply.keep` put into a block, on the current stream. False if the host refuses. */
export function sendKept(block: usize): bool {
  const bodyLength = load<u32>(block, 8);
  const body = block + KEPT_HEADER_BYTES;
  sentBody.set(body, bodyLength);
  sentPairs.set(body + bodyLength, load<u32>(block, 12));
  return transmit(load<u32>(block), <ErrorId>load<u32>(block, 4));
}

/** Body and headers (in the host's layout) for `transmit`. */
const sentBody: Span = new Span();
const sentPairs: Span = new Span();

function transmit(status: u32, error: ErrorId): bool {
  return (
    proxy_send_local_response(
      status,
      errorCode(error),
      errorCodeLength(error),
      sentBody.pointer,
      sentBody.length,
      sentPairs.pointer,
      sentPairs.length,
      GRPC_STATUS_NONE,
    ) == Result.Ok
  );
}
