// Strict DER reader (ITU-T X.690), as in the modules (filters/crypto/der.ts): one encoding for each value, one-byte
// tags, no trailing bytes.

export const DER = {
  integer: 0x02,
  bits: 0x03,
  octets: 0x04,
  null: 0x05,
  oid: 0x06,
  sequence: 0x30,
  implicit1: 0x81,
  context0: 0xa0,
  context1: 0xa1,
} as const;

/** The bytes are not DER, or do not have the expected structure. */
export class DerError extends Error {}

/** Reads the elements of one content in order. All methods throw DerError. */
export class DerReader {
  private readonly bytes: Buffer;
  private at = 0;

  constructor(bytes: Buffer) {
    this.bytes = bytes;
  }

  /** Tag of the next element. 0 at the end. */
  get tag(): number {
    return this.bytes[this.at] ?? 0;
  }

  /** Content of the next element, which must have this tag. */
  take(tag: number): Buffer {
    if (tag === 0 || (tag & 0x1f) === 0x1f || this.tag !== tag) throw new DerError('another element is expected');
    let length = this.byte(1);
    let header = 2;
    if (length >= 0x80) {
      const count = length & 0x7f;
      if (count === 0 || count > 3) throw new DerError('a length is indefinite or too long');
      length = 0;
      for (let i = 0; i < count; i++) length = (length << 8) | this.byte(2 + i);
      if (length < 0x80 || length >> ((count - 1) * 8) === 0) throw new DerError('a length is not minimal');
      header += count;
    }
    const start = this.at + header;
    if (start + length > this.bytes.length) throw new DerError('it ends too early');
    this.at = start + length;
    return this.bytes.subarray(start, this.at);
  }

  /** Reads the whole content of the next element with `read`. */
  within<T>(tag: number, read: (inner: DerReader) => T): T {
    const inner = new DerReader(this.take(tag));
    const result = read(inner);
    inner.end();
    return result;
  }

  /** Bytes of a bit string without unused bits. */
  takeBits(tag: number = DER.bits): Buffer {
    const bits = this.take(tag);
    if (bits[0] !== 0) throw new DerError('a bit string is not of whole bytes');
    return bits.subarray(1);
  }

  /** Skips an optional element. Returns whether it was present. */
  skip(tag: number): boolean {
    if (this.tag !== tag) return false;
    this.take(tag);
    return true;
  }

  /** Skips the remaining elements. */
  skipRest(): void {
    while (this.at < this.bytes.length) this.take(this.tag);
  }

  end(): void {
    if (this.at !== this.bytes.length) throw new DerError('something is left over');
  }

  private byte(offset: number): number {
    const byte = this.bytes[this.at + offset];
    if (byte === undefined) throw new DerError('it ends too early');
    return byte;
  }
}
