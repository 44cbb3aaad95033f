// How one value is hidden: text in, text out. What a method cannot do as asked, its mask does in full.
import { Writer } from '../../memory/writer';

export abstract class Method {
  /**
   * Writes what stands for the `length` bytes of text at `pointer`. False: it cannot be done as asked, and what was
   * written must not be used.
   */
  abstract hide(pointer: usize, length: u32, out: Writer): bool;

  /** The same for a number amid text, whose groups may be parted. */
  hideFound(pointer: usize, length: u32, out: Writer): bool {
    return this.hide(pointer, length, out);
  }
}
