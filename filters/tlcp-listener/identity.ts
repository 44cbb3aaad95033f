// A client's identity, from its verified certificate: as headers for the upstream and as filter state for the proxy's
// logs.
import { Ascii } from '../memory/ascii';
import { MAX_SUBJECT_TEXT_BYTES } from '../limits';
import {
  DER_OID,
  DER_SEQUENCE,
  derAtEnd,
  derEnter,
  derLeave,
  derLength,
  derOpen,
  derPeek,
  derTake,
} from '../crypto/der';
import { Sm3 } from '../crypto/sm3';
import { Bytes } from '../memory/bytes';
import { scratch } from '../memory/scratch';
import { Writer } from '../memory/writer';
import { HeaderMap, proxy_set_property } from '../runtime/abi';
import { HeaderSnapshot } from '../runtime/headers';
import { readProperty, resultLength, resultPointer, writeHeader } from '../runtime/host';
import { Certificate } from '../x509/certificate';
import { CLAIMS, HEADERS, STATES } from './client-headers.gen';

/** Filter state of a connection whose handshake is through: the terms that it holds under. No client and no route can set it. */
const OPEN: Bytes = Bytes.from('fim.tlcp.open');
const SCHEME: Bytes = Bytes.from(':scheme');
const FORWARDED: Bytes = Bytes.from('x-forwarded-proto');
const HTTPS: Bytes = Bytes.from('https');
const DER_SET: u32 = 0x31;
const SECONDS_PER_DAY: i64 = 86400;
const DIGEST: usize = memory.data(32, 16);
const sm3: Sm3 = new Sm3();
const text: Writer = new Writer(scratch);

/** Statements of a certificate, by HEADERS. Null: there is none. */
export function identityOf(certificate: Certificate | null): StaticArray<Bytes> | null {
  if (certificate == null) return null;
  const values = new StaticArray<Bytes>(HEADERS.length);
  text.begin(256);
  writeName(certificate.subject, certificate.subjectLength);
  values[0] = Bytes.copy(text.pointer, min(text.length, MAX_SUBJECT_TEXT_BYTES));
  text.begin(64);
  text.hex(certificate.serial, certificate.serialLength);
  values[1] = Bytes.copy(text.pointer, text.length);
  sm3.hash(certificate.der, certificate.length, DIGEST);
  text.begin(64);
  text.hex(DIGEST, 32);
  values[2] = Bytes.copy(text.pointer, text.length);
  values[3] = timeText(certificate.notBefore);
  values[4] = timeText(certificate.notAfter);
  return values;
}

/** A connection that another machine of this module has. */
export const enum Elsewhere {
  /** It has none. */
  None,
  Open,
  /** It was let in under terms that are no longer in force, which that machine does not know. */
  Outdated,
}

/** How the current stream's connection stands in another machine. `terms`: those in force; null: none are yet. */
export function standingElsewhere(terms: Bytes | null): Elsewhere {
  if (!readProperty(OPEN.pointer, OPEN.length) || resultLength() == 0) return Elsewhere.None;
  if (terms == null) return Elsewhere.Open;
  const equal = resultLength() == terms.length && memory.compare(resultPointer(), terms.pointer, terms.length) == 0;
  return equal ? Elsewhere.Open : Elsewhere.Outdated;
}

/**
 * Says as filter state of the current connection under which terms it is open, and whose it is (null: nothing more): for
 * logs, and for the machine that takes this one's place.
 */
export function tellOpen(values: StaticArray<Bytes> | null, terms: Bytes): void {
  proxy_set_property(OPEN.pointer, OPEN.length, terms.pointer, terms.length);
  if (values == null) return;
  for (let i = 0; i < STATES.length; i++) {
    const name = unchecked(STATES[i]);
    const value = unchecked(values[i]);
    proxy_set_property(name.pointer, name.length, value.pointer, value.length);
  }
}

/** Removes what a client says of itself from the current request. `headers` are its headers. */
export function dropClaims(headers: HeaderSnapshot, map: HeaderMap): void {
  headers.dropBeginnings(map, CLAIMS.pointer, CLAIMS.length);
}

/** Says it to the upstream of the current request. */
export function tellUpstream(values: StaticArray<Bytes> | null): void {
  if (values == null) return;
  for (let i = 0; i < HEADERS.length; i++) {
    const name = unchecked(HEADERS[i]);
    const value = unchecked(values[i]);
    writeHeader(HeaderMap.RequestHeaders, name.pointer, name.length, value.pointer, value.length);
  }
}

