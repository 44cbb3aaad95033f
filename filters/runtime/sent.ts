import { Resumer } from './service';

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

/** Where a request stands that may have to wait until it is sent. */
export const enum Standing {
  /** Nobody was asked. */
  None = 0,
  Waits = 1,
  UnderWay = 2,
  /** There was no room for it. */
  Refused = 3,
  /** It has waited too long. */
  Late = 4,
}

/** Who counts a request among those under way. Nothing here may throw or allocate. */
export abstract class SentPlace {
  /** Its answer has come, or none will. Called once. */
  abstract leave(sent: Sent): void;
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

  /** Null: nobody counts it among those under way. */
  place: SentPlace | null = null;
  standing: Standing = Standing.None;
  /** It is in the list of those of which it is settled what becomes of them. */
  isListed: bool = false;
  /** Envoy's id of its stream, while it waits. */
  streamId: u32 = 0;
  /** Since when it waits, and until when at most: milliseconds of the monotonic clock. */
  sinceMs: u64 = 0;
  dueMs: u64 = 0;
  /** Who resumes it, where it waits under a budget. */
  resumer: Resumer | null = null;
  /** Its neighbours among those that wait. */
  ahead: Sent | null = null;
  behind: Sent | null = null;

  /** Gives its place up, if it has one. */
  leavePlace(): void {
    const place = this.place;
    if (place != null) place.leave(this);
  }

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
    this.place = null;
    this.standing = Standing.None;
    this.isListed = false;
    this.resumer = null;
    this.ahead = null;
    this.behind = null;
  }
}
