// How one value is hidden in a text that tells of a message. The stage that hides values makes it for the one that keeps
// records, since stages do not know each other.
import { Writer } from '../memory/writer';
import { ConfigReader } from './config-reader';
import { KmsConfig } from './config.gen';
import { Direction } from './direction';
import { Exchange } from './exchange';
import { Verdict } from './stage';

/** A compiled mask for values outside of messages. */
export abstract class ValueMask {
  /** Whether it needs a key. */
  abstract get keyed(): bool;

  /** Starts fetching its key, if it has one. */
  abstract prepare(kms: KmsConfig, rootId: u32): void;

  /** Finds the version of its key: `Reject`, with the reply begun, if there is none. */
  abstract ready(exchange: Exchange): Verdict;

  /** Writes what stands for `length` bytes of text. What cannot be hidden as asked is hidden whole. */
  abstract hide(pointer: usize, length: u32, out: Writer): void;
}

export abstract class ValueMaskMaker {
  /** Compiles a mask. On an error calls `reader.fail`; what is returned must then not be used. */
  abstract make(reader: ConfigReader, node: u32, direction: Direction): ValueMask;
}

let known: ValueMaskMaker | null = null;

/** From `Stage.start`. */
export function offerValueMasks(maker: ValueMaskMaker): void {
  known = maker;
}

/** The maker of this module. Null: no stage of it hides values. */
export function valueMaskMaker(): ValueMaskMaker | null {
  return known;
}
