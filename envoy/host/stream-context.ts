// Context of one filter for one HTTP stream. Follows source/extensions/common/wasm/context.cc of Envoy in what is
// visible when, and in what a dead VM returns.
import { BufferKind, DataStatus, HeadersStatus, MapKind, StreamKind, TrailersStatus } from './abi.ts';
import type { BodyBuffer } from './body-buffer.ts';
import type { FilterPath, PathFilter } from './filter-path.ts';
import type { HeaderMap } from './header-map.ts';
import type { Guest, GuestBuffer, GuestContext, LocalReply, RootSide } from './roles.ts';

/** Part of one direction of the stream that is visible to the guest now. */
interface View {
  headers: HeaderMap | null;
  body: BodyBuffer | null;
  trailers: HeaderMap | null;
  buffering: boolean;
}

/** Part of the stream that its contexts call. */
export interface StreamSide {
  readonly filterState: Map<string, Uint8Array>;
  filterStateWrites: number;
  path(name: 'request' | 'response'): FilterPath;
  logMap(kind: number): HeaderMap | null;
  property(path: string): Uint8Array | null;
  continueFilter(index: number, name: 'request' | 'response'): void;
  sendLocalReply(reply: LocalReply): void;
  sendFilterReply(reply: LocalReply): void;
  reset(details: string): void;
}

const view = (): View => ({ headers: null, body: null, trailers: null, buffering: false });

export class StreamContext implements GuestContext {
  readonly root: RootSide;
  readonly id: number;
  readonly decoder: PathFilter;
  readonly encoder: PathFilter;
  /** Callbacks and their results, such as `request_headers:1`. */
  readonly trace: string[] = [];
  private readonly stream: StreamSide;
  private readonly index: number;
  private readonly instance: Guest;
  private readonly request = view();
  private readonly response = view();
  private created = false;
  private destroyed = false;
  private streamFailed = false;
  private logging = false;

  constructor(root: RootSide, stream: StreamSide, index: number) {
    this.root = root;
    this.stream = stream;
    this.index = index;
    this.instance = root.vm.instance;
    this.id = this.instance.newContextId();
    this.instance.contexts.set(this.id, this);
    root.streamOpened();
    this.decoder = this.filter('request', this.request);
    this.encoder = this.filter('response', this.response);
  }

  // --- calls into the guest

  private filter(name: 'request' | 'response', shown: View): PathFilter {
    const silent = (): boolean => name === 'response' && (!this.created || this.streamFailed);
    return {
      headers: (map, endOfStream) => {
        if (name === 'request') this.create();
        if (silent()) return HeadersStatus.Continue;
        shown.headers = map;
        const status = this.callback(`${name}_headers`, [map.size, Number(endOfStream)], HeadersStatus, (answer) =>
          this.headersStatus(answer),
        );
        if (status === HeadersStatus.Continue) shown.headers = null;
        return status;
      },
      data: (buffer, endOfStream) => {
        if (!this.created || silent()) return DataStatus.Continue;
        if (shown.buffering) {
          this.stream.path(name).addHeld(buffer);
          if (this.destroyed) return DataStatus.StopIterationAndBuffer;
        }
        shown.body = buffer;
        const size = this.bodyOf(name, shown)?.length ?? 0;
        const status = this.callback(`${name}_body`, [size, Number(endOfStream)], DataStatus, (answer) =>
          this.instance.iterationStopped || answer > 3 ? DataStatus.StopIterationNoBuffer : answer,
        );
        shown.buffering = status === DataStatus.StopIterationAndBuffer;
        if (status !== DataStatus.StopIterationNoBuffer) shown.body = null;
        return status;
      },
      trailers: (map) => {
        if (!this.created || silent()) return TrailersStatus.Continue;
        shown.trailers = map;
        const status = this.callback(`${name}_trailers`, [map.size], TrailersStatus, (answer) =>
          this.instance.iterationStopped || answer > 1 ? TrailersStatus.StopIteration : answer,
        );
        if (status === TrailersStatus.Continue) shown.trailers = null;
        return status;
      },
    };
  }

