// The body of one direction: held by the host until a verdict, or passing in pieces.
import { MAX_STREAM_STATE_BYTES } from '../limits';
import { SlotPool } from '../memory/slot-pool';
import { Coding } from '../message/compression/body';
import { MediaType } from '../message/format';
import { Client, HeldBytes } from './held-bytes';

/** Never: the sender did not declare a length. */
export const UNDECLARED: u64 = u64.MAX_VALUE;

/** What passing bodies keep between their pieces. */
const slots: SlotPool = new SlotPool(MAX_STREAM_STATE_BYTES);

/** What is kept of a body that passes in pieces. Records are pooled. */
export class PassingBody {
  /**
   * The host adds each piece to what it holds, so that something can be put behind the last one when trailers come.
   */
  holding: bool = false;
  /** The host may be asked to hold pieces, since nothing tells beforehand which is the last. */
  mayHold: bool = false;
  /** The stage will change the body. */
  rewritten: bool = false;
  /** The stage waited at the headers, and the host has given the body anew. */
  resumed: bool = false;
  /** The body ended with trailers. */
  atTrailers: bool = false;
  /** The stage's rejection was observed; it is not asked again. */
  observed: bool = false;
  /** Bytes at the beginning of the host's buffer that the stage has done with. */
  doneBytes: u32 = 0;
  /** Bytes of body that have come so far. */
  seenBytes: u64 = 0;
  /** Bytes that the sender declared, or UNDECLARED. */
  declaredBytes: u64 = UNDECLARED;
  /** Next free record of the pool. */
  next: PassingBody | null = null;
  private slotAt: usize = 0;
  private slotBytes: u32 = 0;

  /** Whether the host holds bytes of the body, which had ended by its declared length. */
  isExcess(heldBytes: u32): bool {
    return this.declaredBytes != UNDECLARED && !this.observed && heldBytes > this.doneBytes;
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
    this.holding = false;
    this.mayHold = false;
    this.rewritten = false;
    this.resumed = false;
    this.atTrailers = false;
    this.observed = false;
    this.doneBytes = 0;
    this.seenBytes = 0;
    this.declaredBytes = UNDECLARED;
    this.dropSlot();
  }
}

let spare: PassingBody | null = null;

function takePassing(): PassingBody {
  const body = spare;
  if (body == null) return new PassingBody();
  spare = body.next;
  body.next = null;
  return body;
}

function givePassing(body: PassingBody): void {
  body.clear();
  body.next = spare;
  spare = body;
}

export class Body {
  /** Bytes that the host holds. */
  length: u32 = 0;
  /** What its content-type says. */
  media: MediaType = MediaType.Other;
  /** How it is coded as the host holds it, where it must be opened. */
  coding: Coding = Coding.Identity;
  /** A header describes its very bytes. */
  digested: bool = false;
  /** Not null: it passes in pieces. */
  passing: PassingBody | null = null;
  /** What the host holds of it, counted with all others. */
  readonly held: HeldBytes;

  constructor(client: Client) {
    this.held = new HeldBytes(client);
  }

  /** It is to pass in pieces. */
  pass(): void {
    if (this.passing == null) this.passing = takePassing();
  }

  /** The stage's state of a body that passes in pieces; 0: no room, or it is held. */
  slot(bytes: u32): usize {
    const passing = this.passing;
    return passing == null ? 0 : passing.slot(bytes);
  }

  dropSlot(): void {
    const passing = this.passing;
    if (passing != null) passing.dropSlot();
  }

  clear(): void {
    this.length = 0;
    this.media = MediaType.Other;
    this.coding = Coding.Identity;
    this.digested = false;
    const passing = this.passing;
    if (passing != null) givePassing(passing);
    this.passing = null;
    this.held.giveBack();
  }
}
