// Bench module: what the stage does with a body, and the cipher alone. Compiled to build/test; not part of any filter.
import '../../filters/runtime/abort';
import { KeyAlgorithm } from '../../filters/keys/key-algorithm';
import { KeyVersion } from '../../filters/keys/key-version';
import { Bytes } from '../../filters/memory/bytes';
import { scratch } from '../../filters/memory/scratch';
import { Span } from '../../filters/memory/span';
import { Writer } from '../../filters/memory/writer';
import { MessageFormat } from '../../filters/message/format';
import { layoutOf, profileOf, suiteOf } from '../../filters/sm4-encryptor/catalog';
import { job } from '../../filters/sm4-encryptor/cipher-job';
import { CiphertextLayout, PayloadAlgorithm, WireFormat } from '../../filters/sm4-encryptor/config.gen';
import { Opening } from '../../filters/sm4-encryptor/opening';
import { Parts, Protection } from '../../filters/sm4-encryptor/protection';

const MATERIAL: usize = memory.data<u8>([
  1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16,
]);
const ID: Bytes = Bytes.from('kms://prod/fund/key-2023');
const KID: Bytes = Bytes.from('kms://prod/fund/key-2023#1');
const TAG: usize = memory.data(32, 16);
const IV: usize = memory.data(16, 16);
const AAD: usize = memory.data(64, 16);

const out = new Writer(scratch);
const parts = new Parts();
const text = new Span();
const NO_TYPE = new Span();
let key: KeyVersion | null = null;
let plan: Protection | null = null;
let body: usize = 0;

/** Chooses an algorithm; makes room for bodies of up to `bytes`; returns where the body stands. */
export function choose(algorithm: u32, bytes: u32): usize {
  const aes = algorithm == PayloadAlgorithm.AES_256_GCM;
  key = new KeyVersion(aes ? KeyAlgorithm.Aes256 : KeyAlgorithm.Sm4, 1, KID, MATERIAL, aes ? 32 : 16, 0);
  plan = new Protection(
    ID,
    Bytes.EMPTY,
    suiteOf(algorithm, Bytes.EMPTY),
    layoutOf(CiphertextLayout.ASN1),
    65536,
    MessageFormat.Json,
    false,
  );
  if (body == 0) body = heap.alloc(bytes + 64);
  return body;
}

/** The stage: from the body to the message. */
export function seal(format: u32, length: u32, times: u32): u32 {
  const profile = profileOf(format);
  for (let i: u32 = 0; i < times; i++) {
    scratch.reset();
    out.begin(profile.room(plan!, length));
    if (!profile.seal(plan!, key!, NO_TYPE, text.set(body, length), out)) return 0;
  }
  return out.length;
}

export function sealed(): usize {
  return out.pointer;
}

/**
 * The stage back: the message that stands at the body's place; bytes of the text at `opened()`, -1 if it does not open.
 */
export function open(format: u32, length: u32, times: u32): i32 {
  const profile = profileOf(format);
  for (let i: u32 = 0; i < times; i++) {
    scratch.reset();
    if (profile.read(plan!, body, length, parts) != Opening.Done || profile.open(plan!, key!, parts) != Opening.Done)
      return -1;
  }
  return parts.textLength;
}

export function opened(): usize {
  return parts.text;
}

/** The cipher alone, in place where it can. */
export function cipher(length: u32, times: u32): void {
  const suite = plan!.suite;
  for (let i: u32 = 0; i < times; i++) {
    scratch.reset();
    const to = suite.inPlace ? body : scratch.allocate(suite.sealedBound(length));
    suite.seal(key!, job.set(IV, body, length, to, TAG).bind(AAD, 48));
  }
}
