import { BodyRecord } from './body-record';
import { Direction } from './direction';
import { Outcome } from './outcome';

/** Of a note that is of no stream. */
const NO_REQUEST: Outcome = new Outcome(Direction.Request);
const NO_RESPONSE: Outcome = new Outcome(Direction.Response);

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
  /** Whether it reads `Outcome.stepNanos`, which costs two looks at the clock for each step. */
  times: bool = false;

  /** Headers of an answer, whoever made it, are here; the stream is the host's current one. */
  abstract onAnswer(): void;

  /** The stream is over, however that came. Told once. Nothing here may throw or allocate. */
  abstract end(): void;
}
