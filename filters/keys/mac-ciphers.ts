// Encrypt-then-MAC under one key of the KMS. Each algorithm has a cipher key and a MAC key of its own, derived by
// HKDF-SM3 (RFC 5869 with GB/T 32905) without salt. `info` is `fim ALGORITHM encrypt` (16 bytes) and `fim ALGORITHM
// mac` (32 bytes), so that no key serves two algorithms or two purposes.
import { wipe } from '../crypto/constant-time';
import { Ctr } from '../crypto/counter';
import { Hmac } from '../crypto/hmac';
import { hkdfExpand, hkdfExtract } from '../crypto/kdf';
import { Sm4Cbc } from '../crypto/sm4-cbc';
import { Sm4Counter } from '../crypto/sm4-ctr';
import { Bytes } from '../memory/bytes';
import { SM4_KEY_BYTES } from './key-algorithm';

/** Bytes of a derived MAC key. */
const MAC_KEY_BYTES: u32 = 32;

const CBC_ENCRYPT: Bytes = Bytes.from('fim SM4-CBC-HMAC-SM3 encrypt');
const CBC_MAC: Bytes = Bytes.from('fim SM4-CBC-HMAC-SM3 mac');
const CTR_ENCRYPT: Bytes = Bytes.from('fim SM4-CTR-HMAC-SM3 encrypt');
const CTR_MAC: Bytes = Bytes.from('fim SM4-CTR-HMAC-SM3 mac');
const SYNTHETIC_IV: Bytes = Bytes.from('fim mask token iv');

const EXTRACTED: usize = memory.data(32, 16);
const DERIVED: usize = memory.data(32, 16);
const hmac: Hmac = Hmac.sm3();

function derive(material: usize, length: u32, info: Bytes, bytes: u32): void {
  hkdfExtract(hmac, 0, 0, material, length, EXTRACTED);
  hkdfExpand(hmac, EXTRACTED, 32, info.pointer, info.length, DERIVED, bytes);
  hmac.wipe();
  wipe(EXTRACTED, 32);
}

/** SM4-CBC-HMAC-SM3 under one key: both parts keyed. 12.5 KiB and a hash. */
export class CbcHmac {
  readonly cipher: Sm4Cbc = new Sm4Cbc();
  readonly mac: Hmac = Hmac.sm3();

  /** `material`: the KMS's key, which is not kept. */
  constructor(material: usize, length: u32) {
    derive(material, length, CBC_ENCRYPT, SM4_KEY_BYTES);
    this.cipher.setKey(DERIVED);
    derive(material, length, CBC_MAC, MAC_KEY_BYTES);
    this.mac.setKey(DERIVED, MAC_KEY_BYTES);
    wipe(DERIVED, 32);
  }

  wipe(): void {
    this.cipher.wipe();
    this.mac.wipe();
  }
}

/** SM4-CTR-HMAC-SM3 under one key: both parts keyed. 6.3 KiB and a hash. */
export class CtrHmac {
  readonly cipher: Sm4Counter = new Sm4Counter();
  /** The cipher in counter mode, one message at a time. Interleaved streams need one each, over `cipher`. */
  readonly ctr: Ctr = new Ctr(this.cipher);
  readonly mac: Hmac = Hmac.sm3();

  /** `material`: the KMS's key, which is not kept. */
  constructor(material: usize, length: u32) {
    derive(material, length, CTR_ENCRYPT, SM4_KEY_BYTES);
    this.cipher.setKey(DERIVED);
    derive(material, length, CTR_MAC, MAC_KEY_BYTES);
    this.mac.setKey(DERIVED, MAC_KEY_BYTES);
    wipe(DERIVED, 32);
  }

  wipe(): void {
    this.cipher.wipe();
    this.mac.wipe();
  }
}

/** HMAC-SM3 under a key of its own, whose first bytes are the vector of a text's token. `material`: of the KMS's key. */
export function syntheticIvOf(material: usize, length: u32): Hmac {
  const mac = Hmac.sm3();
  derive(material, length, SYNTHETIC_IV, MAC_KEY_BYTES);
  mac.setKey(DERIVED, MAC_KEY_BYTES);
  wipe(DERIVED, 32);
  return mac;
}
