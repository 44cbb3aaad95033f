// One HTTP stream through a chain of plugins. The client is on one side, the router's upstream on the other, Envoy's
// filter manager between.
import { HOST_BUFFER_LIMIT_BYTES } from '../limits.ts';
import { MapKind } from './abi.ts';
import { FilterPath } from './filter-path.ts';
import { HeaderMap } from './header-map.ts';
import type { HeaderInput } from './header-map.ts';
import { makeLocalReply } from './local-reply.ts';
import { propertyBytes, requestProperty } from './properties.ts';
import type { PropertyValue } from './properties.ts';
import type { LocalReply, RootSide } from './roles.ts';
import { StreamContext, type StreamSide } from './stream-context.ts';

export interface StreamOptions {
  /** Attributes such as `source.address`, names joined by dots. Some have defaults. */
  properties?: Record<string, PropertyValue>;
  /** Most body bytes that the stream may buffer (Envoy's per-connection buffer limit). */
  bufferLimitBytes?: number;
  /** Whether bodies are only counted and not kept, for very large ones. */
  discardBodies?: boolean;
}

/** Messages that one side of the stream has received so far. */
export interface Received {
  headers: HeaderMap | null;
  body: Buffer;
  bodyBytes: number;
  trailers: HeaderMap | null;
  /** Whether the message arrived completely. */
  complete: boolean;
  /** Whether the stream was reset. */
  reset: boolean;
}

const nothing = (): Received => ({
  headers: null,
  body: Buffer.alloc(0),
  bodyBytes: 0,
  trailers: null,
  complete: false,
  reset: false,
});

export class HttpStream implements StreamSide {
  /** Messages that the upstream received. `headers === null`: not one byte. */
  readonly upstream = nothing();
  /** Messages that the client received. */
  readonly client = nothing();
  readonly contexts: StreamContext[];
  /** Envoy's response code details: the cause of the stream's end. */
  details = '';
  localReplies = 0;
  ended = false;
  /** Filter state that plugins set (`proxy_set_property`), as access logs see it: by `wasm.` and the path. */
  readonly filterState = new Map<string, Uint8Array>();
  /** Number of writes to the filter state, including repeated ones. */
  filterStateWrites = 0;
  /** Called when the exchange is over, before its contexts are. */
  onEnd: () => void = () => {};
  /** Called for each piece that reaches the upstream. */
  onUpstream: () => void = () => {};
  private readonly decode: FilterPath;
  private readonly encode: FilterPath;
  private readonly options: StreamOptions;
  private readonly roots: RootSide[];
  private prepared: LocalReply | null = null;
  private localComplete = false;
  private encodeComplete = false;
  private headersSent = false;
  private filterReplied = false;

  constructor(roots: RootSide[], options: StreamOptions) {
    this.roots = roots;
    this.options = options;
    this.contexts = roots.map((root, index) => new StreamContext(root, this, index));
    const limit = options.bufferLimitBytes ?? HOST_BUFFER_LIMIT_BYTES;
    this.decode = new FilterPath(
      this.contexts.map((context) => context.decoder),
      this.decodeOwner(),
      limit,
    );
    this.encode = new FilterPath(this.contexts.map((context) => context.encoder).reverse(), this.encodeOwner(), limit);
  }

  // --- client side

  onRequestHeaders(headers: HeaderInput, endOfStream = false): void {
    this.decode.receiveHeaders(new HeaderMap(headers), endOfStream);
  }

  onRequestBody(bytes: Uint8Array | string, endOfStream = false): void {
    if (!this.localComplete && !this.ended) this.decode.receiveData(Buffer.from(bytes as string), endOfStream);
  }

  onRequestTrailers(trailers: HeaderInput): void {
    if (!this.localComplete && !this.ended) this.decode.receiveTrailers(new HeaderMap(trailers));
  }

  /** Disconnects the client. */
  abort(): void {
    if (!this.ended) this.finish('downstream_remote_disconnect');
  }

