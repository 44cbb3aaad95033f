// Private keys in PEM and JSON Web Tokens.
import { MAX_PEM_BYTES } from '../../limits';
import { Ascii } from '../../memory/ascii';
import { isWordPart } from './digit-groups';
import { Find, Why } from './find';
import { Finding } from './finding';
import { hexOf, unitAt, unitBefore, unitEnd } from './units';

/** Bytes of a label between the dashes of a PEM line. */
const MAX_PEM_LABEL: u32 = 64;
const MIN_JWT_PART: u32 = 8;
const JWE_PARTS: u32 = 5;

/** `BEGIN `, `PRIVA`, `-END ` as little-endian loads read them. */
const BEGI: u32 = 0x49474542;
const PRIV: u32 = 0x56495250;
const END_: u32 = 0x20444e45;
const DASHES: u32 = 0x2d2d2d2d;

/** Finds a private key whose line with five dashes begins at `at`. Without an end it goes as far as its characters do. */
export function findPem(at: usize, end: usize, finding: Finding): bool {
  let to = at + 5;
  if (to + 6 > end || load<u32>(to) != BEGI) return false;
  let isPrivate = false;
  for (; to + 5 <= end && to - at < MAX_PEM_LABEL; to++) {
    if (load<u32>(to) == PRIV) isPrivate = true;
    if (load<u32>(to) == DASHES && isPrivate) break;
    if (load<u8>(to) == Ascii.Quote || load<u8>(to) == Ascii.Backslash) return false;
  }
  if (!isPrivate || to + 5 > end || load<u32>(to) != DASHES) return false;
  to += 5;
  for (; to < end && to - at < MAX_PEM_BYTES; to++) {
    const byte = <u32>load<u8>(to);
    if (byte == Ascii.Minus && to + 9 <= end && load<u32>(to) == DASHES && load<u32>(to, 5) == END_) {
      to += 9;
      while (to + 5 <= end && load<u32>(to) != DASHES && to - at < MAX_PEM_BYTES) to++;
      return finding.set(Find.KeyMaterial, at, min(to + 5, end), Why.Form);
    }
    if (byte == Ascii.Quote || byte == Ascii.Less || byte == Ascii.OpenBrace || byte >= 0x80) break;
  }
  return finding.set(Find.KeyMaterial, at, to, Why.Form);
}

function isBase64Url(byte: u32): bool {
  return isWordPart(byte) || byte == Ascii.Minus;
}

/** Finds a JSON Web Token (signed, unsigned or encrypted) whose `eyJ` stands at `at`. */
export function findJwt(begin: usize, at: usize, end: usize, finding: Finding): bool {
  const before = unitBefore(begin, at);
  if (isWordPart(before) || before == Ascii.Minus || before == Ascii.Point || before == Ascii.Slash) return false;
  let to = at;
  let parts: u32 = 0;
  let second: usize = 0;
  while (to < end && parts < JWE_PARTS) {
    const from = to;
    while (to < end && isBase64Url(load<u8>(to))) to++;
    if (parts < 2 && <u32>(to - from) < (parts == 0 ? MIN_JWT_PART : <u32>0)) return false;
    if (parts == 1) second = from;
    parts++;
    if (to >= end || load<u8>(to) != Ascii.Point) break;
    to++;
  }
  // three parts and a second one that is JSON too, or the five of an encrypted token
  const isSigned = parts == 3 && second + 3 <= end && (load<u32>(second) & 0xffffff) == 0x4a7965;
  return (isSigned || parts == JWE_PARTS) && finding.set(Find.KeyMaterial, at, to, Why.Form);
}

/** Whether a character may stand in a token or key that a label announces. */
function isSecretPart(point: u32): bool {
  if (isWordPart(point) || hexOf(point) < 16) return true;
  return (
    point == Ascii.Minus ||
    point == Ascii.Point ||
    point == Ascii.Slash ||
    point == Ascii.Plus ||
    point == Ascii.Equals ||
    point == Ascii.Tilde ||
    point == Ascii.Dollar
  );
}

const MIN_SECRET: u32 = 12;
const MAX_SECRET: u32 = 8 * 1024;

/** Finds the token or key at `at`, behind its label. `Bearer` and `Basic` may stand before it. */
export function findSecret(at: usize, end: usize, finding: Finding): bool {
  let to = at;
  let count: u32 = 0;
  let words: u32 = 0;
  while (count < MAX_SECRET && to < end) {
    const point = unitAt(to, end);
    if (point == Ascii.Space && count > 0 && count < 8 && words == 0) {
      at = unitEnd();
      count = 0;
      words++;
    } else if (!isSecretPart(point)) break;
    else count++;
    to = unitEnd();
  }
  if (count < MIN_SECRET) return false;
  return finding.set(Find.KeyMaterial, at, to, Why.Label);
}
