// Segments of a path as servers resolve them: empty ones and `.` are removed, and `..` removes the previous one (RFC
// 3986, 5.2.4).

const SLASH: u8 = 47;
const DOT: u8 = 46;
const SEMICOLON: u8 = 59;

/**
 * Writes the path at `path` with its segments resolved to `to`, which has room for `length` + 1 bytes. `plain`: without
 * parameters (`;name=value`, RFC 3986, 3.3), as servers read it that ignore them when they dispatch: Java's servlet
 * containers. `/fund;x`, `/x/..;/fund` and `/;/fund` reach `/fund` there. Returns its length. Linear.
 */
export function resolveSegments(path: usize, length: u32, to: usize, plain: bool): u32 {
  let out: u32 = 0;
  let at: u32 = 0;
  while (at < length) {
    const from = load<u8>(path + at) == SLASH ? at + 1 : at;
    let stop = from;
    while (stop < length && load<u8>(path + stop) != SLASH && (!plain || load<u8>(path + stop) != SEMICOLON)) stop++;
    at = stop;
    while (at < length && load<u8>(path + at) != SLASH) at++;
    const dots = dotsOf(path + from, stop - from);
    if (dots == 2) while (out != 0 && load<u8>(to + --out) != SLASH);
    if (dots != 0 || stop == from) {
      if (at == length) store<u8>(to + out++, SLASH);
      continue;
    }
    store<u8>(to + out++, SLASH);
    memory.copy(to + out, path + from, stop - from);
    out += stop - from;
  }
  return out;
}

/** 1 for `.`, 2 for `..`, else 0. */
function dotsOf(segment: usize, length: u32): u32 {
  if (length == 0 || length > 2 || load<u8>(segment) != DOT) return 0;
  return length == 1 ? 1 : load<u8>(segment, 1) == DOT ? 2 : 0;
}
