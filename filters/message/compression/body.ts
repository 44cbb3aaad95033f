// Decompresses bodies by their content coding.
import { Arena } from '../../memory/arena';
import { ErrorId } from '../../errors.gen';
import { adler32, crc32 } from './checksums';
import { Inflater } from './inflate';

/** Content coding of a body (RFC 9110, 8.4.1). */
export const enum Coding {
  /** Not compressed. */
  Identity = 0,
  /** RFC 1952. Also named x-gzip. */
  Gzip = 1,
  /** RFC 1950. Some senders use the name for a bare RFC 1951 stream. */
  Deflate = 2,
  /** Another coding, or several. */
  Other = 3,
}

/** Largest output of one DEFLATE input byte: a match of 258 bytes in two bits. */
const LARGEST_RATIO: u64 = 1032;
/** Assumed ratio of output to input if the format gives no length. */
const USUAL_RATIO: u64 = 4;

const GZIP_HEADER_BYTES: u32 = 10;
const GZIP_TRAILER_BYTES: u32 = 8;
const GZIP_MAGIC: u32 = 0x8b1f;
const DEFLATE_METHOD: u32 = 8;

/** Flags of a gzip header (RFC 1952, 2.3.1). */
const HEADER_CHECKED: u32 = 2;
const EXTRA_FIELD: u32 = 4;
const FILE_NAME: u32 = 8;
const COMMENT: u32 = 16;
const RESERVED: u32 = 0xe0;

const ZLIB_HEADER_BYTES: u32 = 2;
const ZLIB_TRAILER_BYTES: u32 = 4;
const LARGEST_WINDOW: u32 = 7;
const DICTIONARY_FLAG: u32 = 0x20;

/** Decompressed body. Either complete or an error, never a part. */
export class OpenedBody {
  /** Address of the output, in the arena. */
  pointer: usize = 0;
  /** Bytes. */
  length: u32 = 0;
  private readonly inflater: Inflater = new Inflater();

  /**
   * Decompresses `length` bytes of `coding` (Gzip or Deflate) into at most `maxBytes`. FIM-RT-0051: larger output;
   * 0052: truncated; 0053: wrong checksum or length; 0054: trailing data; 0055: not in this coding; 0006: out of
   * memory.
   */
  open(coding: Coding, pointer: usize, length: u32, maxBytes: u32, arena: Arena): ErrorId {
    const inflater = this.inflater;
    if (length == 0) return ErrorId.FIM_RT_0052;
    if (!inflater.begin(pointer, length, expectedBytes(coding, pointer, length), maxBytes, arena))
      return ErrorId.FIM_RT_0006;
    const error = coding == Coding.Gzip ? this.gzip() : coding == Coding.Deflate ? this.deflate() : ErrorId.FIM_RT_0055;
    this.pointer = inflater.start;
    this.length = inflater.length;
    if (error == ErrorId.None) arena.trim(this.pointer, this.length);
    return error;
  }

  /** Reads consecutive gzip members (RFC 1952, 2.2). Nothing else may follow. */
  private gzip(): ErrorId {
    const inflater = this.inflater;
    do {
      const headerError = this.gzipHeader();
      if (headerError != ErrorId.None) return headerError;
      const before = inflater.length;
      const error = inflater.stream();
      if (error != ErrorId.None) return error;
      if (inflater.end - inflater.at < GZIP_TRAILER_BYTES) return ErrorId.FIM_RT_0052;
      const length = inflater.length - before;
      if (load<u32>(inflater.at) != crc32(inflater.start + before, length) || load<u32>(inflater.at, 4) != length)
        return ErrorId.FIM_RT_0053;
      inflater.at += GZIP_TRAILER_BYTES;
      if (inflater.at < inflater.end && !this.isGzip()) return ErrorId.FIM_RT_0054;
    } while (inflater.at < inflater.end);
    return ErrorId.None;
  }

  private isGzip(): bool {
    const inflater = this.inflater;
    return inflater.end - inflater.at >= 2 && load<u16>(inflater.at) == GZIP_MAGIC;
  }

  /** Skips the header of a member (RFC 1952, 2.3). */
  private gzipHeader(): ErrorId {
    const inflater = this.inflater;
    const start = inflater.at;
    const end = inflater.end;
    if (end - start >= 2 && !this.isGzip()) return ErrorId.FIM_RT_0055;
    if (end - start < GZIP_HEADER_BYTES) return ErrorId.FIM_RT_0052;
    const flags = <u32>load<u8>(start, 3);
    if (load<u8>(start, 2) != DEFLATE_METHOD || (flags & RESERVED) != 0) return ErrorId.FIM_RT_0055;
    let at = start + GZIP_HEADER_BYTES;
    if (flags & EXTRA_FIELD) {
      if (end - at < 2) return ErrorId.FIM_RT_0052;
      at += 2 + <usize>load<u16>(at);
    }
    if (flags & FILE_NAME) at = behindText(at, end);
    if (flags & COMMENT) at = behindText(at, end);
    if (flags & HEADER_CHECKED) {
      if (at > end || end - at < 2) return ErrorId.FIM_RT_0052;
      if (load<u16>(at) != <u16>crc32(start, <u32>(at - start))) return ErrorId.FIM_RT_0053;
      at += 2;
    }
    if (at > end) return ErrorId.FIM_RT_0052;
    inflater.at = at;
    return ErrorId.None;
  }

  /**
   * RFC 1950, or bare RFC 1951. The low half of the first byte decides: it is 8 in RFC 1950. In RFC 1951 it would begin
   * a stored block with bits set that all writers leave zero.
   */
  private deflate(): ErrorId {
    const inflater = this.inflater;
    const at = inflater.at;
    const bare = (load<u8>(at) & 15) != DEFLATE_METHOD;
    if (!bare) {
      if (inflater.end - at < ZLIB_HEADER_BYTES) return ErrorId.FIM_RT_0052;
      const method = <u32>load<u8>(at);
      const flags = <u32>load<u8>(at, 1);
      if (method >> 4 > LARGEST_WINDOW || ((method << 8) | flags) % 31 != 0 || (flags & DICTIONARY_FLAG) != 0)
        return ErrorId.FIM_RT_0055;
      inflater.at = at + ZLIB_HEADER_BYTES;
    }
    const error = inflater.stream();
    if (error != ErrorId.None) return error;
    if (!bare) {
      if (inflater.end - inflater.at < ZLIB_TRAILER_BYTES) return ErrorId.FIM_RT_0052;
      if (bswap<u32>(load<u32>(inflater.at)) != adler32(inflater.start, inflater.length)) return ErrorId.FIM_RT_0053;
      inflater.at += ZLIB_TRAILER_BYTES;
    }
    return inflater.at == inflater.end ? ErrorId.None : ErrorId.FIM_RT_0054;
  }
}

/** Address after the zero-terminated text at `at`. After `end` if it has no terminator. */
function behindText(at: usize, end: usize): usize {
  while (at < end && load<u8>(at) != 0) at++;
  return at + 1;
}

/**
 * Expected output length. gzip gives the length of its last member at the end; it is used only as far as the input can
 * produce so much.
 */
function expectedBytes(coding: Coding, pointer: usize, length: u32): u32 {
  const most = <u64>length * LARGEST_RATIO;
  const told: u64 =
    coding == Coding.Gzip && length > GZIP_HEADER_BYTES + GZIP_TRAILER_BYTES
      ? load<u32>(pointer + length - 4)
      : <u64>length * USUAL_RATIO;
  return <u32>min<u64>(min(told, most), u32.MAX_VALUE);
}
