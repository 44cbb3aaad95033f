// Format of a body. The route's format and the content type must agree; it is never guessed.
import { Ascii } from '../memory/ascii';
import { equalIgnoreCase, Bytes } from '../memory/bytes';

/** Formats with a reader. The values are those of `BodyFormat` in the plugin configuration. */
export const enum MessageFormat {
  Json = 0,
  Xml = 1,
  Cnaps2 = 2,
  Iso8583 = 3,
  Tlv = 4,
  Form = 5,
  /** Format on which content type and first bytes agree. Not a message's own format. */
  Detect = 6,
  /** The body's format is none that its route accepts. */
  Unknown = 7,
}

/** Meaning of a content-type field. */
export const enum MediaType {
  /** Unknown type, several types, or an unsupported charset. */
  Other = 0,
  /** `application/json`, `text/json`, `…+json` */
  Json = 1,
  /** `application/xml`, `text/xml`, `…+xml` */
  Xml = 2,
  /** `application/x-www-form-urlencoded` */
  Form = 3,
  /** `text/plain` */
  Text = 4,
  /** `application/octet-stream` */
  Octets = 5,
  /**
   * `application/iso8583`, `application/x-iso8583`, `application/vnd.iso8583`, `x-ISO-TPDU/x-auth` (UnionPay
   * terminals). In use, but not registered.
   */
  Iso8583 = 6,
  /** `application/x-hex`. In use, but not registered. */
  Hex = 7,
  /** No content-type field. HTTP then treats the body as bytes (RFC 9110, 8.3). */
  Absent = 8,
  /** A type that the route names. */
  Named = 9,
}

const APPLICATION_JSON: Bytes = Bytes.from('application/json');
const TEXT_JSON: Bytes = Bytes.from('text/json');
const SUFFIX_JSON: Bytes = Bytes.from('+json');
const APPLICATION_XML: Bytes = Bytes.from('application/xml');
const TEXT_XML: Bytes = Bytes.from('text/xml');
const SUFFIX_XML: Bytes = Bytes.from('+xml');
const FORM: Bytes = Bytes.from('application/x-www-form-urlencoded');
const TEXT_PLAIN: Bytes = Bytes.from('text/plain');
const OCTET_STREAM: Bytes = Bytes.from('application/octet-stream');
const ISO8583: Bytes = Bytes.from('application/iso8583');
const X_ISO8583: Bytes = Bytes.from('application/x-iso8583');
const VND_ISO8583: Bytes = Bytes.from('application/vnd.iso8583');
const TPDU_AUTH: Bytes = Bytes.from('x-iso-tpdu/x-auth');
const X_HEX: Bytes = Bytes.from('application/x-hex');
/** Name of a missing content type in a route. */
const NONE: Bytes = Bytes.from('none');
const MULTIPART: Bytes = Bytes.from('multipart/');
const CHARSET: Bytes = Bytes.from('charset');
const UTF_8: Bytes = Bytes.from('utf-8');
/** Not registered, but common and unambiguous. */
const UTF8: Bytes = Bytes.from('utf8');
const US_ASCII: Bytes = Bytes.from('us-ascii');
/** First bytes of a block header, `{H:`. */
const BLOCK_HEADER: u32 = 0x3a487b;
/** EF BB BF, which may begin an XML document. */
const BYTE_ORDER_MARK: u32 = 0xbfbbef;

function same(value: usize, length: u32, name: Bytes): bool {
  return length == name.length && equalIgnoreCase(value, name.pointer, length);
}

function endsIn(value: usize, length: u32, suffix: Bytes): bool {
  return length > suffix.length && same(value + length - suffix.length, suffix.length, suffix);
}

/**
 * Media type of a content-type field. Parameters are ignored, except the charset of textual types: it must be UTF-8 or
 * ASCII, because a receiver that follows another one reads other members (in GBK a character's second byte can be a
 * backslash). A comma joins several fields, of which a receiver may take any.
 */
export function mediaTypeOf(value: usize, length: u32): MediaType {
  const end = typeLength(value, length);
  if (hasComma(value, length)) return MediaType.Other;
  if (same(value, end, OCTET_STREAM)) return MediaType.Octets;
  if (
    same(value, end, ISO8583) ||
    same(value, end, X_ISO8583) ||
    same(value, end, VND_ISO8583) ||
    same(value, end, TPDU_AUTH)
  )
    return MediaType.Iso8583;
  if (!isReadable(value + end, length - end)) return MediaType.Other;
  if (same(value, end, APPLICATION_JSON) || same(value, end, TEXT_JSON) || endsIn(value, end, SUFFIX_JSON))
    return MediaType.Json;
  if (same(value, end, APPLICATION_XML) || same(value, end, TEXT_XML) || endsIn(value, end, SUFFIX_XML))
    return MediaType.Xml;
  if (same(value, end, FORM)) return MediaType.Form;
  if (same(value, end, X_HEX)) return MediaType.Hex;
  return same(value, end, TEXT_PLAIN) ? MediaType.Text : MediaType.Other;
}

/**
 * Media type on a route that names its types. `format`: the route's. Several fields and unsupported charsets are
 * refused even if named.
 */
export function namedMediaType(named: StaticArray<Bytes>, format: MessageFormat, value: usize, length: u32): MediaType {
  const end = typeLength(value, length);
  if (hasComma(value, length)) return MediaType.Other;
  // For ISO 8583 the charset means nothing, because the specification defines the encodings.
  if (format != MessageFormat.Iso8583 && !isReadable(value + end, length - end)) return MediaType.Other;
  for (let i = 0; i < named.length; i++) if (same(value, end, unchecked(named[i]))) return MediaType.Named;
  return MediaType.Other;
}

