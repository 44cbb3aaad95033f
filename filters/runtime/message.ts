import { ErrorId } from '../errors.gen';
import { JsonDocument } from '../message/json/document';
import { scratch } from '../memory/scratch';

/** One VM works on one message at a time, so one index serves all. */
const document: JsonDocument = new JsonDocument();

/** The body at hand, and its index, made at most once for all stages. Addresses are valid until the host call ends. */
export class Message {
  pointer: usize = 0;
  /** Bytes. */
  length: u32 = 0;
  /** Whether a stage replaced the body. */
  changed: bool = false;
  private indexed: bool = false;
  private indexError: u32 = 0;

  /** Puts a fresh body before the stages. */
  begin(pointer: usize, length: u32): void {
    this.pointer = pointer;
    this.length = length;
    this.changed = false;
    this.indexed = false;
  }

  /** A stage's output becomes the body of the stages after it and of the peer. */
  replace(pointer: usize, length: u32): void {
    this.begin(pointer, length);
    this.changed = true;
  }

  /** The JSON index of the body; null if the body is not JSON, with the reason in `jsonError`. */
  json(): JsonDocument | null {
    if (!this.indexed) {
      this.indexError = document.parse(this.pointer, this.length, scratch);
      this.indexed = true;
    }
    return this.indexError == 0 ? document : null;
  }

  /** Why `json()` gave null: an `ErrorId`. */
  get jsonError(): ErrorId {
    return <ErrorId>this.indexError;
  }

  /** Byte offset of the mistake that `jsonError` names. */
  get jsonErrorOffset(): u32 {
    return document.errorOffset;
  }
}
