// Reading of a message's fields. What is beyond the end reads as zero and makes the cursor wrong for good: check once.

export class Cursor {
  private at: usize = 0;
  private end: usize = 0;
  isGood: bool = true;

  open(bytes: usize, length: u32): void {
    this.at = bytes;
    this.end = bytes + length;
    this.isGood = true;
  }

  get left(): u32 {
    return <u32>(this.end - this.at);
  }

  /** Whether all was read, and nothing beyond it. */
  get isDone(): bool {
    return this.isGood && this.at == this.end;
  }

  u8(): u32 {
    const at = this.take(1);
    return at == 0 ? 0 : load<u8>(at);
  }

  u16(): u32 {
    const at = this.take(2);
    return at == 0 ? 0 : bswap<u16>(load<u16>(at));
  }

  u24(): u32 {
    const at = this.take(3);
    return at == 0 ? 0 : ((<u32>load<u8>(at)) << 16) | bswap<u16>(load<u16>(at, 1));
  }

  /** Address of the next `length` bytes; 0: there are not so many. */
  take(length: u32): usize {
    if (!this.isGood || length > this.left) {
      this.isGood = false;
      return 0;
    }
    const at = this.at;
    this.at += length;
    return at;
  }
}