  // --- upstream side

  onResponseHeaders(headers: HeaderInput, endOfStream = false): void {
    if (this.closedForUpstream()) return;
    this.localComplete = endOfStream;
    this.details = 'via_upstream';
    this.encode.receiveHeaders(new HeaderMap(headers), endOfStream);
  }

  onResponseBody(bytes: Uint8Array | string, endOfStream = false): void {
    if (this.closedForUpstream()) return;
    this.localComplete = endOfStream;
    this.encode.receiveData(Buffer.from(bytes as string), endOfStream);
  }

  onResponseTrailers(trailers: HeaderInput): void {
    if (this.closedForUpstream()) return;
    this.localComplete = true;
    this.encode.receiveTrailers(new HeaderMap(trailers));
  }

  /** Resets the upstream. The client gets a 503 if it has received nothing yet, else a reset. */
  resetUpstream(): void {
    if (this.closedForUpstream()) return;
    const body = Buffer.from(
      'upstream connect error or disconnect/reset before headers. reset reason: connection termination',
    );
    this.sendLocalReply({
      status: 503,
      body,
      headers: [],
      grpcStatus: -1,
      details: 'upstream_reset_before_response_started',
    });
  }

  private closedForUpstream(): boolean {
    return this.ended || this.localComplete || this.localReplies > 0;
  }

  // --- calls from filters

  path(name: 'request' | 'response'): FilterPath {
    return name === 'request' ? this.decode : this.encode;
  }

  continueFilter(index: number, name: 'request' | 'response'): void {
    const path = this.path(name);
    const place = name === 'request' ? index : this.contexts.length - 1 - index;
    if (this.ended) return;
    if (path.stopped(place)) path.continueFrom(place);
    else this.violation(`continue of a ${name} that is not stopped`);
  }

  /** Local reply of a filter. Envoy drops a second one or fails on it. */
  sendFilterReply(reply: LocalReply): void {
    if (this.filterReplied) this.violation('second local reply on one stream');
    this.filterReplied = true;
    this.sendLocalReply(reply);
  }

  reset(details: string): void {
    this.client.reset = true;
    this.finish(details);
  }

  /**
   * Local reply of a filter or of the proxy. It passes the filters' response callbacks if no response has begun, else
   * it goes straight to the client.
   */
  sendLocalReply(reply: LocalReply): void {
    if (this.ended) {
      this.violation('local reply on a stream that has ended');
      return;
    }
    this.localReplies++;
    this.details = reply.details;
    if (this.decode.calling) this.decode.aborted = true;
    else if (this.encode.calling) this.encode.aborted = true;
    if (this.encode.headersMap === null) {
      if (this.decode.calling) this.prepared ??= reply;
      else this.replyThroughFilters(reply);
    } else if (!this.headersSent) this.replyDirectly(reply);
    else this.reset(reply.details);
  }

  private replyThroughFilters(reply: LocalReply): void {
    const { headers, body } = makeLocalReply(reply, this.decode.headersMap);
    this.localComplete = body.length === 0;
    this.encode.receiveHeaders(headers, body.length === 0);
    if (body.length === 0 || this.ended) return;
    this.localComplete = true;
    this.encode.receiveData(body, true);
  }

  private replyDirectly(reply: LocalReply): void {
    const { headers, body } = makeLocalReply(reply, this.decode.headersMap);
    this.client.headers = headers;
    this.client.body = body;
    this.client.bodyBytes = body.length;
    this.headersSent = true;
    this.endResponse();
  }

