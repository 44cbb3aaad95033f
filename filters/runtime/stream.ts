import { MAX_STREAM_STATE_BYTES } from '../limits';
import { SlotPool } from '../memory/slot-pool';
import { Coding } from '../message/compression/body';
import { MediaType } from '../message/format';
import { giveBack } from './held-bytes';
import { forgetReply } from './late-reply';
import { RootContext } from './root-context';
import { CompiledRoute } from './configuration';
import { Direction } from './stage';

/** How far one direction of a stream has come. */
export const enum Phase {
  /** No stage of this direction has run. */
  Idle = 0,
  /** Stages look at the headers. */
  Headers = 1,
  /** Headers are held, the body is collected in the host. */
  Collecting = 2,
  /** The body is whole; stages look at it. */
  Body = 3,
  /** Everything went on, or the stages have nothing to do with it. */
  Passed = 4,
  /** A local reply was sent; what still arrives is dropped. */
  Refused = 5,
  /** The body will pass in pieces; the stage looks at the headers, which are held. */
  StreamHeaders = 6,
  /** Headers went on; the body passes in pieces. */
  Streaming = 7,
  /** Refused; the reply waits for the end of the request, whose body is dropped as it comes. */
  Draining = 8,
}

/** Never: the sender did not declare a length. */
export const UNDECLARED: u64 = u64.MAX_VALUE;

/** What streamed bodies keep between their pieces. */
const slots: SlotPool = new SlotPool(MAX_STREAM_STATE_BYTES);

/** One direction of a stream. */
export class Half {
  phase: Phase = Phase.Idle;
  /** Next step of the plan to run. */
  step: i32 = 0;
  /** Bytes of body that the host holds. */
  bodyLength: u32 = 0;
  /** Bytes of it that are counted in held-bytes.ts, and those counted for the connection. */
  heldBytes: u32 = 0;
  connectionBytes: u32 = 0;
  /** No more body will come. */
  ended: bool = false;
  /** A stage has asked to be called again. */
  waiting: bool = false;
  /** What its content-type says. */
  media: MediaType = MediaType.Other;
  /** How the body that the host holds is coded, where it must be opened. */
  coding: Coding = Coding.Identity;
  /** A header describes the bytes of the body. */
  digested: bool = false;
  /** The body is to pass in pieces. */
  streamed: bool = false;
  /**
   * Streamed: the host adds each piece to what it holds, so that something can be put behind the last one when trailers
   * come.
   */
  holding: bool = false;
  /** Streamed: the host may be asked to hold pieces, since nothing tells beforehand which is the last. */
  mayHold: bool = false;
  /** Streamed: the stage will change the body. */
  rewritten: bool = false;
  /** Streamed: the stage waited at the headers, and the host has given the body anew. */
  resumed: bool = false;
  /** Streamed: the body ended with trailers. */
  atTrailers: bool = false;
  /** Streamed: the stage's rejection was observed; it is not asked again. */
  observed: bool = false;
  /** Streamed: bytes at the beginning of the host's buffer that the stage has done with. */
  doneBytes: u32 = 0;
  /** Streamed: bytes of body that have come so far. */
  seenBytes: u64 = 0;
  /** Streamed: bytes that the sender declared, or UNDECLARED. */
  declaredBytes: u64 = UNDECLARED;
  private slotAt: usize = 0;
  private slotBytes: u32 = 0;

  /** Whether the host holds bytes of a body that has passed in pieces and, by its declared length, had ended. */
  isExcess(heldBytes: u32): bool {
    return (
      this.phase == Phase.Passed && this.declaredBytes != UNDECLARED && !this.observed && heldBytes > this.doneBytes
    );
  }

  /** The stage's state: `bytes` long, zero at first, the same until the body ends; 0: no room. */
  slot(bytes: u32): usize {
    if (this.slotAt == 0) {
      this.slotAt = slots.take(bytes);
      this.slotBytes = bytes;
    }
    return bytes <= this.slotBytes ? this.slotAt : 0;
  }

  /** Overwrites the stage's state and gives it back. */
  dropSlot(): void {
    if (this.slotAt == 0) return;
    slots.give(this.slotAt, this.slotBytes);
    this.slotAt = 0;
    this.slotBytes = 0;
  }

  clear(): void {
    this.phase = Phase.Idle;
    this.step = 0;
    this.bodyLength = 0;
    this.ended = false;
    this.waiting = false;
    this.media = MediaType.Other;
    this.coding = Coding.Identity;
    this.digested = false;
    this.streamed = false;
    this.holding = false;
    this.mayHold = false;
    this.observed = false;
    this.atTrailers = false;
    this.resumed = false;
    this.rewritten = false;
    this.doneBytes = 0;
    this.seenBytes = 0;
    this.declaredBytes = UNDECLARED;
    this.dropSlot();
  }
}

/**
 * What is kept of a live stream between callbacks: a few words, reused from stream to stream. The body stays in the
 * host.
 */
export class Stream {
  contextId: u32 = 0;
  root: RootContext | null = null;
  route: CompiledRoute | null = null;
  /** Method is GET, HEAD, DELETE, OPTIONS or TRACE: a request without body is complete. */
  bodiless: bool = false;
  /** Method is HEAD: the response has no body. */
  head: bool = false;
  /** The reply is ours: the response callbacks leave it alone. */
  replied: bool = false;
  /** The request went on and bears the stamp of seal.ts. */
  sealed: bool = false;
  /** When it began, milliseconds of the VM's coarse clock. */
  bornMs: u64 = 0;
  /** The host was asked to end it. */
  ending: bool = false;
  /** It is in no table: nothing can be kept for it. */
  untabled: bool = false;
  /** The connection's id and 1; 0: nobody asked yet. */
  connection: u64 = 0;
  /** A reply that waits for the end of the request, see late-reply.ts; 0: none. */
  keptReply: usize = 0;
  keptBytes: u32 = 0;
  /** What a stage keeps of the request for the response; 0: nothing. */
  memo: u64 = 0;
  /** Body that was dropped meanwhile, bytes. */
  drainedBytes: u64 = 0;
  readonly request: Half = new Half();
  readonly response: Half = new Half();
  /** Next free stream of the pool. */
  next: Stream | null = null;

  half(direction: Direction): Half {
    return direction == Direction.Request ? this.request : this.response;
  }

  clear(): void {
    this.contextId = 0;
    this.root = null;
    this.route = null;
    this.bodiless = false;
    this.head = false;
    this.replied = false;
    this.sealed = false;
    this.bornMs = 0;
    this.ending = false;
    giveBack(this, this.request);
    giveBack(this, this.response);
    forgetReply(this);
    this.connection = 0;
    this.memo = 0;
    this.drainedBytes = 0;
    this.request.clear();
    this.response.clear();
  }
}
