// Methods under a key of the KMS: keyed hashes, tokens that open again, format-preserving encryption. The stage finds
// the key's version before a message is masked.
import { Hmac } from '../../crypto/hmac';
import { BlockCounter } from '../../crypto/counter';
import { ff1Encrypt, FF1_MAX_NUMERALS, isFf1Domain } from '../../crypto/ff1';
import { Gcm, GCM_IV_BYTES, GCM_TAG_BYTES } from '../../crypto/gcm';
import { KeyHolder, KeyTest } from '../../keys/key-holder';
import { KeyAlgorithm } from '../../keys/key-algorithm';
import { KeyVersion } from '../../keys/key-version';
import { MAX_TOKEN_TEXT_BYTES } from '../../limits';
import { base64UrlLength, encodeBase64Url } from '../../memory/base64url';
import { Bytes } from '../../memory/bytes';
import { Writer } from '../../memory/writer';
import { Check, hasCheckLength, isCheckOf, writeCheck } from './check-character';
import { Method } from './method';

const DIGEST: usize = memory.data(32, 16);
const HASH_BYTES: u32 = 32;

/** A key that methods of a plan use. */
export class MaskKey extends KeyTest {
  readonly holder: KeyHolder;

  constructor(
    readonly id: Bytes,
    readonly algorithm: KeyAlgorithm,
  ) {
    super();
    this.holder = new KeyHolder(id);
  }

  fits(key: KeyVersion): bool {
    return key.algorithm == this.algorithm && key.wrapped.length == 0;
  }

  /** Nothing is verified with these keys. */
  isGenuine(key: KeyVersion): bool {
    return false;
  }
}

/** HMAC-SM3 or HMAC-SHA-256 of the text, 64 hexadecimal digits: equal for equal values. */
export class KeyedHash extends Method {
  constructor(private readonly key: MaskKey) {
    super();
  }

  hide(pointer: usize, length: u32, out: Writer): bool {
    const version = this.key.holder.key;
    if (version == null) return false;
    const hmac: Hmac | null = this.key.algorithm == KeyAlgorithm.HmacSm3 ? version.hmac : version.hmacSha256;
    if (hmac == null) return false;
    hmac.update(pointer, length);
    hmac.digest(DIGEST);
    out.hex(DIGEST, HASH_BYTES);
    return true;
  }
}

/** `fimt1.` in front of tokens: what they are, for whoever finds one. */
const TOKEN_PREFIX: Bytes = Bytes.from('fimt1.');
/** Associated data of tokens, so that no other protected text passes for one. */
const TOKEN_AAD: Bytes = Bytes.from('fim mask token');
/** Bytes of the version's number. */
const VERSION_BYTES: u32 = 4;
const TOKEN: usize = memory.data(<i32>(MAX_TOKEN_TEXT_BYTES + 64), 16);

/**
 * A text that only the key opens: `fimt1.` and base64url of version (4 bytes), initialisation vector (12), ciphertext
 * and tag (16). `deterministic`: the vector is a keyed hash of the text (a synthetic one), so that equal values have
 * equal tokens.
 */
export class Token extends Method {
  constructor(
    private readonly key: MaskKey,
    private readonly deterministic: bool,
  ) {
    super();
  }

  hide(pointer: usize, length: u32, out: Writer): bool {
    const version = this.key.holder.key;
    if (version == null || length > MAX_TOKEN_TEXT_BYTES) return false;
    const gcm: Gcm | null = this.key.algorithm == KeyAlgorithm.Sm4 ? version.sm4Gcm : version.aes256Gcm;
    const mac = version.syntheticIv;
    if (gcm == null || mac == null) return false;
    store<u32>(TOKEN, bswap(version.number));
    const iv = TOKEN + VERSION_BYTES;
    if (this.deterministic) {
      mac.update(pointer, length);
      mac.digest(DIGEST);
      memory.copy(iv, DIGEST, GCM_IV_BYTES);
    } else if (!version.nextIv(iv)) return false;
    const sealed = iv + GCM_IV_BYTES;
    gcm.encrypt(iv, GCM_IV_BYTES, TOKEN_AAD.pointer, TOKEN_AAD.length, pointer, sealed, length, sealed + length);
    const bytes = VERSION_BYTES + GCM_IV_BYTES + length + GCM_TAG_BYTES;
    const size = base64UrlLength(bytes);
    out.bytes(TOKEN_PREFIX.pointer, TOKEN_PREFIX.length);
    const to = out.reserve(size + 16);
    if (to == 0) return false;
    out.advance(encodeBase64Url(TOKEN, bytes, to));
    return true;
  }
}

/** Characters that are enciphered. */
export const enum Alphabet {
  /** 0 to 9. */
  Digits = 0,
  /** 0 to 9, A to Z. */
  Upper = 1,
  /** 0 to 9, A to Z, a to z. */
  Letters = 2,
}

