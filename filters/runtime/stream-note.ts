import { ErrorId } from '../errors.gen';
import { MAX_NOTED_KEYS } from '../limits';
import { Bytes } from '../memory/bytes';
import { BodyRecord } from './body-record';
import { Caller } from './caller';
import { Direction } from './direction';
import { Outcome } from './outcome';
import { Resumer } from './service';

/** Of a note that is of no stream. */
const NO_REQUEST: Outcome = new Outcome(Direction.Request);
const NO_RESPONSE: Outcome = new Outcome(Direction.Response);

/** Version of a data key, whose number says nothing outside of this VM. */
export const UNNUMBERED: u32 = u32.MAX_VALUE;

/**
 * Note that a stage keeps of a stream from its route to its end, in order to tell of it. A route without such a stage has
 * none, and pays nothing.
 */
export abstract class StreamNote {
  readonly request: BodyRecord = new BodyRecord();
  readonly response: BodyRecord = new BodyRecord();
  /** Outcomes of the stream's messages. */
  requestOutcome: Outcome = NO_REQUEST;
  responseOutcome: Outcome = NO_RESPONSE;
  /** Status that the client gets, or would have got; 0: none was known. */
  status: u32 = 0;
  /** Keys that stages used, the first `keyCount`: ids, and versions or UNNUMBERED. */
  readonly keyIds: StaticArray<Bytes> = new StaticArray<Bytes>(MAX_NOTED_KEYS);
  readonly keyVersions: StaticArray<u32> = new StaticArray<u32>(MAX_NOTED_KEYS);
  keyCount: i32 = 0;
  /** Whether it reads `Outcome.stepNanos`, which costs two looks at the clock for each step. */
  times: bool = false;

  /** A stage uses a version of a key. */
  useKey(id: Bytes, version: u32): void {
    for (let i = 0; i < this.keyCount; i++)
      if (unchecked(this.keyVersions[i]) == version && unchecked(this.keyIds[i]).equals(id.pointer, id.length)) return;
    if (this.keyCount == MAX_NOTED_KEYS) return;
    unchecked((this.keyIds[this.keyCount] = id));
    unchecked((this.keyVersions[this.keyCount] = version));
    this.keyCount++;
  }

  /**
   * A reply of the proxy's own is ready, with this status. The resumer that tells when it may go; null: at once. After
   * it `replyError` says what stands in its place.
   */
  abstract holdReply(caller: Caller, status: u32): Resumer | null;

  /** Error that is answered in the place of a reply that was held. None: the reply goes. */
  abstract replyError(): ErrorId;

  /** Headers of an answer, whoever made it, are here; the stream is the host's current one. */
  abstract onAnswer(): void;

  /** The stream is over, however that came. Told once. Nothing here may throw or allocate. */
  abstract end(): void;
}
