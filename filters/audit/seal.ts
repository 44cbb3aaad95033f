// Seals a value for those who may open it. It opens only as the field of the record that it was sealed for.
import { Gcm, GCM_IV_BYTES, GCM_TAG_BYTES } from '../crypto/gcm';
import { KeyAlgorithm } from '../keys/key-algorithm';
import { KeyHolder, KeyTest, KeyVerdict } from '../keys/key-holder';
import { KeyVersion } from '../keys/key-version';
import { ErrorId } from '../errors.gen';
import { MAX_AUDIT_VALUE_BYTES } from '../limits';
import { BASE64_SLACK_BYTES, base64Length, encodeBase64 } from '../memory/base64';
import { Bytes } from '../memory/bytes';
import { scratch } from '../memory/scratch';
import { Writer } from '../memory/writer';
import { KmsConfig } from '../runtime/config.gen';
import { Exchange } from '../runtime/exchange';
import { Verdict } from '../runtime/stage';
import { EVENT_ID_BYTES } from './identity';
import {
  MEMBER_ALG,
  MEMBER_DATA,
  MEMBER_KEY,
  MEMBER_NONCE,
  MEMBER_VERSION,
  SEALALGORITHM_AES_256_GCM,
  SEALALGORITHM_SM4_GCM,
} from './record.gen';

/** In front of the associated data: what it is sealed for. */
const PURPOSE: string = 'fim audit ';
/** Bytes of a sealed value beside its key's id and the ciphertext. */
export const SEAL_BYTES: u32 = 160;

const IV: usize = memory.data(16, 16);
const SEALED: usize = memory.data(<i32>(MAX_AUDIT_VALUE_BYTES + 64), 16);
const purpose: Writer = new Writer(scratch);

export class Seal extends KeyTest {
  private readonly holder: KeyHolder;
  private readonly algorithm: KeyAlgorithm;

  constructor(
    readonly keyId: Bytes,
    private readonly sm4: bool,
  ) {
    super();
    this.holder = new KeyHolder(keyId);
    this.algorithm = sm4 ? KeyAlgorithm.Sm4 : KeyAlgorithm.Aes256;
  }

  fits(key: KeyVersion): bool {
    return key.algorithm == this.algorithm && key.wrapped.length == 0;
  }

  /** Nothing is verified with these keys. */
  isGenuine(key: KeyVersion): bool {
    return false;
  }

  prepare(kms: KmsConfig, rootId: u32): void {
    this.holder.prepare(kms, rootId, true);
  }

  /** Finds the version: `Reject`, with the reply begun, if there is none. */
  ready(exchange: Exchange): Verdict {
    const verdict = this.holder.newest(exchange, this);
    if (verdict == KeyVerdict.Wait) return Verdict.Wait;
    if (verdict == KeyVerdict.Genuine) return Verdict.Continue;
    exchange.reply.begin(verdict == KeyVerdict.Unavailable ? this.holder.error : ErrorId.FIM_KMS_0009);
    return Verdict.Reject;
  }

  /** Writes the object of a sealed value, of at most MAX_AUDIT_VALUE_BYTES. False: there is no key. */
  write(event: usize, field: Bytes, pointer: usize, length: u32, out: Writer): bool {
    const key = this.holder.key;
    if (key == null || key.retired || length > MAX_AUDIT_VALUE_BYTES) return false;
    const gcm: Gcm | null = this.sm4 ? key.sm4Gcm : key.aes256Gcm;
    if (gcm == null || !key.nextIv(IV)) return false;
    purpose.begin(128);
    purpose.ascii(PURPOSE);
    purpose.bytes(event, EVENT_ID_BYTES);
    purpose.byte(32);
    purpose.bytes(field.pointer, field.length);
    if (purpose.overflowed) return false;
    gcm.encrypt(IV, GCM_IV_BYTES, purpose.pointer, purpose.length, pointer, SEALED, length, SEALED + length);
    out.ascii('{"');
    out.ascii(MEMBER_ALG);
    out.ascii('":"');
    out.ascii(this.sm4 ? SEALALGORITHM_SM4_GCM : SEALALGORITHM_AES_256_GCM);
    out.ascii('"');
    name(out, MEMBER_KEY);
    out.byte(34);
    out.bytes(this.keyId.pointer, this.keyId.length);
    out.byte(34);
    name(out, MEMBER_VERSION);
    out.decimal(key.number);
    name(out, MEMBER_NONCE);
    base64(out, IV, GCM_IV_BYTES);
    name(out, MEMBER_DATA);
    base64(out, SEALED, length + GCM_TAG_BYTES);
    out.byte(125); // }
    return true;
  }
}

function name(out: Writer, text: string): void {
  out.ascii(',"');
  out.ascii(text);
  out.ascii('":');
}

function base64(out: Writer, pointer: usize, length: u32): void {
  out.byte(34);
  const to = out.reserve(base64Length(length) + BASE64_SLACK_BYTES);
  if (to == 0) return;
  encodeBase64(pointer, length, to);
  out.advance(base64Length(length));
  out.byte(34);
}