/** Characters of a value that are enciphered. */
export class Form {
  /** `check`: of digits alone, and without `keepLast`, since it is computed anew. */
  constructor(
    readonly alphabet: Alphabet,
    readonly check: Check,
    readonly keepFirst: u32,
    readonly keepLast: u32,
  ) {}
}

const NUMERALS: usize = memory.data(<i32>FF1_MAX_NUMERALS, 16);

/**
 * FF1 on the characters of an alphabet. Blanks and punctuation stay where they are; a value with others, with too many
 * or too few characters (SP 800-38G Rev. 1: a million texts at least) cannot be enciphered.
 */
export class FormatPreserving extends Method {
  constructor(
    private readonly key: MaskKey,
    private readonly tweak: Bytes,
    private readonly form: Form,
  ) {
    super();
  }

  hide(pointer: usize, length: u32, out: Writer): bool {
    const version = this.key.holder.key;
    if (version == null) return false;
    const cipher = cipherOf(version, this.key.algorithm);
    if (cipher == null || !this.isSound(pointer, length)) return false;
    const body = this.form.check == Check.None ? length : length - 1;
    const total = this.places(pointer, body);
    const first = this.form.keepFirst;
    if (first + this.form.keepLast >= total) return false;
    const count = total - first - this.form.keepLast;
    const radix = this.radix;
    if (!isFf1Domain(radix, count)) return false;
    this.take(pointer, body, first, count);
    ff1Encrypt(cipher, radix, this.tweak, NUMERALS, count);
    const begun = out.length;
    this.put(pointer, body, count, out);
    memory.fill(NUMERALS, 0, FF1_MAX_NUMERALS);
    if (this.form.check == Check.None) return true;
    out.byte(48);
    if (!out.overflowed) writeCheck(this.form.check, out.pointer + begun, length);
    return true;
  }

  private get radix(): u32 {
    return this.form.alphabet == Alphabet.Digits ? 10 : this.form.alphabet == Alphabet.Upper ? 36 : 62;
  }

  /** Whether the check character is right, so that it may be computed anew. */
  private isSound(pointer: usize, length: u32): bool {
    if (this.form.check == Check.None) return true;
    return hasCheckLength(this.form.check, length) && isCheckOf(this.form.check, pointer, length);
  }

  /** Number of characters of the alphabet. 0 if there are others than these, blanks and punctuation. */
  private places(pointer: usize, length: u32): u32 {
    let count: u32 = 0;
    for (let i: u32 = 0; i < length; i++) {
      const byte = load<u8>(pointer + i);
      if (this.numeral(byte) >= 0) count++;
      else if (byte >= 0x7f || byte < 32 || isWord(byte)) return 0;
    }
    return count;
  }

  /** Value of a character in the alphabet; negative if it is not in it. */
  private numeral(byte: u32): i32 {
    if (byte - 48 < 10) return <i32>(byte - 48);
    if (this.form.alphabet == Alphabet.Digits) return -1;
    if (byte - 65 < 26) return <i32>(byte - 65 + 10);
    return this.form.alphabet == Alphabet.Letters && byte - 97 < 26 ? <i32>(byte - 97 + 36) : -1;
  }

  private take(pointer: usize, length: u32, first: u32, count: u32): void {
    let place: u32 = 0;
    for (let i: u32 = 0; i < length; i++) {
      const value = this.numeral(load<u8>(pointer + i));
      if (value < 0) continue;
      if (place >= first && place < first + count) store<u8>(NUMERALS + place - first, <u8>value);
      place++;
    }
  }

  private put(pointer: usize, length: u32, count: u32, out: Writer): void {
    const first = this.form.keepFirst;
    let place: u32 = 0;
    for (let i: u32 = 0; i < length; i++) {
      const byte = load<u8>(pointer + i);
      const inside = this.numeral(byte) >= 0;
      if (inside && place >= first && place < first + count) out.byte(letter(load<u8>(NUMERALS + place - first)));
      else out.byte(byte);
      if (inside) place++;
    }
  }
}

function letter(numeral: u32): u8 {
  return <u8>(numeral < 10 ? 48 + numeral : numeral < 36 ? 55 + numeral : 61 + numeral);
}

function isWord(byte: u32): bool {
  return byte - 48 < 10 || (byte | 32) - 97 < 26;
}

function cipherOf(version: KeyVersion, algorithm: KeyAlgorithm): BlockCounter | null {
  if (algorithm == KeyAlgorithm.Sm4) {
    const sm4 = version.sm4Gcm;
    return sm4 == null ? null : sm4.cipher;
  }
  const aes = version.aes256Gcm;
  return aes == null ? null : aes.cipher;
}
