/** Bytes that name a query. */
export const QUERY_BYTES: u32 = 32;

/** Verdict on an answer by its headers. */
export const enum Judgement {
  Good = 0,
  Fault = 1,
  /** The verdict waits for the body or the trailers. */
  Later = 2,
}

/** Who is told what became of a request that was sent. Nothing here may throw or allocate. */
export abstract class AnswerWatcher {
  /** Verdict by the headers of an answer of the upstream whose status is below 500. `status`: three digits as text. */
  judgeHeaders(sent: Sent, status: usize): Judgement {
    return Judgement.Good;
  }
  /** Whether the trailers of an answer that was to be judged later say that it is a fault. */
  judgeTrailers(): bool {
    return false;
  }
  /** The upstream has answered, or has failed to. `fault`: it failed, or its answer says so. */
  abstract onAnswer(sent: Sent, fault: bool): void;
  /** Nothing can be said: the client has gone, or the proxy refused the request itself. */
  abstract onNoAnswer(sent: Sent): void;
}

/** A request as a stage sent it on, kept until its answer begins. */
export class Sent {
  /** Null: nobody waits for its answer. */
  watcher: AnswerWatcher | null = null;
  /** The watcher's note. */
  note: u32 = 0;
  /** Milliseconds of the monotonic clock: when it was sent, or the last part of it. */
  atMs: u64 = 0;
  arrivedMs: u64 = 0;
  /** It is a query, whose name is at `query`. */
  asks: bool = false;
  private readonly name: StaticArray<u8> = new StaticArray<u8>(QUERY_BYTES);
  /** When an answer began that is judged later; 0: there is none. */
  answeredMs: u64 = 0;
  /** It is a call of gRPC, whose status is behind the answer. */
  grpc: bool = false;
  /** All of it has been sent, at `atMs`: what happens from then on is the upstream's time. */
  whole: bool = false;
  /** The client has given it less time than its route does: that it was over says nothing of the upstream. */
  hurried: bool = false;

  get query(): usize {
    return changetype<usize>(this.name);
  }

  clear(): void {
    this.watcher = null;
    this.note = 0;
    this.atMs = 0;
    this.arrivedMs = 0;
    this.asks = false;
    this.answeredMs = 0;
    this.grpc = false;
    this.whole = false;
    this.hurried = false;
  }
}
