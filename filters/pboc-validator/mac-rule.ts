// Checks the message authentication code of a message with a key of the KMS. The code is in element 64 or 128 of ISO
// 8583, or in a header for the whole body.
import { isMacKeyLength, leastBytes, Mac, MacAlgorithm, mostBytes } from '../crypto/mac';
import { KeyAlgorithm } from '../keys/key-algorithm';
import { KeyHolder, KeyTest, KeyVerdict } from '../keys/key-holder';
import { KeyVersion } from '../keys/key-version';
import { decodeBase64 } from '../memory/base64';
import { Bytes } from '../memory/bytes';
import { decodeHex } from '../memory/hex';
import { encodedBytes } from '../message/iso8583/element-format';
import { IsoEncoding, IsoFormat, IsoSpec, rowEncoding, rowFormat, rowMost, rowPrefix } from '../message/iso8583/spec';
import { ErrorId } from '../errors.gen';
import { Exchange } from '../runtime/exchange';
import { Message } from '../runtime/message';
import {
  PbocMac,
  PbocMacAlgorithm,
  PbocMacCoverage,
  PbocMacEncoding,
  PbocMacNormalisation,
  PbocPlace,
} from './config.gen';
import { MacElements, macText, macTextLength } from './mac-elements';

/** Last elements of messages with one bitmap and with two. They hold the codes. */
const FIRST_MAC: u32 = 64;
const SECOND_MAC: u32 = 128;
const FIRST_POINTER: Bytes = Bytes.from('/DE64');
const SECOND_POINTER: Bytes = Bytes.from('/DE128');

/** Longest written code, bytes: HMAC-SM3 in hexadecimal digits. */
const LONGEST_TEXT_BYTES: u32 = 64;
const CODE: usize = memory.data(64, 16);

/** Keyed for each message and wiped afterwards. */
const mac: Mac = new Mac();

/** Code that a route requires of its messages. */
export class MacRule extends KeyTest {
  error: ErrorId = ErrorId.None;
  /** Expected place of the code: JSON Pointer, or name of the header. */
  pointer: Bytes = FIRST_POINTER;
  readonly place: PbocPlace;
  readonly keys: KeyHolder;
  private readonly algorithm: MacAlgorithm;
  private readonly header: Bytes;
  /** Null: the whole message. */
  private readonly elements: MacElements | null;

  // Code of the current message as bytes, and the data that it covers.
  private code: usize = 0;
  private codeLength: u32 = 0;
  private covered: usize = 0;
  private coveredLength: u32 = 0;

  constructor(private readonly config: PbocMac) {
    super();
    this.keys = new KeyHolder(config.keyId, 128, true);
    this.algorithm = algorithmOf(config.algorithm);
    this.header = config.header;
    this.elements = elementsOf(config);
    this.place = config.header.length == 0 ? PbocPlace.Body : PbocPlace.Header;
  }

  /**
   * Tests the code of the message. Genuine: it is correct, or absent and not required. Wrong: `error` is the reason, at
   * `pointer` of `place`. Otherwise the key or memory is missing and nothing is known: `keys.error`.
   */
  judge(exchange: Exchange, message: Message): KeyVerdict {
    this.error = this.place == PbocPlace.Header ? this.findHeader(exchange, message) : this.findElement(message);
    if (this.error == ErrorId.FIM_PBOC_0005 && !this.config.required) return KeyVerdict.Genuine;
    if (this.error == ErrorId.FIM_RT_0006) {
      this.keys.error = this.error;
      return KeyVerdict.Unavailable;
    }
    if (this.error != ErrorId.None) return KeyVerdict.Wrong;
    this.error = ErrorId.FIM_ISO_0009;
    return this.keys.judge(exchange, this);
  }

  /** Finds the code in the last element, and the covered message from its type up to there. */
  private findElement(message: Message): ErrorId {
    const iso = message.iso8583;
    if (iso == null) return ErrorId.FIM_ISO_0009;
    const element = iso.has(SECOND_MAC) ? SECOND_MAC : FIRST_MAC;
    this.pointer = element == FIRST_MAC ? FIRST_POINTER : SECOND_POINTER;
    const code = iso.value(element);
    if (code == 0) return ErrorId.FIM_PBOC_0005;
    const elements = this.elements;
    if (elements == null) {
      this.covered = iso.messageStart;
      this.coveredLength = <u32>(code - iso.messageStart);
    } else if (elements.write(iso)) {
      this.covered = macText();
      this.coveredLength = macTextLength();
    } else return ErrorId.FIM_RT_0006;
    return this.read(code, <u32>(message.pointer + message.length - code));
  }

  /** Finds the code in the header. It covers the body. */
  private findHeader(exchange: Exchange, message: Message): ErrorId {
    const name = this.header;
    this.pointer = name;
    if (!exchange.header(name.pointer, name.length)) return ErrorId.FIM_PBOC_0005;
    if (exchange.hasTwice(name.pointer, name.length)) return ErrorId.FIM_PBOC_0033;
    if (!exchange.header(name.pointer, name.length)) return ErrorId.FIM_PBOC_0005;
    this.covered = message.pointer;
    this.coveredLength = message.length;
    return this.read(exchange.valuePointer, exchange.valueLength);
  }