  /** Runs a callback. A dead VM returns what its failure policy says. */
  private callback(
    name: string,
    args: number[],
    kind: typeof HeadersStatus | typeof DataStatus | typeof TrailersStatus,
    read: (answer: number) => number,
  ): number {
    const closed =
      kind === HeadersStatus
        ? HeadersStatus.StopAllIterationAndWatermark
        : kind === DataStatus
          ? DataStatus.StopIterationNoBuffer
          : TrailersStatus.StopIteration;
    if (this.instance.failed) return this.failed(closed);
    if (!this.instance.has(`proxy_on_${name}`)) return 0;
    let status = 0;
    this.instance.call(this, `proxy_on_${name}`, [this.id, ...args], (answer) => {
      status = this.instance.failed ? closed : read(answer);
    });
    this.trace.push(`${name}:${status}`);
    return this.instance.failed ? this.failed(closed) : status;
  }

  private failed(closed: number): number {
    if (this.root.vm.options.failurePolicy === 'FAIL_OPEN') return 0;
    if (!this.streamFailed) {
      this.streamFailed = true;
      this.stream.sendLocalReply({
        status: 503,
        body: Buffer.alloc(0),
        headers: [],
        grpcStatus: 14,
        details: 'wasm_fail_stream',
      });
    }
    return closed;
  }

  private headersStatus(answer: number): number {
    if (this.instance.iterationStopped || answer > 4) return HeadersStatus.StopAllIterationAndWatermark;
    if (answer === HeadersStatus.StopIteration && !this.root.vm.options.allowOnHeadersStopIteration)
      return HeadersStatus.StopAllIterationAndWatermark;
    return answer === 2 ? HeadersStatus.Continue : answer;
  }

  private create(): void {
    if (this.created) return;
    this.created = true;
    if (!this.instance.failed) this.instance.call(this, 'proxy_on_context_create', [this.id, this.root.id], () => 0);
  }

  /** Ends the stream: log, done, delete, in Envoy's order. */
  destroy(): void {
    if (this.destroyed) return;
    this.create();
    this.logging = true;
    this.end('proxy_on_log');
    this.logging = false;
    this.destroyed = true;
    this.end('proxy_on_done');
    this.end('proxy_on_delete');
    this.instance.contexts.delete(this.id);
    this.root.streamClosed(this.instance);
  }

  private end(name: string): void {
    if (!this.instance.failed) this.instance.call(this, name, [this.id], () => 0);
  }

  // --- GuestContext

  map(kind: number, writable: boolean): HeaderMap | null {
    if (this.logging) return writable ? null : this.stream.logMap(kind);
    if (kind === MapKind.RequestHeaders) return this.request.headers;
    if (kind === MapKind.ResponseHeaders) return this.response.headers;
    if (kind === MapKind.RequestTrailers) return this.trailers('request', this.request, writable);
    if (kind === MapKind.ResponseTrailers) return this.trailers('response', this.response, writable);
    return this.root.map(kind, writable);
  }

  private trailers(name: 'request' | 'response', shown: View, writable: boolean): HeaderMap | null {
    if (writable && shown.trailers === null && shown.body !== null)
      shown.trailers = this.stream.path(name).addTrailers();
    return shown.trailers;
  }

  buffer(kind: number): GuestBuffer | null {
    if (kind === BufferKind.HttpRequestBody || kind === BufferKind.HttpResponseBody) {
      const name = kind === BufferKind.HttpRequestBody ? 'request' : 'response';
      const body = this.bodyOf(name, name === 'request' ? this.request : this.response);
      return body === null ? { bytes: Buffer.alloc(0) } : { body };
    }
    return this.root.buffer(kind);
  }

  private bodyOf(name: 'request' | 'response', shown: View): BodyBuffer | null {
    return shown.buffering ? this.stream.path(name).held : shown.body;
  }

  property(path: string): Uint8Array | null {
    return this.stream.property(path) ?? this.stream.filterState.get(`wasm.${path}`) ?? this.root.property(path);
  }

  setProperty(path: string, value: Uint8Array): boolean {
    this.stream.filterStateWrites++;
    this.stream.filterState.set(`wasm.${path}`, Buffer.from(value));
    return true;
  }

  continueStream(kind: number): void {
    const name = kind === StreamKind.Request ? 'request' : 'response';
    this.instance.defer(() => this.stream.continueFilter(this.index, name));
    this.request.headers = null;
    this.request.body = null;
    this.request.trailers = null;
  }

  closeStream(kind: number): void {
    if (kind > StreamKind.Response) return; // of network filters
    this.instance.defer(() => this.stream.reset('wasm_close_stream'));
  }

  sendLocalReply(reply: LocalReply): void {
    this.instance.iterationStopped = true;
    this.instance.defer(() => this.stream.sendFilterReply(reply));
  }
}
