// Records of the CBC suites as an attacker would like them: any bytes under the right key.
import '../../filters/runtime/abort';
import { Sm4Cbc } from '../../filters/crypto/sm4-cbc';
import { Direction } from '../../filters/tlcp/record-cipher';

const KEY: usize = memory.data<u8>([1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16]);
const CODE_KEY: usize = memory.data(32, 16); // zeros
const direction: Direction = new Direction();
let block: usize = 0;

export function room(bytes: u32): usize {
  if (block == 0) block = heap.alloc(1 << 16);
  return bytes <= 1 << 16 ? block : 0;
}

/** Encrypts what stands behind 16 bytes of IV in the room, and makes ready to open it as the first record. */
export function prepare(length: u32): void {
  const cipher = new Sm4Cbc();
  cipher.setKey(KEY);
  cipher.encryptBlocks(block, block + 16, length, block + 16);
  direction.setKeys(false, CODE_KEY, KEY, 0);
}

/** Opens it: the content's length, or -1. */
export function open(length: u32): i32 {
  return direction.open(23, block, length + 16);
}