  /** Whether a code in an element of the specification can be genuine: its length is one that the algorithm allows. */
  fitsElements(spec: IsoSpec): bool {
    return this.fitsElement(spec.row(FIRST_MAC)) || this.fitsElement(spec.row(SECOND_MAC));
  }

  private fitsElement(row: u32): bool {
    const isHex = this.config.encoding == PbocMacEncoding.Hex;
    if (row == 0 || !(holdsBytes(row) || (holdsDigits(row) && (isHex || this.isDigits)))) return false;
    const most = encodedBytes(rowFormat(row), rowEncoding(row), rowMost(row));
    const least = rowPrefix(row) == 0 ? most : 0;
    for (let bytes = leastBytes(this.algorithm); bytes <= mostBytes(this.algorithm); bytes++) {
      const digits = bytes << 1;
      if (isHex && least <= digits && digits <= most) return true;
      if ((!isHex || this.isDigits) && least <= bytes && bytes <= most) return true;
    }
    return false;
  }

  /** Whether the code is digits of itself, before it is written in an encoding. */
  private get isDigits(): bool {
    return this.algorithm == MacAlgorithm.UnionPayEcb || this.algorithm == MacAlgorithm.UnionPayEcbSm4;
  }

  /** Decodes the code. */
  private read(text: usize, length: u32): ErrorId {
    this.code = text;
    this.codeLength = length;
    if (this.config.encoding == PbocMacEncoding.Binary) return ErrorId.None;
    if (length == 0 || length > LONGEST_TEXT_BYTES) return ErrorId.FIM_ISO_0009;
    if (this.isDigits && length == mostBytes(this.algorithm)) {
      // Eight digits are the code as it stands; sixteen are the digits of its bytes.
      for (let i: u32 = 0; i < length; i++) store<u8>(CODE + i, capital(load<u8>(text + i)));
      this.code = CODE;
      return ErrorId.None;
    }
    const bytes =
      this.config.encoding == PbocMacEncoding.Hex ? decodeHex(text, length, CODE) : decodeBase64(text, length, CODE);
    if (bytes < 0) return ErrorId.FIM_ISO_0009;
    this.code = CODE;
    this.codeLength = <u32>bytes;
    return ErrorId.None;
  }

  /** Whether the key fits the algorithm. */
  fits(key: KeyVersion): bool {
    return key.algorithm == keyAlgorithmOf(this.algorithm) && isMacKeyLength(this.algorithm, key.materialLength);
  }

  /** The time depends on lengths only. */
  isGenuine(key: KeyVersion): bool {
    mac.setKey(this.algorithm, key.material, key.materialLength);
    mac.update(this.covered, this.coveredLength);
    const genuine = mac.verify(this.code, this.codeLength);
    mac.wipe();
    return genuine;
  }
}

/** Whether an element takes any byte. */
function holdsBytes(row: u32): bool {
  const format = rowFormat(row);
  if (format == IsoFormat.Binary) return rowEncoding(row) == IsoEncoding.Binary;
  return format == IsoFormat.Mixed && rowEncoding(row) == IsoEncoding.Ascii;
}

/** Whether an element takes hexadecimal digits in ASCII. */
function holdsDigits(row: u32): bool {
  const format = rowFormat(row);
  const encoding = rowEncoding(row);
  if (format == IsoFormat.Binary) return encoding == IsoEncoding.Hex;
  return (format == IsoFormat.Alphanumeric || format == IsoFormat.Special) && encoding == IsoEncoding.Ascii;
}

/** The capital of a small letter of hexadecimal digits; anything else as it is. */
function capital(byte: u8): u8 {
  return <u8>(byte - 97) < 6 ? byte - 32 : byte;
}

function elementsOf(config: PbocMac): MacElements | null {
  if (config.covers == PbocMacCoverage.Message) return null;
  const numbers = new StaticArray<u32>(config.elements.length);
  for (let i = 0; i < numbers.length; i++) numbers[i] = <u32>config.elements[i];
  return new MacElements(
    numbers,
    config.covers == PbocMacCoverage.UnionPaySwitch ? PbocMacNormalisation.UnionPay : config.normalisation,
  );
}

function algorithmOf(named: PbocMacAlgorithm): MacAlgorithm {
  switch (named) {
    case PbocMacAlgorithm.ANSI_X9_9:
      return MacAlgorithm.AnsiX99;
    case PbocMacAlgorithm.ANSI_X9_19:
      return MacAlgorithm.AnsiX919;
    case PbocMacAlgorithm.UNIONPAY_ECB:
      return MacAlgorithm.UnionPayEcb;
    case PbocMacAlgorithm.UNIONPAY_ECB_SM4:
      return MacAlgorithm.UnionPayEcbSm4;
    case PbocMacAlgorithm.HMAC_SM3:
      return MacAlgorithm.HmacSm3;
    default:
      return MacAlgorithm.Sm4Cbc;
  }
}

function keyAlgorithmOf(algorithm: MacAlgorithm): KeyAlgorithm {
  if (algorithm == MacAlgorithm.HmacSm3) return KeyAlgorithm.HmacSm3;
  return algorithm == MacAlgorithm.Sm4Cbc || algorithm == MacAlgorithm.UnionPayEcbSm4
    ? KeyAlgorithm.Sm4
    : KeyAlgorithm.Tdes;
}
