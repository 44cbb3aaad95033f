// One direction of a filter chain. Passes headers, data and trailers through filters that stop, buffer and continue, as
// Envoy's filter manager does (source/common/http/filter_manager.cc). Decoding and encoding differ only in the owner.
import { DataStatus, HeadersStatus, TrailersStatus } from './abi.ts';
import { BodyBuffer } from './body-buffer.ts';
import { HeaderMap } from './header-map.ts';

/** Part of a filter that the path calls. */
export interface PathFilter {
  headers(map: HeaderMap, endOfStream: boolean): number;
  data(buffer: BodyBuffer, endOfStream: boolean): number;
  trailers(map: HeaderMap): number;
}

/** Part of the stream that the path calls. */
export interface PathOwner {
  /** Whether filters may still continue. False once the response is over. */
  canContinue(): boolean;
  /** Called after a callback in which a filter sent a local reply. Carries the reply out. */
  onAborted(): void;
  /** Called when buffered data exceeds the limit and the filters do not stream. */
  onTooLarge(): void;
  sinkHeaders(map: HeaderMap, endOfStream: boolean): void;
  sinkData(bytes: Uint8Array, endOfStream: boolean): void;
  sinkTrailers(map: HeaderMap): void;
}

type Iteration = 'continue' | 'stop-single' | 'stop-all-buffer' | 'stop-all-watermark';

interface Entry {
  filter: PathFilter;
  iteration: Iteration;
  headersContinued: boolean;
  fromCurrent: boolean;
  ended: boolean;
}

export class FilterPath {
  headersMap: HeaderMap | null = null;
  trailersMap: HeaderMap | null = null;
  /** Data that a filter of the path buffers. */
  held: BodyBuffer | null = null;
  /** Whether the sender is done: end of stream or trailers have arrived. */
  complete = false;
  /** Whether a local reply from a callback has ended this path. */
  aborted = false;
  /** Whether a callback of this path is running. */
  calling = false;
  private endingCall = false;
  private streaming = true;
  private readonly entries: Entry[];
  private readonly owner: PathOwner;
  private readonly limitBytes: number;

  constructor(filters: PathFilter[], owner: PathOwner, limitBytes: number) {
    this.entries = filters.map((filter) => ({
      filter,
      iteration: 'continue',
      headersContinued: false,
      fromCurrent: false,
      ended: false,
    }));
    this.owner = owner;
    this.limitBytes = limitBytes;
  }

  // --- events from the sender

  receiveHeaders(map: HeaderMap, endOfStream: boolean): void {
    this.headersMap = map;
    this.complete = endOfStream;
    this.headers(0, endOfStream);
  }

  receiveData(bytes: Uint8Array, endOfStream: boolean): void {
    this.complete = endOfStream;
    this.data(0, BodyBuffer.of(bytes), endOfStream);
  }

  receiveTrailers(map: HeaderMap): void {
    this.complete = true;
    this.trailersMap = map;
    this.trailers(0);
  }

  // --- actions of filters, in and between their callbacks

  /** Continues after a filter that stopped iteration. */
  continueFrom(index: number): void {
    const entry = this.entries[index]!;
    if (!this.owner.canContinue()) return;
    if (entry.iteration === 'stop-all-buffer' || entry.iteration === 'stop-all-watermark') entry.fromCurrent = true;
    entry.iteration = 'continue';
    if (!entry.headersContinued) {
      entry.headersContinued = true;
      this.headers(index + 1, this.complete && this.held === null && this.trailersMap === null);
    }
    const hadTrailers = this.trailersMap !== null;
    const from = entry.fromCurrent ? index : index + 1;
    if (this.held !== null) this.data(from, this.held, this.complete && !hadTrailers);
    if (hadTrailers) this.trailers(from);
    entry.fromCurrent = false;
  }

  /** Whether the filter has stopped iteration and can be continued. */
  stopped(index: number): boolean {
    return this.entries[index]!.iteration !== 'continue';
  }

  /** Adds the newest piece before the callback of a buffering filter, so that it sees the whole body. */
  addHeld(buffer: BodyBuffer): void {
    this.streaming = false;
    this.hold(buffer);
  }

  /** Trailers that a filter adds in its last data callback. Null at any other time. */
  addTrailers(): HeaderMap | null {
    if (!this.endingCall || this.trailersMap !== null) return this.trailersMap;
    return (this.trailersMap = new HeaderMap());
  }

  // --- iteration

