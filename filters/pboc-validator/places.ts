import { ErrorId } from '../errors.gen';
import { Bytes } from '../memory/bytes';
import { PbocPlace } from './config.gen';

/** How often a parameter or header is there. */
export const enum Found {
  Absent = 0,
  Once = 1,
  /** More than once: which value counts cannot be known. The last look-up's value is the first one. */
  Twice = 2,
  /** Once, but its encoding is broken: it has no value. */
  Malformed = 3,
}

/** Where the fields of a request are that are not in its body. */
export abstract class Places {
  /** The value that the last look-up found: valid until the host call ends. */
  valuePointer: usize = 0;
  valueLength: u32 = 0;

  /** Looks a query parameter or header up. */
  abstract find(place: PbocPlace, name: Bytes): Found;
}

/** What is wrong with a parameter or header that was found so; ErrorId.None: nothing. */
export function errorOf(found: Found): ErrorId {
  if (found == Found.Twice) return ErrorId.FIM_PBOC_0033;
  return found == Found.Malformed ? ErrorId.FIM_PBOC_0018 : ErrorId.None;
}
