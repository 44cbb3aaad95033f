// One field of messages that records hold, compiled.
import { Ascii } from '../memory/ascii';
import { ErrorId } from '../errors.gen';
import { isKeyId } from '../keys/key-id';
import { MAX_AUDIT_VALUE_BYTES } from '../limits';
import { Bytes } from '../memory/bytes';
import { scratch } from '../memory/scratch';
import { Writer } from '../memory/writer';
import { ConfigReader } from '../runtime/config-reader';
import { KmsConfig } from '../runtime/config.gen';
import { Direction } from '../runtime/direction';
import { Exchange } from '../runtime/exchange';
import { Verdict } from '../runtime/stage';
import { ValueMask, valueMaskMaker } from '../runtime/value-mask';
import { AuditDataConfig, AuditSealAlgorithm } from './config.gen';
import { copyPlain } from './plain-text';
import { SEAL_BYTES, Seal } from './seal';

/** `"…":"***",` around a name. */
const LEAST_BYTES: u32 = 10;
/** Stands for what cannot be masked or sealed as asked. */
const HIDDEN: string = '"***"';
const KEYLESS: string = '"(no key)"';

/** Where a field stands. */
export const enum Place {
  Body = 0,
  Header = 1,
  Parameter = 2,
}

export class DataField {
  readonly as: Bytes;
  readonly place: Place;
  /** Of a header or parameter. */
  readonly name: Bytes;
  readonly direction: Direction;
  /** Its number among the rules of its direction's bodies. */
  rule: u32 = 0;
  private readonly mask: ValueMask | null;
  private readonly seal: Seal | null;
  private readonly hidden: Writer = new Writer(scratch);

  /** On an error calls `reader.fail`. */
  constructor(reader: ConfigReader, config: AuditDataConfig) {
    const place =
      config.header.length != 0 ? Place.Header : config.parameter.length != 0 ? Place.Parameter : Place.Body;
    this.as = config.as;
    this.direction = config.response ? Direction.Response : Direction.Request;
    this.place = place;
    this.name = place == Place.Header ? config.header : config.parameter;
    const sealed = config.keyId.length != 0;
    if (sealed && !isKeyId(config.keyId)) reader.failMember(ErrorId.FIM_CFG_0017, config.node, 'keyId');
    if (placesOf(config) != 1 || sealed == (config.mask != 0) || !isName(config.as))
      reader.fail(ErrorId.FIM_CFG_0012, config.node);
    const maker = valueMaskMaker();
    let mask: ValueMask | null = null;
    if (config.mask != 0 && !reader.failed && maker != null) mask = maker.make(reader, config.mask, this.direction);
    this.mask = mask;
    this.seal = sealed ? new Seal(config.keyId, config.algorithm == AuditSealAlgorithm.SM4_GCM) : null;
  }

  get keyed(): bool {
    const mask = this.mask;
    return this.seal != null || (mask != null && mask.keyed);
  }

  prepare(kms: KmsConfig, rootId: u32): void {
    const seal = this.seal;
    const mask = this.mask;
    if (seal != null) seal.prepare(kms, rootId);
    else if (mask != null) mask.prepare(kms, rootId);
  }

  /** Finds the version of its key: `Reject`, with the reply begun, if there is none. */
  ready(exchange: Exchange): Verdict {
    const seal = this.seal;
    const mask = this.mask;
    return seal != null ? seal.ready(exchange) : mask != null ? mask.ready(exchange) : Verdict.Continue;
  }

  /** Bytes of its member at least, with the comma. */
  get leastBytes(): u32 {
    return this.as.length + LEAST_BYTES + <u32>KEYLESS.length;
  }

  /** Bytes of its member at most, beyond the least. */
  get mostBytes(): u32 {
    const seal = this.seal;
    return seal == null ? MAX_AUDIT_VALUE_BYTES * 2 : SEAL_BYTES + seal.keyId.length + (MAX_AUDIT_VALUE_BYTES * 3) / 2;
  }

  get sealed(): bool {
    return this.seal != null;
  }

  /** Adds one of its values as it is masked. */
  hide(pointer: usize, length: u32, out: Writer): void {
    const mask = this.mask;
    if (mask != null) mask.hide(pointer, length, out);
  }

  /** Writes the member of all its values together: plain ones of a sealed field, else masked ones. */
  write(event: usize, values: Writer, out: Writer): void {
    this.begin(out);
    const length = values.length;
    const seal = this.seal;
    const mark = out.length;
    if (values.overflowed || length > (seal == null ? MAX_AUDIT_VALUE_BYTES * 2 : MAX_AUDIT_VALUE_BYTES)) {
      out.ascii(HIDDEN);
      return;
    }
    if (seal != null) {
      if (seal.write(event, this.as, values.pointer, length, out)) return;
      out.rewind(mark);
      out.ascii(HIDDEN);
      return;
    }
    this.hidden.begin(length + 16);
    const to = this.hidden.reserve(length);
    if (to == 0) return;
    copyPlain(to, values.pointer, length);
    out.byte(34);
    out.jsonText(to, length);
    out.byte(34);
  }

  /** Writes the member of a value that is hidden whole. */
  writeHidden(out: Writer): void {
    this.begin(out);
    out.ascii(HIDDEN);
  }

  /** Writes the member of a value whose key is not to be had. */
  writeKeyless(out: Writer): void {
    this.begin(out);
    out.ascii(KEYLESS);
  }

  private begin(out: Writer): void {
    out.byte(34);
    out.bytes(this.as.pointer, this.as.length);
    out.ascii('":');
  }
}

function placesOf(config: AuditDataConfig): i32 {
  return (
    <i32>(config.path.length != 0) +
    <i32>(config.name.length != 0) +
    <i32>(config.header.length != 0) +
    <i32>(config.parameter.length != 0)
  );
}

/** Whether a name needs no escapes and no quotes. */
function isName(text: Bytes): bool {
  for (let i: u32 = 0; i < text.length; i++) {
    const byte = <u32>load<u8>(text.pointer + i);
    const letter = (byte | 32) - 97 < 26 || byte - 48 < 10;
    if (!letter && byte != Ascii.Minus && byte != Ascii.Point && byte != Ascii.Underscore) return false;
  }
  return text.length != 0;
}