  private headers(from: number, endOfStream: boolean): void {
    for (let i = from; i < this.entries.length; i++) {
      const entry = this.entries[i]!;
      entry.ended = endOfStream;
      let status = this.call(() => entry.filter.headers(this.headersMap!, endOfStream), endOfStream);
      if (this.aborted) {
        this.owner.onAborted();
        status = HeadersStatus.StopIteration;
      }
      if (status === HeadersStatus.StopIteration) entry.iteration = 'stop-single';
      else if (status === HeadersStatus.StopAllIterationAndBuffer) entry.iteration = 'stop-all-buffer';
      else if (status === HeadersStatus.StopAllIterationAndWatermark) entry.iteration = 'stop-all-watermark';
      else entry.headersContinued = true;
      if (entry.iteration !== 'continue') return;
    }
    if (!this.owner.canContinue()) return;
    this.owner.sinkHeaders(this.headersMap!, endOfStream);
  }

  private data(from: number, buffer: BodyBuffer, endOfStream: boolean): void {
    if (!this.owner.canContinue()) return;
    const hadTrailers = this.trailersMap !== null;
    let trailersFrom = -1;
    let end = endOfStream;
    for (let i = from; i < this.entries.length; i++) {
      const entry = this.entries[i]!;
      if (entry.iteration === 'stop-all-buffer' || entry.iteration === 'stop-all-watermark') {
        this.streaming = entry.iteration === 'stop-all-watermark';
        this.hold(buffer);
        return;
      }
      if (entry.ended) return;
      entry.ended = end && this.trailersMap === null;
      const status = this.call(() => entry.filter.data(buffer, entry.ended), end);
      if (this.aborted) {
        this.owner.onAborted();
        return;
      }
      if (!hadTrailers && this.trailersMap !== null && trailersFrom < 0) {
        end = false;
        trailersFrom = i + 1;
      }
      if (!this.afterData(i, status, buffer)) {
        if (trailersFrom >= 0) this.trailers(trailersFrom);
        return;
      }
    }
    if (!this.owner.canContinue()) return;
    const bytes = Buffer.from(buffer.bytes());
    buffer.clear();
    if (buffer === this.held) this.held = null;
    this.owner.sinkData(bytes, end);
    if (trailersFrom >= 0) this.trailers(trailersFrom);
  }

  /** Whether the next filter gets the data. */
  private afterData(index: number, status: number, buffer: BodyBuffer): boolean {
    const entry = this.entries[index]!;
    if (status === DataStatus.Continue) {
      if (entry.iteration !== 'stop-single') return true;
      this.hold(buffer);
      this.continueFrom(index);
      return false;
    }
    entry.iteration = 'stop-single';
    if (status === DataStatus.StopIterationAndBuffer || status === DataStatus.StopIterationAndWatermark) {
      this.streaming = status === DataStatus.StopIterationAndWatermark;
      this.hold(buffer);
    } else if (this.complete && this.trailersMap === null && this.held === null) this.held = this.newHeld();
    return false;
  }

  private trailers(from: number): void {
    if (!this.owner.canContinue()) return;
    for (let i = from; i < this.entries.length; i++) {
      const entry = this.entries[i]!;
      if (entry.iteration === 'stop-all-buffer' || entry.iteration === 'stop-all-watermark') return;
      const status = this.call(() => entry.filter.trailers(this.trailersMap!), false);
      entry.ended = true;
      if (this.aborted) {
        this.owner.onAborted();
        return;
      }
      if (status === TrailersStatus.StopIteration) {
        if (entry.iteration === 'continue') entry.iteration = 'stop-single';
        return;
      }
      if (entry.iteration === 'stop-single') {
        this.continueFrom(i);
        return;
      }
    }
    if (this.owner.canContinue()) this.owner.sinkTrailers(this.trailersMap!);
  }

  private call(callback: () => number, ending: boolean): number {
    const outer = this.calling;
    const outerEnding = this.endingCall;
    this.calling = true;
    this.endingCall = ending;
    try {
      return callback();
    } finally {
      this.calling = outer;
      this.endingCall = outerEnding;
    }
  }

  private hold(buffer: BodyBuffer): void {
    if (buffer === this.held) return;
    this.held ??= this.newHeld();
    this.held.take(buffer);
  }

  private newHeld(): BodyBuffer {
    return new BodyBuffer(this.limitBytes, () => {
      if (!this.streaming) this.owner.onTooLarge();
    });
  }
}