  private decodeOwner() {
    return {
      canContinue: () => !this.localComplete && !this.ended,
      onAborted: () => {
        const reply = this.prepared;
        this.prepared = null;
        if (reply !== null) this.replyThroughFilters(reply);
      },
      onTooLarge: () =>
        this.sendLocalReply({
          status: 413,
          body: Buffer.from('Payload Too Large'),
          headers: [],
          grpcStatus: -1,
          details: 'request_payload_too_large',
        }),
      sinkHeaders: (map: HeaderMap, end: boolean) => {
        for (const name of [':method', ':path', ':authority'])
          if (map.get(name) === undefined) this.violation(`request without ${name}`);
        this.upstream.headers = map.copy();
        this.received('upstream', end);
      },
      sinkData: (bytes: Uint8Array, end: boolean) => {
        this.addBody('upstream', bytes);
        this.received('upstream', end);
      },
      sinkTrailers: (map: HeaderMap) => {
        this.upstream.trailers = map.copy();
        this.received('upstream', true);
      },
    };
  }

  private encodeOwner() {
    return {
      canContinue: () => !this.encodeComplete && !this.ended,
      onAborted: () => {},
      onTooLarge: () =>
        this.sendLocalReply({
          status: 500,
          body: Buffer.from('Internal Server Error'),
          headers: [],
          grpcStatus: -1,
          details: 'response_payload_too_large',
        }),
      sinkHeaders: (map: HeaderMap, end: boolean) => {
        if (map.get(':status') === undefined) this.violation('response without :status');
        this.client.headers = map.copy();
        this.headersSent = true;
        this.received('client', end);
      },
      sinkData: (bytes: Uint8Array, end: boolean) => {
        this.addBody('client', bytes);
        this.received('client', end);
      },
      sinkTrailers: (map: HeaderMap) => {
        this.client.trailers = map.copy();
        this.received('client', true);
      },
    };
  }

  private addBody(side: 'upstream' | 'client', bytes: Uint8Array): void {
    this[side].bodyBytes += bytes.length;
    if (this.options.discardBodies !== true) this[side].body = Buffer.concat([this[side].body, bytes]);
  }

  private received(side: 'upstream' | 'client', end: boolean): void {
    if (end) {
      this[side].complete = true;
      this.checkLength(side);
    }
    if (side === 'upstream') this.onUpstream();
    else if (end) this.endResponse();
  }

  /** A `content-length` that differs from the body's length breaks HTTP/1 peers. */
  private checkLength(side: 'upstream' | 'client'): void {
    const { headers, bodyBytes } = this[side];
    const length = headers?.get('content-length');
    if (length === undefined || Number(length) === bodyBytes) return;
    const bodiless =
      side === 'client' && (this.decode.headersMap?.get(':method') === 'HEAD' || headers?.get(':status') === '304');
    if (!bodiless || bodyBytes > 0) this.violation(`${side} got content-length ${length} with ${bodyBytes} bytes`);
  }

  private endResponse(): void {
    this.encodeComplete = true;
    this.localComplete = true;
    this.client.complete = true;
    this.finish(this.details);
  }

  private finish(details: string): void {
    if (this.ended) return;
    this.ended = true;
    this.details = details;
    if (!this.upstream.complete && this.upstream.headers !== null) this.upstream.reset = true;
    this.onEnd();
    for (const context of this.contexts) context.destroy();
  }

  private violation(what: string): void {
    for (const vm of new Set(this.roots.map((root) => root.vm))) vm.violations.push(what);
  }

  // --- lookups of guests

  logMap(kind: number): HeaderMap | null {
    if (kind === MapKind.RequestHeaders) return this.decode.headersMap;
    if (kind === MapKind.ResponseHeaders) return this.client.headers;
    if (kind === MapKind.ResponseTrailers) return this.client.trailers;
    return null;
  }

  property(path: string): Uint8Array | null {
    const given = this.options.properties?.[path];
    if (given !== undefined) return propertyBytes(given);
    if (path === 'response.code_details') return this.details === '' ? null : Buffer.from(this.details);
    if (path === 'response.code') {
      const status = (this.client.headers ?? this.encode.headersMap)?.get(':status');
      return status === undefined ? null : propertyBytes(Number(status));
    }
    return requestProperty(path, this.decode.headersMap);
  }
}
