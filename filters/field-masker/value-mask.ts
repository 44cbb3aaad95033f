// Masks for values that another stage tells of, by the rules of this one.
import { ErrorId } from '../errors.gen';
import { KeyVerdict } from '../keys/key-holder';
import { Writer } from '../memory/writer';
import { ConfigReader } from '../runtime/config-reader';
import { KmsConfig } from '../runtime/config.gen';
import { Direction } from '../runtime/direction';
import { Exchange } from '../runtime/exchange';
import { Verdict } from '../runtime/stage';
import { ValueMask, ValueMaskMaker } from '../runtime/value-mask';
import { MaskKeys, compileMask } from './compile-mask';
import { decodeMaskField } from './config.gen';
import { Mask } from './method/mask';

class OneValueMask extends ValueMask {
  constructor(private readonly mask: Mask) {
    super();
  }

  get keyed(): bool {
    return this.mask.key != null;
  }

  prepare(kms: KmsConfig, rootId: u32): void {
    const key = this.mask.key;
    if (key != null) key.holder.prepare(kms, rootId, true);
  }

  ready(exchange: Exchange): Verdict {
    const key = this.mask.key;
    if (key == null) return Verdict.Continue;
    const verdict = key.holder.newest(exchange, key);
    if (verdict == KeyVerdict.Wait) return Verdict.Wait;
    if (verdict == KeyVerdict.Genuine) return Verdict.Continue;
    exchange.reply.begin(verdict == KeyVerdict.Unavailable ? key.holder.error : ErrorId.FIM_KMS_0009);
    return Verdict.Reject;
  }

  hide(pointer: usize, length: u32, out: Writer): void {
    this.mask.text(pointer, length, out);
  }
}

export class OneValueMaskMaker extends ValueMaskMaker {
  make(reader: ConfigReader, node: u32, direction: Direction): ValueMask {
    return new OneValueMask(compileMask(reader, decodeMaskField(reader, node), new MaskKeys(), direction));
  }
}
