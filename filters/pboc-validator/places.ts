import { ErrorId } from '../errors.gen';
import { Bytes } from '../memory/bytes';
import { PbocPlace } from './config.gen';

/** Occurrence of a parameter or header. */
export const enum Found {
  Absent = 0,
  Once = 1,
  /** More than once, so that the value that counts is unknown. The look-up's value is the first one. */
  Twice = 2,
  /** Once, but with a malformed encoding: it has no value. */
  Malformed = 3,
}

/** Fields of a request outside its body. */
export abstract class Places {
  /** Value of the last look-up. Valid until the host call ends. */
  valuePointer: usize = 0;
  valueLength: u32 = 0;

  /** Looks up a query parameter or header. */
  abstract find(place: PbocPlace, name: Bytes): Found;
}

/** Error of a parameter or header with this occurrence. ErrorId.None if there is none. */
export function errorOf(found: Found): ErrorId {
  if (found == Found.Twice) return ErrorId.FIM_PBOC_0033;
  return found == Found.Malformed ? ErrorId.FIM_PBOC_0018 : ErrorId.None;
}
