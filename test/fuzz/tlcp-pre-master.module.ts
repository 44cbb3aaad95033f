// An encrypted pre-master secret as an attacker would like it: any text under the server's key, then any change.
import '../../filters/runtime/abort';
import { Sm2Layout, sm2EncryptWithNonce } from '../../filters/crypto/sm2-encryption';
import { Sm2PrivateKey } from '../../filters/crypto/sm2-key';
import { Chance } from '../../filters/tlcp/chance';
import { PRE_MASTER, decryptPreMaster } from '../../filters/tlcp/key-exchange';

const VERSION: u32 = 0x0101;
const DRAWN: u8 = 0xdd;
const MESSAGE_ROOM: usize = 256;

/** Draws the same byte, so that a trace is of the work alone. */
class OneByte extends Chance {
  bytes(out: usize, length: u32): bool {
    memory.fill(out, DRAWN, length);
    return true;
  }
}

const SCALAR: usize = memory.data(32, 16);
const NONCE: usize = memory.data(32, 16);
const MESSAGE: usize = memory.data(256, 16);
const chance: Chance = new OneByte();
let key: Sm2PrivateKey | null = null;
let size: u32 = 0;
let block: usize = 0;

export function room(bytes: u32): usize {
  if (block == 0) block = heap.alloc(256);
  return bytes <= 256 ? block : 0;
}

/**
 * Encrypts `length` bytes of the room; `fromEnd`: which byte of the message is changed, 0 none. Does everything once, so
 * that what is made at the first use is there.
 */
export function prepare(length: u32, fromEnd: u32): void {
  memory.fill(SCALAR, 0x21, 32);
  memory.fill(NONCE, 0x43, 32);
  const made = Sm2PrivateKey.fromBytes(SCALAR)!;
  key = made;
  memory.fill(MESSAGE, 0, MESSAGE_ROOM);
  size = sm2EncryptWithNonce(made.publicKey, Sm2Layout.Asn1, NONCE, block, length, MESSAGE + 2);
  store<u16>(MESSAGE, bswap<u16>(<u16>size));
  decryptPreMaster(made, VERSION, MESSAGE, size + 2, chance);
  const at = MESSAGE + 2 + size - fromEnd;
  if (fromEnd > 0) store<u8>(at, load<u8>(at) ^ 0x40);
}

/** False: it is malformed. */
export function open(): bool {
  return decryptPreMaster(key!, VERSION, MESSAGE, size + 2, chance);
}

/** Whether the secret is the text of the room, and whether it is what was drawn. */
export function isText(): bool {
  return memory.compare(PRE_MASTER, block, 48) == 0;
}

export function isDrawn(): bool {
  let all = true;
  for (let i: usize = 0; i < 48; i++) if (load<u8>(PRE_MASTER + i) != DRAWN) all = false;
  return all;
}
