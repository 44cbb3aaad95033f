// Known-answer tests, run once when a VM starts. A module whose ciphers fail them refuses to serve.
import { equalConstantTime } from './constant-time';
import { AesGcm } from './aes-gcm';
import { Hash } from './hash';
import { Hmac } from './hmac';
import { Sha256 } from './sha256';
import { Sm3 } from './sm3';
import { Sm4 } from './sm4';
import { Sm4Cbc } from './sm4-cbc';
import { Sm4Gcm } from './sm4-gcm';

// GB/T 32907-2016, A.1: the key is also the plaintext.
const SM4_KEY: usize = memory.data<u8>([
  0x01, 0x23, 0x45, 0x67, 0x89, 0xab, 0xcd, 0xef, 0xfe, 0xdc, 0xba, 0x98, 0x76, 0x54, 0x32, 0x10,
]);
const SM4_CIPHERTEXT: usize = memory.data<u8>([
  0x68, 0x1e, 0xdf, 0x34, 0xd2, 0x06, 0x96, 0x5e, 0x86, 0xb3, 0xe9, 0x4f, 0x53, 0x6e, 0x42, 0x46,
]);

// RFC 8998, A.1: SM4-GCM under the same key. The plaintext is eight runs of eight equal bytes.
const GCM_IV: usize = memory.data<u8>([0x00, 0x00, 0x12, 0x34, 0x56, 0x78, 0x00, 0x00, 0x00, 0x00, 0xab, 0xcd]);
const GCM_AAD: usize = memory.data<u8>([
  0xfe, 0xed, 0xfa, 0xce, 0xde, 0xad, 0xbe, 0xef, 0xfe, 0xed, 0xfa, 0xce, 0xde, 0xad, 0xbe, 0xef, 0xab, 0xad, 0xda,
  0xd2,
]);
const GCM_RUNS: usize = memory.data<u8>([0xaa, 0xbb, 0xcc, 0xdd, 0xee, 0xff, 0xee, 0xaa]);
const GCM_CIPHERTEXT: usize = memory.data<u8>([
  0x17, 0xf3, 0x99, 0xf0, 0x8c, 0x67, 0xd5, 0xee, 0x19, 0xd0, 0xdc, 0x99, 0x69, 0xc4, 0xbb, 0x7d, 0x5f, 0xd4, 0x6f,
  0xd3, 0x75, 0x64, 0x89, 0x06, 0x91, 0x57, 0xb2, 0x82, 0xbb, 0x20, 0x07, 0x35, 0xd8, 0x27, 0x10, 0xca, 0x5c, 0x22,
  0xf0, 0xcc, 0xfa, 0x7c, 0xbf, 0x93, 0xd4, 0x96, 0xac, 0x15, 0xa5, 0x68, 0x34, 0xcb, 0xcf, 0x98, 0xc3, 0x97, 0xb4,
  0x02, 0x4a, 0x26, 0x91, 0x23, 0x3b, 0x8d,
]);
const GCM_TAG: usize = memory.data<u8>([
  0x83, 0xde, 0x35, 0x41, 0xe4, 0xc2, 0xb5, 0x81, 0x77, 0xe0, 0x65, 0xa9, 0xbf, 0x7b, 0x62, 0xec,
]);

// GB/T 32905-2016, A.1 and FIPS 180-2, B.1: "abc".
const ABC: usize = memory.data<u8>([0x61, 0x62, 0x63]);
const SM3_ABC: usize = memory.data<u8>([
  0x66, 0xc7, 0xf0, 0xf4, 0x62, 0xee, 0xed, 0xd9, 0xd1, 0xf2, 0xd4, 0x6b, 0xdc, 0x10, 0xe4, 0xe2, 0x41, 0x67, 0xc4,
  0x87, 0x5c, 0xf2, 0xf7, 0xa2, 0x29, 0x7d, 0xa0, 0x2b, 0x8f, 0x4b, 0xa8, 0xe0,
]);
const SHA256_ABC: usize = memory.data<u8>([
  0xba, 0x78, 0x16, 0xbf, 0x8f, 0x01, 0xcf, 0xea, 0x41, 0x41, 0x40, 0xde, 0x5d, 0xae, 0x22, 0x23, 0xb0, 0x03, 0x61,
  0xa3, 0x96, 0x17, 0x7a, 0x9c, 0xb4, 0x10, 0xff, 0x61, 0xf2, 0x00, 0x15, 0xad,
]);

// RFC 4231, 4.3: HMAC-SHA-256, key "Jefe".
const HMAC_KEY: usize = memory.data<u8>([0x4a, 0x65, 0x66, 0x65]);
const HMAC_DATA: usize = memory.data<u8>([
  0x77, 0x68, 0x61, 0x74, 0x20, 0x64, 0x6f, 0x20, 0x79, 0x61, 0x20, 0x77, 0x61, 0x6e, 0x74, 0x20, 0x66, 0x6f, 0x72,
  0x20, 0x6e, 0x6f, 0x74, 0x68, 0x69, 0x6e, 0x67, 0x3f,
]);
const HMAC_CODE: usize = memory.data<u8>([
  0x5b, 0xdc, 0xc1, 0x46, 0xbf, 0x60, 0x75, 0x4e, 0x6a, 0x04, 0x24, 0x26, 0x08, 0x95, 0x75, 0xc7, 0x5a, 0x00, 0x3f,
  0x08, 0x9d, 0x27, 0x39, 0x83, 0x9d, 0xec, 0x58, 0xb9, 0x64, 0xec, 0x38, 0x43,
]);

