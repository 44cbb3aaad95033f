import { Span } from '../memory/span';

/** A piece of a body that passes. Set anew for each. */
export class Piece extends Span {
  /** Whether the body ends with it. */
  last: bool = false;
  /** Content type of the body's text. */
  readonly type: Span = new Span();
}
