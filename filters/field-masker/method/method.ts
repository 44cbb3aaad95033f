// Hides one value: text in, text out. A value that a method cannot hide as asked is masked in full.
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
