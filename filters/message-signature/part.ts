// One part of what is signed.
import { Bytes } from '../memory/bytes';
import { SignaturePartKind } from './config.gen';

/** Separators to be looked for in a message's text. */
export const enum Guard {
  None = 0,
  /** The constant behind the part must not stand earlier. */
  End = 1,
  /** The constant before the part must not stand later. */
  Begin = 2,
}

/** One part. `text`: of a constant, or the name of a header or member. */
export class Part {
  /** Bytes that must not stand in its text, and where: `divisions.ts`. */
  guard: Guard = Guard.None;
  mark: Bytes = Bytes.EMPTY;

  constructor(
    readonly kind: SignaturePartKind,
    readonly text: Bytes,
  ) {}
}