// GCM specification (McGrew and Viega), test case 14: AES-256, everything zero.
const AES_CIPHERTEXT: usize = memory.data<u8>([
  0xce, 0xa7, 0x40, 0x3d, 0x4d, 0x60, 0x6b, 0x6e, 0x07, 0x4e, 0xc5, 0xd3, 0xba, 0xf3, 0x9d, 0x18,
]);
const AES_TAG: usize = memory.data<u8>([
  0xd0, 0xd1, 0xc8, 0xa7, 0x99, 0x99, 0x6b, 0xf0, 0x26, 0x5b, 0x98, 0xb5, 0xd4, 0x8a, 0xb9, 0x19,
]);

/** Long enough for the bulk path, whose result is compared with the path for short runs. */
const BULK_BYTES: u32 = 1024;
const WORK: usize = memory.data(2 * 1024 + 64, 16);

/** Runs every known-answer test. False: the module must not be used. */
export function selfTest(): bool {
  const passed =
    testSm4() &&
    testBulk() &&
    testSm4Gcm() &&
    testAesGcm() &&
    testCbc() &&
    testHash(new Sm3(), SM3_ABC) &&
    testHash(new Sha256(), SHA256_ABC) &&
    testHmac();
  memory.fill(WORK, 0, 2 * BULK_BYTES + 64);
  return passed;
}

function testSm4(): bool {
  const cipher = new Sm4();
  cipher.setKey(SM4_KEY);
  cipher.blocks(SM4_KEY, WORK, 1);
  const encrypted = equalConstantTime(WORK, SM4_CIPHERTEXT, 16);
  cipher.setKey(SM4_KEY, true);
  cipher.blocks(WORK, WORK, 1);
  return encrypted && equalConstantTime(WORK, SM4_KEY, 16);
}

/** Compares the bit-sliced kernel with the swizzling one, and the sixteen-block one with the four-block one. */
function testBulk(): bool {
  const cipher = new Sm4Gcm();
  cipher.setKey(SM4_KEY);
  const tag = WORK + 2 * BULK_BYTES;
  memory.fill(WORK, 0, BULK_BYTES);
  cipher.encrypt(GCM_IV, 12, GCM_AAD, 0, WORK, WORK, BULK_BYTES, tag);
  const pieces = WORK + BULK_BYTES;
  memory.fill(pieces, 0, BULK_BYTES);
  cipher.encrypt(GCM_IV, 12, GCM_AAD, 0, pieces, pieces, BULK_BYTES - 1, tag);
  return equalConstantTime(WORK, pieces, BULK_BYTES - 1);
}

function testSm4Gcm(): bool {
  const cipher = new Sm4Gcm();
  cipher.setKey(SM4_KEY);
  for (let run: u32 = 0; run < 8; run++) memory.fill(WORK + run * 8, load<u8>(GCM_RUNS + run), 8);
  cipher.encrypt(GCM_IV, 12, GCM_AAD, 20, WORK, WORK, 64, WORK + 64);
  if (!equalConstantTime(WORK, GCM_CIPHERTEXT, 64) || !equalConstantTime(WORK + 64, GCM_TAG, 16)) return false;
  if (!cipher.decrypt(GCM_IV, 12, GCM_AAD, 20, WORK, WORK, 64, WORK + 64) || load<u8>(WORK + 63) != 0xaa) return false;
  store<u8>(WORK + 79, load<u8>(WORK + 79) ^ 1);
  return !cipher.decrypt(GCM_IV, 12, GCM_AAD, 20, WORK, WORK, 64, WORK + 64);
}

function testAesGcm(): bool {
  const cipher = new AesGcm();
  memory.fill(WORK, 0, 64);
  cipher.setKey(WORK, 32);
  cipher.encrypt(WORK, 12, WORK, 0, WORK, WORK + 32, 16, WORK + 48);
  return equalConstantTime(WORK + 32, AES_CIPHERTEXT, 16) && equalConstantTime(WORK + 48, AES_TAG, 16);
}

/** With a zero IV the first block is the cipher's own vector. */
function testCbc(): bool {
  const cipher = new Sm4Cbc();
  cipher.setKey(SM4_KEY);
  memory.fill(WORK + 64, 0, 16);
  if (cipher.encrypt(WORK + 64, SM4_KEY, 16, WORK) != 32 || !equalConstantTime(WORK, SM4_CIPHERTEXT, 16)) return false;
  return cipher.decrypt(WORK + 64, WORK, 32, WORK) == 16 && equalConstantTime(WORK, SM4_KEY, 16);
}

function testHash(hash: Hash, expected: usize): bool {
  hash.hash(ABC, 3, WORK);
  return equalConstantTime(WORK, expected, 32);
}

function testHmac(): bool {
  const hmac = Hmac.sha256();
  hmac.setKey(HMAC_KEY, 4);
  hmac.update(HMAC_DATA, 28);
  hmac.digest(WORK);
  return equalConstantTime(WORK, HMAC_CODE, 32);
}
