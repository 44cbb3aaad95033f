// The message authentication code of an ISO 8583 message, element 64 or 128, with a key of the KMS.
import { Mac, MacAlgorithm } from '../crypto/mac';
import { KeyAlgorithm } from '../keys/key-algorithm';
import { KeyRing } from '../keys/key-ring';
import { KeyState } from '../keys/key-state';
import { keyRing } from '../keys/key-store';
import { IsoTree } from '../message/iso8583/iso-tree';
import { ErrorId } from '../errors.gen';
import { KmsConfig } from '../runtime/config.gen';
import { Exchange } from '../runtime/exchange';
import { PbocMac, PbocMacAlgorithm } from './config.gen';

/** Last elements of messages with one bitmap and with two: the codes. */
const FIRST_MAC: u32 = 64;
const SECOND_MAC: u32 = 128;

/** Keyed for each message and wiped after it. */
const mac: Mac = new Mac();

/** What the test of a message's code answers. */
export const enum MacJudgement {
  /** The code is right, or there is none and none is asked for. */
  Fine = 0,
  /** `error` says why, at `element`. */
  Wrong = 1,
  /** The key is being fetched: the stream will be resumed. */
  Wait = 2,
  /** There is no key: nothing is known. */
  NoKey = 3,
}

/** The code that a route asks of its messages, from the message type up to the element that holds it. */
export class MacRule {
  error: ErrorId = ErrorId.None;
  element: u32 = 0;
  private ring: KeyRing | null = null;
  private readonly algorithm: MacAlgorithm;

  constructor(private readonly config: PbocMac) {
    this.algorithm = config.algorithm == PbocMacAlgorithm.UNIONPAY_ECB_SM4 ? MacAlgorithm.UnionPayEcbSm4 : MacAlgorithm.Sm4Cbc;
  }

  keys(kms: KmsConfig): KeyRing {
    const known = this.ring;
    if (known != null && !known.dropped) return known;
    const ring = keyRing(this.config.keyId, kms);
    this.ring = ring;
    return ring;
  }

  /** Tests the code of a message that ends at `end`. */
  judge(exchange: Exchange, message: IsoTree, end: usize): MacJudgement {
    this.element = message.has(SECOND_MAC) ? SECOND_MAC : FIRST_MAC;
    const code = message.value(this.element);
    if (code == 0) {
      this.error = ErrorId.FIM_PBOC_0005;
      return this.config.required ? MacJudgement.Wrong : MacJudgement.Fine;
    }
    const kms = exchange.kms;
    if (kms == null) return MacJudgement.NoKey;
    const ring = this.keys(kms);
    const state = ring.newest(exchange);
    if (state == KeyState.Pending) return MacJudgement.Wait;
    const key = ring.found;
    if (state != KeyState.Ready || key == null || key.algorithm != KeyAlgorithm.Sm4) return MacJudgement.NoKey;
    this.error = ErrorId.FIM_ISO_0009;
    if (!mac.setKey(this.algorithm, key.material, key.materialLength)) return MacJudgement.NoKey;
    mac.update(message.messageStart, <u32>(code - message.messageStart));
    const genuine = mac.verify(code, <u32>(end - code));
    mac.wipe();
    return genuine ? MacJudgement.Fine : MacJudgement.Wrong;
  }
}
