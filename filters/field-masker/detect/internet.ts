// E-mail addresses and IP addresses.
import { Ascii } from '../../memory/ascii';
import { Between, DigitGroups, isWordPart } from './digit-groups';
import { Find, Why } from './find';
import { Finding } from './finding';
import { digitOf, hexOf, isLatin, isPoint, narrow, unitAt, unitBefore, unitEnd, unitStart } from './units';

/** Characters of the part before `@` (RFC 5321) and of a domain, at most. */
const MAX_LOCAL: u32 = 64;
const MAX_DOMAIN: u32 = 253;
const GROUPS_6: u32 = 8;
const MAX_ADDRESS_6: u32 = 45;
const OCTETS: u32 = 4;

function isLocal(point: u32): bool {
  if (isLatin(point) || digitOf(point) < 10) return true;
  return (
    point == Ascii.Point ||
    point == Ascii.Underscore ||
    point == Ascii.Minus ||
    point == Ascii.Plus ||
    (point >= 0xc0 && point < 0x2000)
  );
}

/** Letters and digits, also of other scripts, but no punctuation. */
function isDomain(point: u32): bool {
  return (
    isLatin(point) ||
    digitOf(point) < 10 ||
    point == Ascii.Minus ||
    (point >= 0xc0 && point < 0x2000) ||
    point - 0x3040 < 0x6fc0
  );
}

/** Last labels of names of files, which an `@` may stand in (`icon@2x.png`). */
function isFileType(label: u32): bool {
  // css, gif, ico, jpg, js, png, svg, the letters from the right
  return (
    label == 0x637373 ||
    label == 0x676966 ||
    label == 0x69636f ||
    label == 0x6a7067 ||
    label == 0x6a73 ||
    label == 0x706e67 ||
    label == 0x737667
  );
}

/** Finds the e-mail address whose `@` stands at `at`. Its part before the `@` begins at `from` or later. */
export function findEmail(from: usize, at: usize, end: usize, finding: Finding): bool {
  let start = at;
  for (let i: u32 = 0; i < MAX_LOCAL && start > from; i++) {
    if (!isLocal(unitBefore(from, start))) break;
    start = unitStart();
  }
  while (start < at && unitAt(start, end) == Ascii.Point) start = unitEnd();
  if (start == at) return false;
  unitAt(at, end);
  const stop = domainEnd(unitEnd(), end);
  return stop != 0 && finding.set(Find.Email, start, stop, Why.Form);
}

/** Address behind the host name at `at`, which has a dot and a top-level domain of letters. 0 if there is none. */
function domainEnd(at: usize, end: usize): usize {
  let stop: usize = 0; // behind the last label that is complete
  let dots: u32 = 0;
  let length: u32 = 0;
  let last: u32 = 0; // the last characters of the label
  let plain = true;
  for (let i: u32 = 0; i <= MAX_DOMAIN; i++) {
    const point = at < end ? unitAt(at, end) : 0;
    const behind = unitEnd();
    if (i < MAX_DOMAIN && at < end && isDomain(point)) {
      if (length == 0) plain = true;
      if (digitOf(point) < 10 || point == Ascii.Minus) plain = false;
      length++;
      last = (last << 8) | ((narrow(point) | 32) & 255);
      at = behind;
      continue;
    }
    const isTop = dots > 0 && length >= 2 && plain && !isFileType(last);
    if (length > 0) stop = isTop ? at : 0;
    if (point != Ascii.Point || length == 0 || at >= end) return stop;
    dots++;
    length = 0;
    last = 0;
    at = behind;
  }
  return 0;
}

