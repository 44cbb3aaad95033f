// Numbers and escapes, byte by byte.

import { Ascii } from '../../memory/ascii';
import { FieldKind } from '../nodes';

/** Position within a number. Zero, Whole, Fraction and Exponent may end it. */
export const enum Digits {
  Sign = 0,
  Zero = 1,
  Whole = 2,
  Point = 3,
  Fraction = 4,
  E = 5,
  ESign = 6,
  Exponent = 7,
}
/** Bit n: a number may end in state n of Digits. */
export const NUMBER_ENDS: u32 =
  (1 << Digits.Zero) | (1 << Digits.Whole) | (1 << Digits.Fraction) | (1 << Digits.Exponent);

/** State after a further byte of a number. Negative if the byte does not belong to it. */
export function nextDigits(at: u32, byte: u32): i32 {
  if (byte - 48 < 10) {
    if (at == Digits.Sign) return byte == Ascii.Zero ? Digits.Zero : Digits.Whole;
    if (at == Digits.Zero) return -1;
    if (at == Digits.Point) return Digits.Fraction;
    return at == Digits.E || at == Digits.ESign ? Digits.Exponent : <i32>at;
  }
  if (byte == Ascii.Point) return at == Digits.Zero || at == Digits.Whole ? Digits.Point : -1;
  if ((byte | 32) == Ascii.LowerE)
    return at == Digits.Zero || at == Digits.Whole || at == Digits.Fraction ? Digits.E : -1;
  return (byte == Ascii.Plus || byte == Ascii.Minus) && at == Digits.E ? Digits.ESign : -1;
}

/** Whether the byte may follow a backslash. */
export function isEscapeLetter(byte: u32): bool {
  return (
    byte == Ascii.Quote ||
    byte == Ascii.Backslash ||
    byte == Ascii.Slash ||
    byte == Ascii.LowerB ||
    byte == Ascii.LowerF ||
    byte == Ascii.LowerN ||
    byte == Ascii.LowerR ||
    byte == Ascii.LowerT
  );
}

/** Kind of value that begins with the byte. Negative if none does. */
export function kindOf(byte: u32): i32 {
  switch (byte) {
    case 34:
      return FieldKind.String;
    case 123:
      return FieldKind.Object;
    case 91:
      return FieldKind.Array;
    case 116:
      return FieldKind.True;
    case 102:
      return FieldKind.False;
    case 110:
      return FieldKind.Null;
  }
  return byte - 48 < 10 || byte == Ascii.Minus ? FieldKind.Number : -1;
}
