// Algorithms and profiles by their configuration names. Each is one object for the whole VM.
import { Sm2Layout } from '../crypto/sm2';
import { Bytes } from '../memory/bytes';
import { CiphertextLayout, PayloadAlgorithm, WireFormat } from './config.gen';
import { Compact } from './compact';
import { Base64, Hex, Raw } from './concatenation';
import { FimJson } from './fim-json';
import { WireProfile } from './protection';
import { Segmented } from './segmented';
import { Suite } from './suite';
import { Aes256GcmSuite, Sm4GcmSuite } from './suite-gcm';
import { CbcHmacSuite, CtrHmacSuite } from './suite-mac';
import { PlainCbcSuite, PlainEcbSuite } from './suite-plain';
import { EnvelopeSuite, Sm2Suite } from './suite-sm2';

const SM4_GCM: Suite = new Sm4GcmSuite();
const AES_256_GCM: Suite = new Aes256GcmSuite();
const CBC_HMAC: Suite = new CbcHmacSuite();
const CTR_HMAC: Suite = new CtrHmacSuite();
const ENVELOPE: Suite = new EnvelopeSuite();
const SM2: Suite = new Sm2Suite();

const PLAIN_CBC: Suite = new PlainCbcSuite(Bytes.EMPTY);
const PLAIN_ECB: Suite = new PlainEcbSuite();

const FIM_JSON: WireProfile = new FimJson();
const COMPACT: WireProfile = new Compact();
const RAW: WireProfile = new Raw();
const HEX: WireProfile = new Hex();
const BASE64: WireProfile = new Base64();
const SEGMENTED: WireProfile = new Segmented();

/** `iv`: that of every message, of SM4-CBC-UNAUTHENTICATED alone; empty: each has its own. */
export function suiteOf(algorithm: PayloadAlgorithm, iv: Bytes): Suite {
  switch (algorithm) {
    case PayloadAlgorithm.AES_256_GCM:
      return AES_256_GCM;
    case PayloadAlgorithm.SM4_CBC_HMAC_SM3:
      return CBC_HMAC;
    case PayloadAlgorithm.SM4_CTR_HMAC_SM3:
      return CTR_HMAC;
    case PayloadAlgorithm.SM2_ENVELOPE:
      return ENVELOPE;
    case PayloadAlgorithm.SM2:
      return SM2;
    case PayloadAlgorithm.SM4_CBC_UNAUTHENTICATED:
      return iv.length == 0 ? PLAIN_CBC : new PlainCbcSuite(iv);
    case PayloadAlgorithm.SM4_ECB_UNAUTHENTICATED:
      return PLAIN_ECB;
    default:
      return SM4_GCM;
  }
}

export function profileOf(format: WireFormat): WireProfile {
  switch (format) {
    case WireFormat.compact:
      return COMPACT;
    case WireFormat.raw:
      return RAW;
    case WireFormat.hex:
      return HEX;
    case WireFormat.base64:
      return BASE64;
    case WireFormat.segmented:
      return SEGMENTED;
    default:
      return FIM_JSON;
  }
}

export function layoutOf(layout: CiphertextLayout): Sm2Layout {
  switch (layout) {
    case CiphertextLayout.C1C3C2:
      return Sm2Layout.C1C3C2;
    case CiphertextLayout.C1C2C3:
      return Sm2Layout.C1C2C3;
    case CiphertextLayout.C1C3C2_Bare:
      return Sm2Layout.C1C3C2Bare;
    case CiphertextLayout.C1C2C3_Bare:
      return Sm2Layout.C1C2C3Bare;
    default:
      return Sm2Layout.Asn1;
  }
}

/** Whether nothing authenticates what is encrypted. */
export function isPlain(algorithm: PayloadAlgorithm): bool {
  return algorithm == PayloadAlgorithm.SM4_CBC_UNAUTHENTICATED || algorithm == PayloadAlgorithm.SM4_ECB_UNAUTHENTICATED;
}

/**
 * Whether a profile can carry the algorithm's messages. Not a wrapped key without a place for it, and not SM2 on whole
 * bodies where a key and a tag are named.
 */
export function fitTogether(algorithm: PayloadAlgorithm, format: WireFormat): bool {
  const plain = format == WireFormat.raw || format == WireFormat.hex || format == WireFormat.base64;
  if (algorithm == PayloadAlgorithm.SM2 || isPlain(algorithm)) return plain;
  return algorithm != PayloadAlgorithm.SM2_ENVELOPE || !plain;
}
