// White space around values of XML: the facet whiteSpace=collapse of xs:decimal, xs:date, xs:dateTime, xs:boolean and
// what is derived from them. Texts (xs:string and its codes) keep theirs.
import { Ascii } from '../memory/ascii';

let from: usize = 0;

/** Length of the text without the white space around it (space, tab, line feed, carriage return), bytes. */
export function collapse(text: usize, length: u32): u32 {
  let end = text + length;
  while (text < end && isSpace(load<u8>(text))) text++;
  while (end > text && isSpace(load<u8>(end - 1))) end--;
  from = text;
  return <u32>(end - text);
}

/** Begin of the last collapsed text. */
export function collapsed(): usize {
  return from;
}

function isSpace(byte: u8): bool {
  return byte == Ascii.Space || byte == Ascii.Tab || byte == Ascii.LineFeed || byte == Ascii.CarriageReturn;
}