/** Media type of a message without content type on a route that names types. If it names none, its format decides. */
export function absentMediaType(named: StaticArray<Bytes>): MediaType {
  if (named.length == 0) return MediaType.Absent;
  for (let i = 0; i < named.length; i++) {
    const type = unchecked(named[i]);
    if (NONE.equals(type.pointer, type.length)) return MediaType.Named;
  }
  return MediaType.Other;
}

/**
 * Whether a route of the format may name the content type. It may not name one of another format, since a receiver that
 * follows the type would read another message.
 */
export function mayName(format: MessageFormat, type: Bytes): bool {
  if (format == MessageFormat.Detect) return false;
  if (type.length > MULTIPART.length && equalIgnoreCase(type.pointer, MULTIPART.pointer, MULTIPART.length))
    return false;
  const media = mediaTypeOf(type.pointer, type.length);
  return (media != MediaType.Json && media != MediaType.Xml && media != MediaType.Form) || takes(format, media);
}

/** Length of the type before its parameters and the white space around them (RFC 9110, 5.6.3), bytes. */
function typeLength(value: usize, length: u32): u32 {
  let end: u32 = 0;
  for (; end < length; end++) {
    const byte = load<u8>(value + end);
    if (byte == Ascii.Semicolon || byte == Ascii.Space || byte == Ascii.Tab) break;
  }
  return end;
}

function hasComma(value: usize, length: u32): bool {
  for (let i: u32 = 0; i < length; i++) if (load<u8>(value + i) == Ascii.Comma) return true;
  return false;
}

/**
 * Whether every charset parameter is UTF-8 or a subset of it. Spellings that only some receivers understand (`charset
 * =`, `charset*=`) are refused.
 */
function isReadable(parameters: usize, length: u32): bool {
  const name = CHARSET.length;
  for (let i: u32 = 0; i + name <= length; i++) {
    if (!equalIgnoreCase(parameters + i, CHARSET.pointer, name)) continue;
    let from = i + name;
    if (from >= length || load<u8>(parameters + from) != Ascii.Equals) return false;
    from++;
    if (from < length && load<u8>(parameters + from) == Ascii.Quote) from++;
    let end = from;
    while (
      end < length &&
      load<u8>(parameters + end) > 32 &&
      load<u8>(parameters + end) != Ascii.Semicolon &&
      load<u8>(parameters + end) != Ascii.Quote
    )
      end++;
    if (!isUtf8Name(parameters + from, end - from)) return false;
  }
  return true;
}

function isUtf8Name(value: usize, length: u32): bool {
  return same(value, length, UTF_8) || same(value, length, UTF8) || same(value, length, US_ASCII);
}

/** Format in which a body of this media type is read on a route of this format. Unknown: refuse it (415). */
export function formatOf(format: MessageFormat, media: MediaType, body: usize, length: u32): MessageFormat {
  if (format == MessageFormat.Detect) return detect(media, body, length);
  return takes(format, media) ? format : MessageFormat.Unknown;
}

/** Whether a route of the format accepts the media type if it names none. */
function takes(format: MessageFormat, media: MediaType): bool {
  if (media == MediaType.Named) return true;
  switch (format) {
    case MessageFormat.Json:
      return media == MediaType.Json;
    case MessageFormat.Xml:
      return media == MediaType.Xml;
    case MessageFormat.Cnaps2:
      return media == MediaType.Xml || media == MediaType.Text || isBytes(media);
    case MessageFormat.Iso8583:
      return media == MediaType.Iso8583 || isBytes(media);
    case MessageFormat.Tlv:
      return media == MediaType.Text || media == MediaType.Hex || isBytes(media);
    case MessageFormat.Form:
      return media == MediaType.Form;
  }
  return false;
}

function isBytes(media: MediaType): bool {
  return media == MediaType.Octets || media == MediaType.Absent;
}

/** Content type and first bytes must agree. */
function detect(media: MediaType, body: usize, length: u32): MessageFormat {
  let at: u32 =
    media == MediaType.Xml &&
    length >= 3 &&
    ((<u32>load<u16>(body)) | ((<u32>load<u8>(body, 2)) << 16)) == BYTE_ORDER_MARK
      ? 3
      : 0;
  while (at < length && isSpace(load<u8>(body + at))) at++;
  if (at == length) return MessageFormat.Unknown;
  const first = load<u8>(body + at);
  const isBlock = at + 3 <= length && first == Ascii.OpenBrace && <u32>load<u16>(body + at, 1) == BLOCK_HEADER >> 8;
  switch (media) {
    case MediaType.Json:
      return !isBlock && (first == Ascii.OpenBrace || first == Ascii.OpenBracket)
        ? MessageFormat.Json
        : MessageFormat.Unknown;
    case MediaType.Xml:
      return isBlock ? MessageFormat.Cnaps2 : first == Ascii.Less ? MessageFormat.Xml : MessageFormat.Unknown;
    case MediaType.Text:
      return isBlock ? MessageFormat.Cnaps2 : MessageFormat.Unknown;
    case MediaType.Form:
      return at == 0 && first != Ascii.OpenBrace && first != Ascii.OpenBracket && first != Ascii.Less
        ? MessageFormat.Form
        : MessageFormat.Unknown;
  }
  return MessageFormat.Unknown;
}

function isSpace(byte: u8): bool {
  return byte == Ascii.Space || byte == Ascii.LineFeed || byte == Ascii.CarriageReturn || byte == Ascii.Tab;
}
