/**
 * An address and the number of bytes there. A span lives as long as the module and is set anew for each use, so that
 * none is made for a message; what a function is given, it does not keep.
 */
export class Span {
  pointer: usize = 0;
  length: u32 = 0;

  set(pointer: usize, length: u32): this {
    this.pointer = pointer;
    this.length = length;
    return this;
  }
}
