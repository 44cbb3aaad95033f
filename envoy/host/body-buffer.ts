// A body in transit. Like Envoy's buffers, it reports when it grows over its limit.

export class BodyBuffer {
  private pieces: Uint8Array[] = [];
  private bytesHeld = 0;
  private above = false;
  private readonly limitBytes: number;
  private readonly onAbove: () => void;

  /** `limitBytes` 0: no limit. `onAbove` is called each time the buffer grows over its limit. */
  constructor(limitBytes = 0, onAbove: () => void = () => {}) {
    this.limitBytes = limitBytes;
    this.onAbove = onAbove;
  }

  static of(bytes: Uint8Array): BodyBuffer {
    const buffer = new BodyBuffer();
    buffer.add(bytes);
    return buffer;
  }

  get length(): number {
    return this.bytesHeld;
  }

  add(bytes: Uint8Array): void {
    if (bytes.length > 0) this.pieces.push(bytes);
    this.resize(this.bytesHeld + bytes.length);
  }

  prepend(bytes: Uint8Array): void {
    if (bytes.length > 0) this.pieces.unshift(bytes);
    this.resize(this.bytesHeld + bytes.length);
  }

  clear(): void {
    this.pieces = [];
    this.resize(0);
  }

  /** Moves all content of `other` here. */
  take(other: BodyBuffer): void {
    for (const piece of other.pieces) this.pieces.push(piece);
    const grown = this.bytesHeld + other.bytesHeld;
    other.clear();
    this.resize(grown);
  }

  /** The content as one piece. Valid until the next change. */
  bytes(): Uint8Array {
    if (this.pieces.length !== 1)
      this.pieces = [this.pieces.length === 0 ? new Uint8Array(0) : Buffer.concat(this.pieces)];
    return this.pieces[0]!;
  }

  private resize(bytes: number): void {
    this.bytesHeld = bytes;
    const above = this.limitBytes > 0 && bytes > this.limitBytes;
    const crossed = above && !this.above;
    this.above = above;
    if (crossed) this.onAbove();
  }
}
