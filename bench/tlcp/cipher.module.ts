// The protection of a record, by itself: for comparison with a whole record.
import '../../filters/runtime/abort';
import { Sm4Cbc } from '../../filters/crypto/sm4-cbc';
import { Sm4Gcm } from '../../filters/crypto/sm4-gcm';
import { RecordMac } from '../../filters/tlcp/record-mac';

const KEY: usize = memory.data(32, 16);
const IV: usize = memory.data(16, 16);
const TAG: usize = memory.data(32, 16);
const DATA: usize = memory.data(16640, 16);
const gcm: Sm4Gcm = new Sm4Gcm();
const cbc: Sm4Cbc = new Sm4Cbc();
const mac: RecordMac = new RecordMac();

export function prepare(): void {
  gcm.setKey(KEY);
  cbc.setKey(KEY);
  mac.setKey(KEY);
}

/** `length` bytes, a multiple of 16, up to 16384. */
export function sealGcm(length: u32): void {
  gcm.encrypt(IV, 12, IV, 13, DATA, DATA, length, TAG);
}

/** Opening does the work of sealing; with a tag that is wrong it would leave the decryption out. */
export function openGcm(length: u32): void {
  sealGcm(length);
}

export function sealCbc(length: u32): void {
  mac.make(IV, DATA, length, DATA + length);
  memory.fill(DATA + length + 32, 15, 16);
  cbc.encryptBlocks(IV, DATA, length + 48, DATA);
}

export function openCbc(length: u32): bool {
  cbc.decryptBlocks(IV, DATA, length + 48, DATA);
  return mac.open(IV, DATA, length + 48) >= 0;
}
