// One HTTP exchange: a client's request, the upstream's response, and what each side received.
import { HOST_MAX_WAIT_MS } from '../limits.ts';
import type { HeaderInput, HeaderList } from './header-map.ts';
import { HttpStream } from './http-stream.ts';
import type { Received, StreamOptions } from './http-stream.ts';
import type { RootContext } from './root-context.ts';
import type { Machine } from './roles.ts';
import { Vm } from './vm.ts';

/**
 * Cuts of a body: sizes of the pieces (the rest is one more), or one byte each. A trailing 0 puts the end of stream
 * into an empty frame.
 */
export type Chunks = number[] | 'bytes';

export interface ExchangeRequest {
  /** Default: GET without a body, POST with one. */
  method?: string;
  path?: string;
  authority?: string;
  headers?: HeaderInput;
  body?: string | Uint8Array;
  chunks?: Chunks;
  trailers?: HeaderInput;
  /** False omits `content-length`, as chunked and HTTP/2 senders may. */
  contentLength?: boolean;
  /** Body bytes after which the client disconnects. */
  abortAfterBytes?: number;
  /** Keeps the request open, as for an upgrade or a bidirectional stream. */
  open?: boolean;
}

export interface ExchangeResponse {
  /** Default 200. */
  status?: number;
  headers?: HeaderInput;
  body?: string | Uint8Array;
  chunks?: Chunks;
  trailers?: HeaderInput;
  contentLength?: boolean;
  /** Keeps the response open, as for an event stream. */
  open?: boolean;
}

/** The upstream. It answers the request, resets the stream (`reset`) or never answers (`silent`). */
export type Upstream = (request: Received) => ExchangeResponse | 'reset' | 'silent';

export interface ExchangeOptions extends StreamOptions {
  request: ExchangeRequest;
  /** Default: 200 with an empty body. */
  upstream?: Upstream;
  /** Whether the upstream answers as soon as it has the headers. */
  answerOnHeaders?: boolean;
  /** Virtual milliseconds between two pieces of the request. */
  pauseMs?: number;
  /** Virtual milliseconds after which waiting ends. */
  maxWaitMs?: number;
}

export interface ExchangeResult {
  client: Received & { status: number };
  upstream: Received & { sawNothing: boolean };
  /** Envoy's response code details. */
  details: string;
  /** Whether the stream is over. False if it hangs or is meant to stay open. */
  ended: boolean;
  localReplies: number;
  /** Virtual milliseconds. */
  tookMs: number;
  stream: HttpStream;
}

/** Pieces of a body: at least one, possibly empty. */
export function cut(body: Uint8Array, chunks: Chunks = []): Uint8Array[] {
  if (chunks === 'bytes') return body.length === 0 ? [body] : Array.from(body, (_, at) => body.subarray(at, at + 1));
  const pieces: Uint8Array[] = [];
  let at = 0;
  for (const size of chunks) {
    if (size > 0 && at < body.length) pieces.push(body.subarray(at, (at += Math.min(size, body.length - at))));
  }
  if (at < body.length || pieces.length === 0) pieces.push(body.subarray(at));
  if (chunks.at(-1) === 0) pieces.push(new Uint8Array(0));
  return pieces;
}

function headerList(input: HeaderInput = []): HeaderList {
  if (Array.isArray(input)) return input;
  return Object.entries(input).flatMap(([name, value]) =>
    Array.isArray(value) ? value.map((one): [string, string] => [name, one]) : [[name, value] as [string, string]],
  );
}

/** A started exchange. `settle` runs it to its end. Several may run at once. */
export class Exchange {
  readonly stream: HttpStream;
  private readonly options: ExchangeOptions;
  private readonly vm: Machine;
  private readonly startedMs: number;
  private answered = false;

  constructor(roots: RootContext | RootContext[], options: ExchangeOptions) {
    const chain = Array.isArray(roots) ? roots : [roots];
    this.options = options;
    this.vm = chain[0]!.vm;
    this.startedMs = this.vm.clock.nowMs;
    this.stream = Vm.openStream(chain, options);
    this.stream.onUpstream = () => this.upstreamReceived();
    this.sendRequest();
  }

