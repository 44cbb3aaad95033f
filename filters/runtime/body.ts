// Body of one direction: buffered by the host until a verdict, or streamed.
import { MAX_STREAM_STATE_BYTES } from '../limits';
import { SlotPool } from '../memory/slot-pool';
import { Coding } from '../message/compression/body';
import { MediaType } from '../message/format';
import { Client, HeldBytes } from './held-bytes';

/** The sender did not declare a length. */
export const UNDECLARED: u64 = u64.MAX_VALUE;

/** State of streamed bodies between their pieces. */
const slots: SlotPool = new SlotPool(MAX_STREAM_STATE_BYTES);

/** State of a streamed body. Records are pooled. */
export class PassingBody {
  /** Whether the host buffers each piece, so that data can be appended to the last one when trailers arrive. */
  holding: bool = false;
  /** Whether the host may be asked to buffer pieces, because nothing announces the last one. */
  mayHold: bool = false;
  /** Whether the stage will change the body. */
  rewritten: bool = false;
  /** Whether the stage waited at the headers and the host has delivered the body again. */
  resumed: bool = false;
  /** Whether the body ended with trailers. */
  atTrailers: bool = false;
  /** Whether the stage's rejection was observed. It is not asked again. */
  observed: bool = false;
  /** Bytes at the start of the host's buffer that the stage has processed. */
  doneBytes: u32 = 0;
  /** Body bytes received so far. */
  seenBytes: u64 = 0;
  /** Declared length, or UNDECLARED. */
  declaredBytes: u64 = UNDECLARED;
  /** Next free record of the pool. */
  next: PassingBody | null = null;
  private slotAt: usize = 0;
  private slotBytes: u32 = 0;

  /** Whether the host holds bytes beyond the declared length. */
  isExcess(heldBytes: u32): bool {
    return this.declaredBytes != UNDECLARED && !this.observed && heldBytes > this.doneBytes;
  }

  /** Memory of the stage: `bytes` long, initially zero, constant until the body ends. 0: no room. */
  slot(bytes: u32): usize {
    if (this.slotAt == 0) {
      this.slotAt = slots.take(bytes);
      this.slotBytes = bytes;
    }
    return bytes <= this.slotBytes ? this.slotAt : 0;
  }

  /** Overwrites and frees the memory of the stage. */
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
  /** Bytes that the host buffers. */
  length: u32 = 0;
  /** Meaning of its content type. */
  media: MediaType = MediaType.Other;
  /** Its content type is `application/json` and nothing else, so that it needs no name where the type changes. */
  plainJson: bool = false;
  /** Coding of the buffered body, if it must be decompressed. */
  coding: Coding = Coding.Identity;
  /** A header describes its very bytes, or may: see pipeline.ts. */
  digested: bool = false;
  /** A stage has replaced it. */
  replaced: bool = false;
  /** There is a content-length. */
  measured: bool = false;
  /** Not null: it passes in pieces. */
  passing: PassingBody | null = null;
  /** Bytes buffered in the host, as part of all totals. */
  readonly held: HeldBytes;

  constructor(client: Client) {
    this.held = new HeldBytes(client);
  }

  /** Marks it as streamed. */
  pass(): void {
    if (this.passing == null) this.passing = takePassing();
  }

  /** Memory of the stage for a streamed body. 0: no room, or it is buffered. */
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
    this.plainJson = false;
    this.coding = Coding.Identity;
    this.digested = false;
    this.measured = false;
    this.replaced = false;
    const passing = this.passing;
    if (passing != null) givePassing(passing);
    this.passing = null;
    this.held.giveBack();
  }
}