/** The same of a connection that another machine has. */
export function passUpstream(): void {
  for (let i = 0; i < HEADERS.length; i++) {
    const name = unchecked(HEADERS[i]);
    const state = unchecked(STATES[i]);
    if (readProperty(state.pointer, state.length))
      writeHeader(HeaderMap.RequestHeaders, name.pointer, name.length, resultPointer(), resultLength());
  }
}

/**
 * Says that the current request came encrypted. The proxy, to which the connection is one without TLS, has written
 * `http` into both, and applications redirect or refuse by them.
 */
export function tellScheme(): void {
  writeHeader(HeaderMap.RequestHeaders, SCHEME.pointer, SCHEME.length, HTTPS.pointer, HTTPS.length);
  writeHeader(HeaderMap.RequestHeaders, FORWARDED.pointer, FORWARDED.length, HTTPS.pointer, HTTPS.length);
}

/** A name as RFC 4514 writes it, but in the order of the certificate: `C=CN,O=Bank,CN=teller`. */
function writeName(content: usize, length: u32): void {
  derOpen(content, length);
  let first = true;
  while (!derAtEnd()) {
    const set = derEnter(DER_SET);
    if (set == 0) return;
    while (!derAtEnd()) {
      const pair = derEnter(DER_SEQUENCE);
      if (pair == 0) return;
      const oid = derTake(DER_OID);
      if (oid == 0) return;
      const oidLength = derLength;
      const value = derTake(derPeek());
      if (value == 0) return;
      if (!first) text.byte(44);
      first = false;
      writeType(oid, oidLength);
      text.byte(61);
      writeValue(value, derLength);
      if (!derLeave(pair)) return;
    }
    if (!derLeave(set)) return;
  }
}

/** Short name of an attribute's type (2.5.4.x, RFC 4514), or its number in hex. */
function writeType(oid: usize, length: u32): void {
  if (length == 3 && load<u8>(oid) == 0x55 && load<u8>(oid, 1) == 4) {
    switch (load<u8>(oid, 2)) {
      case 3:
        return text.ascii('CN');
      case 5:
        return text.ascii('SERIALNUMBER');
      case 6:
        return text.ascii('C');
      case 7:
        return text.ascii('L');
      case 8:
        return text.ascii('ST');
      case 10:
        return text.ascii('O');
      case 11:
        return text.ascii('OU');
    }
  }
  text.ascii('OID.');
  text.hex(oid, length);
}

/**
 * Writes bytes that could end a header or forge a line of a log, and every one that is no ASCII, as `\` and their hex.
 */
function writeValue(value: usize, length: u32): void {
  for (let i: u32 = 0; i < length; i++) {
    const byte = load<u8>(value + i);
    if (
      byte >= 32 &&
      byte < 127 &&
      byte != Ascii.Quote &&
      byte != Ascii.Comma &&
      byte != Ascii.Plus &&
      byte != Ascii.Equals &&
      byte != Ascii.Backslash
    )
      text.byte(byte);
    else {
      text.byte(37);
      text.hex(value + i, 1);
    }
  }
}

/** RFC 3339 in UTC. `seconds`: since 1970. */
function timeText(seconds: i64): Bytes {
  let days = seconds / SECONDS_PER_DAY;
  let rest = seconds % SECONDS_PER_DAY;
  if (rest < 0) {
    rest += SECONDS_PER_DAY;
    days--;
  }
  // Days to a date of the proleptic Gregorian calendar, by eras of 400 years that begin in March.
  const shifted = days + 719468;
  const era = (shifted >= 0 ? shifted : shifted - 146096) / 146097;
  const day = shifted - era * 146097;
  const year = (day - day / 1460 + day / 36524 - day / 146096) / 365;
  const dayOfYear = day - (365 * year + year / 4 - year / 100);
  const month = (5 * dayOfYear + 2) / 153;
  const calendarMonth = month < 10 ? month + 3 : month - 9;
  text.begin(32);
  padded(<u64>(year + era * 400 + (calendarMonth <= 2 ? 1 : 0)), 4);
  text.byte(45);
  padded(<u64>calendarMonth, 2);
  text.byte(45);
  padded(<u64>(dayOfYear - (153 * month + 2) / 5 + 1), 2);
  text.byte(84);
  padded(<u64>(rest / 3600), 2);
  text.byte(58);
  padded(<u64>((rest / 60) % 60), 2);
  text.byte(58);
  padded(<u64>(rest % 60), 2);
  text.byte(90);
  return Bytes.copy(text.pointer, text.length);
}

function padded(value: u64, digits: i32): void {
  for (let bound: u64 = 10, i = 1; i < digits; i++, bound *= 10) if (value < bound) text.byte(48);
  text.decimal(value);
}