  /** Advances virtual time until the stream is over, nothing more can happen, or `maxWaitMs` has passed. */
  settle(): ExchangeResult {
    const clock = this.vm.clock;
    const lastMs = this.startedMs + (this.options.maxWaitMs ?? HOST_MAX_WAIT_MS);
    clock.advance(0);
    while (!this.stream.ended) {
      const waitMs = clock.untilNextMs;
      if (waitMs === undefined || clock.nowMs + waitMs > lastMs) break;
      clock.advance(waitMs);
    }
    return this.result();
  }

  result(): ExchangeResult {
    const { client, upstream, details, ended, localReplies } = this.stream;
    return {
      client: { ...client, status: Number(client.headers?.get(':status') ?? 0) },
      upstream: { ...upstream, sawNothing: upstream.headers === null },
      details,
      ended,
      localReplies,
      tookMs: this.vm.clock.nowMs - this.startedMs,
      stream: this.stream,
    };
  }

  private sendRequest(): void {
    const { request } = this.options;
    const body = request.body === undefined ? undefined : Buffer.from(request.body as string);
    const headers: HeaderList = [
      [':method', request.method ?? (body === undefined ? 'GET' : 'POST')],
      [':path', request.path ?? '/'],
      [':authority', request.authority ?? 'fim.test'],
      [':scheme', 'http'],
      ...headerList(request.headers),
    ];
    if (body !== undefined && request.contentLength !== false && request.trailers === undefined)
      headers.push(['content-length', String(body.length)]);
    this.stream.onRequestHeaders(
      headers,
      body === undefined && request.trailers === undefined && request.open !== true,
    );
    this.pause();
    if (body !== undefined) this.sendBody(body);
    if (request.trailers !== undefined) this.stream.onRequestTrailers(request.trailers);
  }

  private sendBody(body: Uint8Array): void {
    const { request } = this.options;
    const keepsOpen = request.trailers !== undefined || request.open === true;
    let sent = 0;
    const pieces = cut(body, request.chunks);
    for (const [i, piece] of pieces.entries()) {
      if (request.abortAfterBytes !== undefined && sent >= request.abortAfterBytes) {
        this.stream.abort();
        return;
      }
      this.stream.onRequestBody(piece, !keepsOpen && i === pieces.length - 1);
      sent += piece.length;
      this.pause();
    }
    if (request.abortAfterBytes !== undefined && sent >= request.abortAfterBytes) this.stream.abort();
  }

  private pause(): void {
    this.vm.clock.advance(this.options.pauseMs ?? 0);
  }

  private upstreamReceived(): void {
    if (this.answered || (!this.stream.upstream.complete && this.options.answerOnHeaders !== true)) return;
    this.answered = true;
    // A real upstream answers on its own connection, never inside the request's callbacks.
    this.vm.clock.schedule(0, () => this.answer());
  }

  private answer(): void {
    if (this.stream.ended) return;
    const answer = this.options.upstream?.(this.stream.upstream) ?? {};
    if (answer === 'silent') return;
    if (answer === 'reset') {
      this.stream.resetUpstream();
      return;
    }
    const body = Buffer.from((answer.body ?? '') as string);
    const headers: HeaderList = [[':status', String(answer.status ?? 200)], ...headerList(answer.headers)];
    if (
      answer.contentLength !== false &&
      answer.open !== true &&
      answer.trailers === undefined &&
      answer.body !== undefined
    )
      headers.push(['content-length', String(body.length)]);
    const bodiless =
      this.options.request.method === 'HEAD' ||
      (body.length === 0 && answer.trailers === undefined && answer.open !== true);
    this.stream.onResponseHeaders(headers, bodiless);
    if (bodiless) return;
    const pieces = body.length === 0 ? [] : cut(body, answer.chunks);
    for (const [i, piece] of pieces.entries()) {
      this.vm.clock.advance(0);
      this.stream.onResponseBody(
        piece,
        answer.trailers === undefined && answer.open !== true && i === pieces.length - 1,
      );
    }
    if (answer.trailers !== undefined) this.stream.onResponseTrailers(answer.trailers);
  }
}

/** Runs one exchange to its end. */
export function exchange(roots: RootContext | RootContext[], options: ExchangeOptions): ExchangeResult {
  return new Exchange(roots, options).settle();
}
