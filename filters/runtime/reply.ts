// Skeleton: a local reply in the making (RFC 9457). Signatures stand.
import { ErrorId } from './errors.gen';

export class Reply {
  /** Starts a reply with the status and title of `error`; what was there is dropped. */
  begin(error: ErrorId): void {}
  /** Adds an entry to `errors`: JSON Pointer (bytes, copied) and its own code. Entries past MAX_REPLY_ERRORS are counted, not kept. */
  addError(error: ErrorId, path: usize, pathLength: u32): void {}
  /** Adds a response header. */
  addHeader(name: string, value: usize, valueLength: u32): void {}
}
