// Memory of a message that is masked as it passes.
import { MAX_STREAM_PLACE_BYTES, MAX_STREAM_VALUE_BYTES } from '../limits';
import { JSON_STREAM_BYTES } from '../message/json/stream';

/** Where the names around a value stand, and what is held back. */
export const PLACE: usize = <usize>JSON_STREAM_BYTES + 48;
export const VALUE: usize = PLACE + MAX_STREAM_PLACE_BYTES;
/** Memory for one message, bytes. It begins as zeros. */
export const PASSING_BYTES: u32 = <u32>VALUE + MAX_STREAM_VALUE_BYTES;

/** State of a message between its pieces, behind that of the reader of JSON. */
@unmanaged
export class PassingState {
  /** Kinds that stay, as bits. */
  revealed: u64;
  /** Whether it is a stream of events. */
  events: u32;
  /** Whether there were bytes; of events: whether there was an event. */
  begun: u32;
  /** Whether a scalar is open; of events: whether the line has bytes. */
  open: u32;
  /** Bytes that are held back. */
  held: u32;
  /** Whether something was hidden. */
  changed: u32;
  /** Of events: whether the last byte ended a line that a line feed may still belong to. */
  returned: u32;
}

/** The state in a message's memory. */
export function passingState(memory: usize): PassingState {
  return changetype<PassingState>(memory + JSON_STREAM_BYTES);
}
