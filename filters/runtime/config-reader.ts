import { Ascii } from '../memory/ascii';
import { Bytes } from '../memory/bytes';
import { Parts } from '../memory/parts';
import { scratch } from '../memory/scratch';
import { MessageFormat } from '../message/format';
import { JsonDocument } from '../message/json/document';
import { FieldKind } from '../message/field-tree';
import { IsoSpec } from '../message/iso8583/spec';
import { ErrorId } from '../errors.gen';

/** Most digits that `readInteger` reads. */
const MAX_INTEGER_DIGITS: u32 = 16;

/**
 * Strict reader of a parsed configuration document, for the generated decoders. Nothing throws. The first error is kept
 * with its node and decoding continues with harmless values, so that callers check `failed` once.
 */
export class ConfigReader {
  failed: bool = false;
  /** First error. */
  error: ErrorId = ErrorId.None;
  /** Node of the error. 0: the whole document. */
  errorNode: u32 = 0;
  /** Name of a missing member. */
  errorMember: string = '';
  /** Body format of the current route, while its stages are compiled. */
  format: MessageFormat = MessageFormat.Json;
  /** Specification of its ISO 8583 messages. Null for other formats. */
  iso: IsoSpec | null = null;

  /** `parts`: compiled parts that configurations share, within the document and with the previous one. */
  constructor(
    readonly document: JsonDocument,
    readonly parts: Parts = new Parts(),
  ) {}

  /** Raw text of a value in the document. */
  rawPointer(node: u32): usize {
    return this.document.sourcePointer + this.document.start(node);
  }

  rawLength(node: u32): u32 {
    return this.document.end(node) - this.document.start(node);
  }

  /** Records an error. The first one wins. */
  fail(error: ErrorId, node: u32): void {
    if (this.failed) return;
    this.failed = true;
    this.error = error;
    this.errorNode = node;
  }

  /** Records an error at the member `key` of `object`, or at the object if it does not have it. */
  failMember(error: ErrorId, object: u32, key: string): void {
    let at = object;
    for (let member = this.firstMember(object); member != 0; member = this.nextMember(member)) {
      if (this.keyIs(member, key)) at = member;
    }
    this.fail(error, at);
  }

  /** False, with an error, unless the node is an object. */
  expectObject(node: u32): bool {
    if (this.document.kind(node) == FieldKind.Object) return true;
    this.fail(ErrorId.FIM_CFG_0011, node);
    return false;
  }

  /** First member's value node of an object. 0 ends the iteration. */
  firstMember(node: u32): u32 {
    return this.document.firstChild(node);
  }

  nextMember(member: u32): u32 {
    return this.document.nextSibling(member);
  }

  /** Whether the member's key is the ASCII literal. */
  keyIs(member: u32, key: string): bool {
    const document = this.document;
    return sameText(document.key(member), document.keyLength(member), key);
  }

  /** Whether the string node's text is the ASCII literal. */
  textIs(node: u32, text: string): bool {
    const document = this.document;
    if (document.kind(node) != FieldKind.String) return false;
    const pointer = document.text(node, scratch);
    return pointer != 0 && sameText(pointer, document.textLength, text);
  }

  unknownMember(member: u32): void {
    this.fail(ErrorId.FIM_CFG_0010, member);
  }

  /** Records that a required member `key` is absent from `object`. */
  missing(object: u32, key: string): void {
    if (!this.failed) this.errorMember = key;
    this.fail(ErrorId.FIM_CFG_0012, object);
  }

  /** A string of at most `maxBytes` bytes of UTF-8. Empty after an error. */
  readString(node: u32, maxBytes: u32): Bytes {
    const document = this.document;
    if (document.kind(node) != FieldKind.String) {
      this.fail(ErrorId.FIM_CFG_0011, node);
      return Bytes.EMPTY;
    }
    const pointer = document.text(node, scratch);
    const length = document.textLength;
    if (pointer == 0 || length > maxBytes) {
      this.fail(ErrorId.FIM_CFG_0014, node);
      return Bytes.EMPTY;
    }
    return Bytes.copy(pointer, length);
  }

  /** An integer without fraction or exponent, from `minimum` to `maximum`. `minimum` after an error. */
  readInteger(node: u32, minimum: i64, maximum: i64): i64 {
    const document = this.document;
    if (document.kind(node) != FieldKind.Number) {
      this.fail(ErrorId.FIM_CFG_0011, node);
      return minimum;
    }
    const pointer = document.text(node, scratch);
    const length = document.textLength;
    const negative = length > 0 && load<u8>(pointer) == Ascii.Minus;
    let value: i64 = 0;
    for (let i: u32 = negative ? 1 : 0; i < length; i++) {
      const digit = <u32>load<u8>(pointer + i) - 48;
      if (digit > 9) {
        this.fail(ErrorId.FIM_CFG_0011, node);
        return minimum;
      }
      if (i > MAX_INTEGER_DIGITS) {
        this.fail(ErrorId.FIM_CFG_0013, node);
        return minimum;
      }
      value = value * 10 + digit;
    }
    if (negative) value = -value;
    if (value < minimum || value > maximum) {
      this.fail(ErrorId.FIM_CFG_0013, node);
      return minimum;
    }
    return value;
  }

  readBoolean(node: u32): bool {
    const kind = this.document.kind(node);
    if (kind != FieldKind.True && kind != FieldKind.False) this.fail(ErrorId.FIM_CFG_0011, node);
    return kind == FieldKind.True;
  }

  /** Number of items. 0, with an error, if the node is no array or has more than `maximum`. */
  arrayLength(node: u32, maximum: i32): i32 {
    if (this.document.kind(node) != FieldKind.Array) {
      this.fail(ErrorId.FIM_CFG_0011, node);
      return 0;
    }
    const count = this.document.count(node);
    if (count > <u32>maximum) {
      this.fail(ErrorId.FIM_CFG_0014, node);
      return 0;
    }
    return <i32>count;
  }

  firstItem(node: u32): u32 {
    return this.document.firstChild(node);
  }

  nextItem(item: u32): u32 {
    return this.document.nextSibling(item);
  }
}

function sameText(pointer: usize, length: u32, text: string): bool {
  if (length != <u32>text.length) return false;
  for (let i: u32 = 0; i < length; i++) {
    if (load<u8>(pointer + i) != <u8>load<u16>(changetype<usize>(text) + (i << 1))) return false;
  }
  return true;
}