/** Finds an IPv4 address that begins with the first group. */
export function findIpv4(groups: DigitGroups, finding: Finding): bool {
  if (groups.groups < OCTETS || groups.count > 12) return false;
  for (let i: u32 = 0; i < OCTETS; i++) {
    const size = groups.size(i);
    const first = i == 0 ? 0 : unchecked(groups.upTo[i - 1]);
    if (size > 3 || (size > 1 && groups.digit(first) == 0) || groups.value(first, size) > 255) return false;
    if (i + 1 < OCTETS && unchecked(groups.between[i]) != Between.Dot) return false;
  }
  if (unchecked(groups.between[OCTETS - 1]) == Between.Dot || isWordPart(groups.left) || isPoint(groups.left))
    return false;
  // `Chrome/120.0.0.0` is the version of a product.
  if (groups.left == Ascii.Slash && isWordPart(groups.leftOfLeft)) return false;
  const count = unchecked(groups.upTo[OCTETS - 1]);
  if (!groups.endsNumber(groups.endOf(count - 1)) || isNobodys(groups)) return false;
  return finding.set(Find.IpAddress, groups.startOf(0), groups.endOf(count - 1), Why.Form);
}

/** Addresses that tell nothing of anybody: of this machine, of all, of none. */
function isNobodys(groups: DigitGroups): bool {
  const first = groups.value(0, groups.size(0));
  if (first == 0 || first == 127) return true;
  for (let i: u32 = 0; i < groups.count; i++) if (groups.digit(i) != (i % 3 == 0 ? 2 : 5)) return false;
  return true;
}

// @ts-ignore: decorator
@inline
function isHex(byte: u32): u32 {
  return u32(byte - Ascii.Zero < 10) | u32((byte | 32) - Ascii.LowerA < 6);
}

/** Whether the separator at `at`, which is not the first byte of its text, is a colon as IPv6 addresses have it. */
// @ts-ignore: decorator
@inline
export function mayBeColon(at: usize): bool {
  const next = <u32>load<u8>(at + 1);
  const between = isHex(load<u8>(at - 1)) & isHex(next);
  return (u32(load<u8>(at) == Ascii.Colon) & (between | u32(next == Ascii.Colon))) != 0;
}

/** Whether an IPv6 address may have its first colon at `at`, where `mayBeColon` says so. */
export function mayBeIpv6(at: usize, end: usize): bool {
  // Two more colons, or two at once: a time has fewer.
  let to = at + 1;
  if (to < end && load<u8>(to) == Ascii.Colon) return true;
  for (let i = 0; i < 2; i++) {
    const group = to;
    while (to < end && to - group < 5 && isHex(load<u8>(to)) != 0) to++;
    if (to >= end || load<u8>(to) != Ascii.Colon) return false;
    to++;
    if (to < end && load<u8>(to) == Ascii.Colon) return true;
  }
  return true;
}

/** Finds an IPv6 address whose first colon stands at `at`. Written plainly (RFC 5952, 4291). */
export function findIpv6(from: usize, at: usize, end: usize, finding: Finding): bool {
  let start = at;
  while (start > from && at - start < 5 && hexOf(load<u8>(start - 1)) < 16) start--;
  if (at - start > 4 || (start > from && (isWordPart(unitBefore(from, start)) || load<u8>(start - 1) == Ascii.Colon)))
    return false;
  let groups: u32 = at > start ? 1 : 0;
  let gap = false;
  let digits: u32 = 0;
  let to = at;
  while (to < end && load<u8>(to) == Ascii.Colon && to - start <= MAX_ADDRESS_6) {
    to++;
    if (to < end && load<u8>(to) == Ascii.Colon) {
      if (gap) return false;
      gap = true;
      to++;
    } else if (groups == 0) return false;
    const group = to;
    while (to < end && hexOf(load<u8>(to)) < 16) to++;
    if (to - group > 4) return false;
    if (to == group) {
      if (!gap || load<u8>(to - 2) != Ascii.Colon) to--; // a colon behind the address
      break;
    }
    groups++;
  }
  for (let i = start; i < to; i++) if (<u32>load<u8>(i) - 48 < 10) digits++;
  if (gap ? groups >= GROUPS_6 || groups < 2 : groups != GROUPS_6) return false;
  if (to < end && (isWordPart(load<u8>(to)) || load<u8>(to) == Ascii.Colon)) return false;
  // `a::b` of a programming language has no digit, or less than an address
  if (digits == 0 || (gap && groups == 2 && to - start < 7)) return false;
  return finding.set(Find.IpAddress, start, to, Why.Form);
}
