// Values of a message that are set under a name, for later stages and plugins, and as filter state for the proxy's logs
// and traces (`%FILTER_STATE(wasm.fim.NAME:PLAIN)%`).
import { Ascii } from '../memory/ascii';
import { MAX_EXTRACTED_BYTES } from '../limits';
import { Bytes } from '../memory/bytes';
import { isUtf8 } from '../message/utf8';
import { Result, proxy_set_property } from './abi';
import { readProperty } from './host';
import { extractRefused, extracted } from './stats';

/** Filter state key of a value, created once for each name in `onConfigure`. `name`: letters, digits and `_`. */
export function extractionKey(name: Bytes): Bytes {
  return Bytes.from('fim.' + String.UTF8.decodeUnsafe(name.pointer, name.length));
}

/**
 * Sets a value. False if it is empty, longer than MAX_EXTRACTED_BYTES, no text, or contains characters that could forge
 * a log line (control characters, quotes, backslashes). An earlier value under the name then stays.
 */
export function extract(key: Bytes, value: usize, length: u32): bool {
  if (
    length == 0 ||
    length > MAX_EXTRACTED_BYTES ||
    !isPlain(value, length) ||
    proxy_set_property(key.pointer, key.length, value, length) != Result.Ok
  ) {
    extractRefused.add(1);
    return false;
  }
  extracted.add(1);
  return true;
}

/** Value set before, at `resultPointer` / `resultLength` of host.ts. False if there is none. */
export function readExtracted(key: Bytes): bool {
  return readProperty(key.pointer, key.length);
}

function isPlain(value: usize, length: u32): bool {
  for (let i: u32 = 0; i < length; i++) {
    const byte = load<u8>(value + i);
    if (byte < 32 || byte == Ascii.Quote || byte == Ascii.Backslash || byte == Ascii.Delete) return false;
  }
  return isUtf8(value, length);
}
