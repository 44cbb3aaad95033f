// Where a client's request ends (RFC 9112, 6). The proxy leaves what comes behind a request in the buffer that the network
// filter gets again, so nothing may come behind it but what the filter knows again. What cannot be read here is passed as
// it is: the proxy's own reader decides on it.

const CR: u8 = 13;
const LF: u8 = 10;
/** Bytes of a line that are looked at: enough for the names and values below. */
const LINE_BYTES: u32 = 64;
/** Digits of a length; more are not counted on. */
const MAX_DIGITS: u32 = 15;

const enum Place {
  /** Before a request: empty lines are passed over. */
  Between,
  Head,
  /** In a body of `left` bytes. */
  Body,
  ChunkSize,
  Chunk,
  Trailers,
  /** Not requests any more. */
  Tunnel,
}

export class RequestFraming {
  private place: Place = Place.Between;
  private left: u64 = 0;
  private isChunked: bool = false;
  private isTunnel: bool = false;
  private firstLine: bool = true;
  private lineLength: u32 = 0;
  /** Bytes of the line, of which `lineLength` may be more. */
  private readonly line: StaticArray<u8> = new StaticArray<u8>(<i32>LINE_BYTES);

  /** Bytes up to the end of the request, all `length` if it does not end among them. */
  take(data: usize, length: u32): u32 {
    let at: u32 = 0;
    while (at < length) {
      if (this.place == Place.Tunnel) return length;
      if (this.place == Place.Body || this.place == Place.Chunk) {
        const part = <u32>min<u64>(this.left, <u64>(length - at));
        this.left -= part;
        at += part;
        if (this.left > 0) return length;
        if (this.place == Place.Body) return this.end(at);
        this.place = Place.ChunkSize;
        continue;
      }
      if (this.addByte(load<u8>(data + at++))) return at;
    }
    return length;
  }

  private end(at: u32): u32 {
    this.place = Place.Between;
    this.isChunked = false;
    this.firstLine = true;
    this.left = 0;
    return at;
  }

  /** A byte of a line. True: the request ends with it. */
  private addByte(byte: u8): bool {
    if (byte != LF) {
      if (this.lineLength < LINE_BYTES) unchecked((this.line[this.lineLength] = byte));
      this.lineLength++;
      return false;
    }
    let length = this.lineLength;
    this.lineLength = 0;
    if (length > 0 && length <= LINE_BYTES && unchecked(this.line[length - 1]) == CR) length--;
    return this.onLine(length);
  }

  private onLine(length: u32): bool {
    switch (this.place) {
      case Place.Between:
        if (length == 0) return false;
        this.place = Place.Head;
        this.isTunnel = this.begins('connect ', length);
        return false;
      case Place.Head:
        if (length > 0) {
          this.onField(min(length, LINE_BYTES));
          return false;
        }
        return this.onHeadEnd();
      case Place.ChunkSize: {
        const size = this.chunkSize(length);
        if (size == 0) this.place = Place.Trailers;
        else if (size == u64.MAX_VALUE) this.place = Place.Tunnel;
        else {
          this.left = size + 2;
          this.place = Place.Chunk;
        }
        return false;
      }
      default: // trailers
        if (length > 0) return false;
        this.end(0);
        return true;
    }
  }

  private onField(length: u32): void {
    if (this.begins('content-length:', length)) this.left = this.decimal(15, length);
    else if (this.begins('transfer-encoding:', length)) this.isChunked = true;
    else if (this.begins('upgrade:', length) && this.valueIs('websocket', 8, length)) this.isTunnel = true;
  }

  /** True: there is no body. */
  private onHeadEnd(): bool {
    if (this.isTunnel) this.place = Place.Tunnel;
    else if (this.isChunked) this.place = Place.ChunkSize;
    else if (this.left > 0) this.place = Place.Body;
    else {
      this.end(0);
      return true;
    }
    return false;
  }

  /** Whether the line begins with a text in lower case, in whatever case it is. */
  private begins(text: string, length: u32): bool {
    return this.valueIs(text, 0, length);
  }

  /** The same from some place on, spaces left out. */
  private valueIs(text: string, from: u32, length: u32): bool {
    while (from < length && unchecked(this.line[from]) == 32) from++;
    if (from + text.length > length) return false;
    for (let i = 0; i < text.length; i++) {
      const byte = unchecked(this.line[from + i]);
      const lower = byte - 65 < 26 ? byte + 32 : byte;
      if (lower != <u8>load<u16>(changetype<usize>(text) + ((<usize>i) << 1))) return false;
    }
    return true;
  }

  private decimal(from: u32, length: u32): u64 {
    let value: u64 = 0;
    let digits: u32 = 0;
    for (let i = from; i < length && digits <= MAX_DIGITS; i++) {
      const digit = <u32>unchecked(this.line[i]) - 48;
      if (digit > 9) continue;
      value = value * 10 + digit;
      digits++;
    }
    return value;
  }

  /** The size in a chunk's line; the largest number: it is none. */
  private chunkSize(length: u32): u64 {
    let value: u64 = 0;
    let digits: u32 = 0;
    for (let i: u32 = 0; i < min(length, LINE_BYTES); i++, digits++) {
      const byte = <u32>unchecked(this.line[i]);
      const letter = (byte | 32) - 97;
      const digit = byte - 48 < 10 ? byte - 48 : letter < 6 ? letter + 10 : 16;
      if (digit == 16) break;
      if (digits > MAX_DIGITS) return u64.MAX_VALUE;
      value = (value << 4) | digit;
    }
    return digits == 0 ? u64.MAX_VALUE : value;
  }
}
