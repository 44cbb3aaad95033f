// Finds the end of a client's request (RFC 9112, 2 to 7). The proxy's own parser must find the same end: what stands
// behind a request is the filter's (MARK, a made-up request), and must not be taken for the client's. So heads, chunk
// lines and trailers are held until they are whole, and only what every parser reads alike goes on. All else is
// refused.
import { MAX_TLCP_HEAD_BYTES } from '../limits';
import {
  contains,
  decimal,
  hexadecimal,
  isBlank,
  isFieldLine,
  isRequestLine,
  lists,
  NO_NUMBER,
  says,
} from './request-lines';

const CR: u8 = 13;
const LF: u8 = 10;
const COLON: u8 = 58;
const COMMA: u8 = 44;
const ZERO: u8 = 48;

const enum Place {
  /** Before a request: empty lines are dropped. */
  Between,
  Head,
  Body,
  ChunkSize,
  Chunk,
  /** The empty line behind a chunk. */
  ChunkEnd,
  Trailers,
  /** Not requests any more. */
  Tunnel,
}

/** Why nothing of the client goes on any more. */
export const enum Refusal {
  None,
  /** Parsers may differ on where the request ends. */
  Malformed,
  /** A head, or the trailers, are longer than MAX_TLCP_HEAD_BYTES. */
  TooLong,
  /** The connection does not hold any more under today's terms. */
  Outdated,
}

export class RequestFraming {
  refusal: Refusal = Refusal.None;
  /** Bytes of the last `take` that do not go on, at its front. */
  skipped: u32 = 0;
  private place: Place = Place.Between;
  /** The same before the last `take`, of which nothing goes on if it refuses. */
  private wasBetween: bool = true;
  /** Bytes of the body or chunk that are to come. */
  private left: u64 = 0;
  /** Bytes held that were looked at, and of them those of whole lines. */
  private seen: u32 = 0;
  private line: u32 = 0;
  private hasLength: bool = false;
  private isChunked: bool = false;
  private isUpgrade: bool = false;
  private hasUpgrade: bool = false;
  /** Whether `Connection` names it, without which `Upgrade` is a field like others (RFC 9110, 7.8). */
  private isUpgradeNamed: bool = false;
  private isOld: bool = false;

  /** Whether all that went on are whole requests: the proxy's parser waits for another. */
  get isBetween(): bool {
    return this.refusal != Refusal.None ? this.wasBetween : this.isBetweenNow;
  }

  private get isBetweenNow(): bool {
    return this.place == Place.Between || this.place == Place.Head;
  }

  get isTunnel(): bool {
    return this.place == Place.Tunnel;
  }

  /** Nothing goes on any more of what the last `take` gave: the connection does not hold. */
  outdate(): void {
    this.refusal = Refusal.Outdated;
  }

  /** Whether the beginning of something is held. */
  get isHolding(): bool {
    return this.seen > 0 || this.place == Place.Head;
  }

  /**
   * Bytes that are done with, at most up to the end of one request; all but the first `skipped` go on. `data` begins
   * with what the last call left.
   */
  take(data: usize, length: u32): u32 {
    let at: u32 = 0;
    this.skipped = 0;
    this.wasBetween = this.isBetween;
    while (at < length && this.refusal == Refusal.None) {
      if (this.place == Place.Tunnel) return length;
      if (this.place == Place.Body || this.place == Place.Chunk) {
        const part = <u32>min<u64>(this.left, <u64>(length - at));
        this.left -= part;
        at += part;
        if (this.left > 0) return at;
        const ends = this.place == Place.Body;
        this.place = ends ? Place.Between : Place.ChunkEnd;
        if (ends) return at;
        continue;
      }
      const before = this.place;
      if (!this.nextLine(data + at, length - at)) return at;
      const place = this.place;
      if (place == Place.Head || (place == Place.Trailers && before == Place.Trailers)) continue;
      at += this.seen;
      this.seen = 0;
      this.line = 0;
      if (before == Place.Between) this.skipped = at;
      else if (place == Place.Between || place == Place.Tunnel) return at;
    }
    return at;
  }

  /** Reads a line of what is held. False: there is none yet, or it is refused. */
  private nextLine(block: usize, length: u32): bool {
    let seen = this.seen;
    while (seen < length && load<u8>(block + seen) != LF) seen++;
    if (seen >= MAX_TLCP_HEAD_BYTES) return this.refuse(Refusal.TooLong);
    this.seen = seen;
    if (seen == length) return false;
    const start = this.line;
    if (seen == start || load<u8>(block + seen - 1) != CR) return this.refuse(Refusal.Malformed);
    this.seen = seen + 1;
    this.line = seen + 1;
    return this.onLine(block + start, seen - 1 - start) || this.refuse(Refusal.Malformed);
  }

  private refuse(refusal: Refusal): bool {
    this.refusal = refusal;
    return false;
  }

  /** False: it is malformed. */
  private onLine(line: usize, length: u32): bool {
    switch (this.place) {
      case Place.Between:
        return length == 0 || this.onRequestLine(line, length);
      case Place.Head:
        return length == 0 ? this.onHeadEnd() : this.onField(line, length);
      case Place.ChunkSize:
        return this.onChunkSize(line, length);
      case Place.ChunkEnd:
        this.place = Place.ChunkSize;
        return length == 0;
      default:
        if (length > 0) return isFieldLine(line, length);
        this.place = Place.Between;
        return true;
    }
  }
  private onRequestLine(line: usize, length: u32): bool {
    this.hasLength = false;
    this.isChunked = false;
    this.isUpgrade = false;
    this.hasUpgrade = false;
    this.isUpgradeNamed = false;
    this.left = 0;
    this.place = Place.Head;
    if (!isRequestLine(line, length)) return false;
    this.isOld = load<u8>(line + length - 1) == ZERO;
    return true;
  }

  private onField(line: usize, length: u32): bool {
    if (!isFieldLine(line, length)) return false;
    let name: u32 = 0;
    while (load<u8>(line + name) != COLON) name++;
    let value = line + name + 1;
    let end = line + length;
    while (value < end && isBlank(load<u8>(value))) value++;
    while (value < end && isBlank(load<u8>(end - 1))) end--;
    const size = <u32>(end - value);
    if (says(line, name, 'content-length')) {
      if (this.hasLength || this.isChunked) return false;
      this.hasLength = true;
      this.left = decimal(value, size);
      return this.left != NO_NUMBER;
    }
    if (says(line, name, 'transfer-encoding')) {
      if (this.hasLength || this.isChunked || this.isOld) return false;
      this.isChunked = true;
      return says(value, size, 'chunked');
    }
    if (says(line, name, 'connection')) {
      if (lists(value, size, 'upgrade')) this.isUpgradeNamed = true;
      return true;
    }
    if (!says(line, name, 'upgrade')) return true;
    // Of several protocols the proxy would choose.
    if (this.hasUpgrade || contains(value, size, COMMA)) return false;
    this.hasUpgrade = true;
    this.isUpgrade = says(value, size, 'websocket');
    return true;
  }

  private onHeadEnd(): bool {
    if (this.isUpgrade && this.isUpgradeNamed) {
      this.place = Place.Tunnel;
      return !this.hasLength && !this.isChunked;
    }
    if (this.isChunked) this.place = Place.ChunkSize;
    else this.place = this.left > 0 ? Place.Body : Place.Between;
    return true;
  }

  private onChunkSize(line: usize, length: u32): bool {
    const size = hexadecimal(line, length);
    this.left = size;
    this.place = size == 0 ? Place.Trailers : Place.Chunk;
    return size != NO_NUMBER;
  }
}
