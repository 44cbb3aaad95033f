// Compiles how one field is hidden.
import { KeyAlgorithm } from '../keys/key-algorithm';
import { isKeyId } from '../keys/key-id';
import { Bytes } from '../memory/bytes';
import { ConfigReader } from '../runtime/config-reader';
import { ErrorId } from '../errors.gen';
import { Direction } from '../runtime/direction';
import { MaskAlgorithm, MaskAlphabet, MaskCheck, MaskField, MaskKind, MaskMethod, DatePrecision } from './config.gen';
import { KIND_FULL, KIND_KEEP_FIRST, KIND_KEEP_LAST } from './kinds.gen';
import { Check } from './method/check-character';
import { Beside, isMaskCharacter, KeepDomain, KeepEnds, Range } from './method/keep';
import { Alphabet, Form, FormatPreserving, KeyedHash, MaskKey, Token } from './method/keyed';
import { Mask } from './method/mask';
import { Method } from './method/method';
import { CoarseDate, Fixed, RandomShape, Round, Truncate } from './method/rewrite';
import { valuesCounter } from './stats';

/** Keys of a plan, each once. */
export class MaskKeys {
  private readonly keys: MaskKey[] = [];

  of(id: Bytes, algorithm: KeyAlgorithm): MaskKey {
    for (let i = 0; i < this.keys.length; i++) {
      const key = this.keys[i];
      if (key.algorithm == algorithm && key.id.equals(id.pointer, id.length)) return key;
    }
    const key = new MaskKey(id, algorithm);
    this.keys.push(key);
    return key;
  }

  list(): StaticArray<MaskKey> {
    return StaticArray.fromArray(this.keys);
  }
}

/** Compiles the way of an entry. On an error calls `reader.fail`; the mask must then not be used. */
export function compileMask(reader: ConfigReader, field: MaskField, keys: MaskKeys, direction: Direction): Mask {
  if (!isMaskCharacter(field.char)) reader.failMember(ErrorId.FIM_MASK_0004, field.node, 'char');
  const key = keyOf(reader, field, keys);
  const mask = new Mask(field.kind, field.method, methodOf(reader, field, key), field.char);
  mask.key = key;
  if (!reader.failed) mask.counter = valuesCounter(field.kind, field.method, direction);
  return mask;
}

/** The key that a method needs; an error if it is not one of the method's. */
function keyOf(reader: ConfigReader, field: MaskField, keys: MaskKeys): MaskKey | null {
  const method = field.method;
  const keyed = method == MaskMethod.Hash || method == MaskMethod.Token || method == MaskMethod.FormatPreserving;
  if (!keyed) {
    if (field.keyId.length != 0) reader.failMember(ErrorId.FIM_MASK_0007, field.node, 'keyId');
    return null;
  }
  if (!isKeyId(field.keyId)) reader.failMember(ErrorId.FIM_CFG_0017, field.node, 'keyId');
  const algorithm = field.algorithm;
  const fits =
    method == MaskMethod.Hash
      ? algorithm == MaskAlgorithm.HMAC_SM3 || algorithm == MaskAlgorithm.HMAC_SHA_256
      : method == MaskMethod.Token
        ? algorithm == MaskAlgorithm.SM4_GCM || algorithm == MaskAlgorithm.AES_256_GCM
        : algorithm == MaskAlgorithm.FF1_SM4 || algorithm == MaskAlgorithm.FF1_AES_256;
  if (!fits) reader.failMember(ErrorId.FIM_MASK_0007, field.node, 'algorithm');
  return keys.of(field.keyId, keyAlgorithm(algorithm));
}

function keyAlgorithm(algorithm: MaskAlgorithm): KeyAlgorithm {
  switch (algorithm) {
    case MaskAlgorithm.HMAC_SM3:
      return KeyAlgorithm.HmacSm3;
    case MaskAlgorithm.HMAC_SHA_256:
      return KeyAlgorithm.HmacSha256;
    case MaskAlgorithm.SM4_GCM:
    case MaskAlgorithm.FF1_SM4:
      return KeyAlgorithm.Sm4;
  }
  return KeyAlgorithm.Aes256;
}

function methodOf(reader: ConfigReader, field: MaskField, key: MaskKey | null): Method {
  const char = field.char;
  switch (field.method) {
    case MaskMethod.Full:
    case MaskMethod.Remove:
    case MaskMethod.Null:
      return new KeepEnds(0, 0, char);
    case MaskMethod.KeepRange:
    case MaskMethod.HideRange:
      if (field.from < 1 || field.from > field.to) reader.failMember(ErrorId.FIM_MASK_0007, field.node, 'to');
      return new Range(field.from, field.to, field.method == MaskMethod.KeepRange, char);
    case MaskMethod.HideBefore:
    case MaskMethod.HideAfter:
      if (field.separator.length == 0) reader.failMember(ErrorId.FIM_MASK_0007, field.node, 'separator');
      return new Beside(field.separator, field.method == MaskMethod.HideBefore, char);
    case MaskMethod.Replace:
      if (hasControls(field.with)) reader.failMember(ErrorId.FIM_MASK_0007, field.node, 'with');
      return new Fixed(field.with);
    case MaskMethod.Truncate:
      if (field.length < 1) reader.failMember(ErrorId.FIM_MASK_0007, field.node, 'length');
      return new Truncate(field.length);
    case MaskMethod.Random:
      return new RandomShape(checkOf(field.check), char);
    case MaskMethod.Date:
      return new CoarseDate(field.precision == DatePrecision.Month);
    case MaskMethod.Round:
      if (field.step < 1) reader.failMember(ErrorId.FIM_MASK_0007, field.node, 'step');
      return new Round(<u64>max(field.step, 1));
  }
  return key == null ? keepOf(field) : keyedMethod(reader, field, key);
}

/** All but the ends, by the field or by its kind. */
function keepOf(field: MaskField): Method {
  const kind = field.kind;
  const own = field.keepFirst >= 0 || field.keepLast >= 0;
  const full = field.method == MaskMethod.ByKind && !own && load<u8>(KIND_FULL + kind) != 0;
  const first = full ? 0 : field.keepFirst < 0 ? <u32>load<u8>(KIND_KEEP_FIRST + kind) : <u32>field.keepFirst;
  const last = full ? 0 : field.keepLast < 0 ? <u32>load<u8>(KIND_KEEP_LAST + kind) : <u32>field.keepLast;
  if (!full && kind == MaskKind.Email) return new KeepDomain(first, last, field.char);
  return new KeepEnds(first, last, field.char);
}

function keyedMethod(reader: ConfigReader, field: MaskField, key: MaskKey): Method {
  if (field.method == MaskMethod.Hash) return new KeyedHash(key);
  if (field.method == MaskMethod.Token) return new Token(key, field.deterministic);
  if (field.check != MaskCheck.None && (field.alphabet != MaskAlphabet.Digits || field.keepLast > 0))
    reader.failMember(ErrorId.FIM_MASK_0007, field.node, 'check');
  const form = new Form(
    <Alphabet>field.alphabet,
    checkOf(field.check),
    max(field.keepFirst, 0),
    max(field.keepLast, 0),
  );
  return new FormatPreserving(key, field.tweak, form);
}

function checkOf(check: MaskCheck): Check {
  return check == MaskCheck.Luhn ? Check.Luhn : check == MaskCheck.IdCard ? Check.IdCard : Check.None;
}

function hasControls(text: Bytes): bool {
  for (let i: u32 = 0; i < text.length; i++) if (load<u8>(text.pointer + i) < 32) return true;
  return false;
}
