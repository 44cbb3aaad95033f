// Input of a code over chosen elements. UnionPay's switch takes the message type and some elements, separated by one
// space. Elements with a length prefix include it. Small letters become capitals. Characters other than letters,
// digits, space, comma and point are omitted. Leading and trailing spaces are omitted, and several spaces become one.
// Element 90 contributes its first 20 digits.
import { Ascii } from '../memory/ascii';
import { FieldKind } from '../message/field-tree';
import { IsoTree } from '../message/iso8583/iso-tree';
import { scratch } from '../memory/scratch';
import { Writer } from '../memory/writer';
import { PbocMacNormalisation } from './config.gen';

/** Element number that stands for the message type. */
export const MESSAGE_TYPE: u32 = 0;
/** Original data elements. The switch uses the first digits: type, trace number and time of the original. */
const ORIGINAL_DATA: u32 = 90;
const ORIGINAL_DATA_CHARACTERS: u32 = 20;

/** Elements of all messages except those that carry a new key (from other projects' code: see README). */
const OF_MESSAGES: StaticArray<u32> = [0, 2, 3, 4, 7, 11, 18, 25, 28, 32, 33, 38, 39, 41, 42, 90, 102, 103];
/** Elements of messages 0800 and 0810, whose code is made with the new key. */
const OF_KEY_MESSAGES: StaticArray<u32> = [0, 7, 11, 39, 53, 70, 100];

const SPACE: u8 = 32;
const FIRST_BYTES: usize = 512;

const text: Writer = new Writer(scratch);
const digits: Writer = new Writer(scratch);
/** Whether the next character must be preceded by a space. */
let spaceDue: bool = false;

/** Elements that a code covers. Immutable. */
export class MacElements {
  /** `elements`: their numbers in order. Empty: those of UnionPay's switch. */
  constructor(
    private readonly elements: StaticArray<u32>,
    private readonly normalisation: PbocMacNormalisation,
  ) {}

  /** Writes the covered text of the message to `macText()`. False if out of memory. */
  write(iso: IsoTree): bool {
    text.begin(FIRST_BYTES);
    spaceDue = false;
    const listed = this.elements.length == 0 ? ofSwitch(iso) : this.elements;
    for (let i = 0; i < listed.length; i++) {
      const element = unchecked(listed[i]);
      if (element != MESSAGE_TYPE && !iso.has(element)) continue;
      if (this.normalisation == PbocMacNormalisation.UnionPay) normalised(iso, element);
      else asSent(iso, element);
    }
    return !text.overflowed;
  }
}

export function macText(): usize {
  return text.pointer;
}

export function macTextLength(): u32 {
  return text.length;
}

/** Elements that the switch covers for the message's type. */
function ofSwitch(iso: IsoTree): StaticArray<u32> {
  const type = iso.text(iso.elementNode(MESSAGE_TYPE), scratch);
  const isKeyMessage = type != 0 && iso.textLength == 4 && (isText(type, '0800') || isText(type, '0810'));
  return isKeyMessage ? OF_KEY_MESSAGES : OF_MESSAGES;
}

function isText(pointer: usize, literal: string): bool {
  for (let i = 0; i < literal.length; i++) if (load<u8>(pointer + i) != literal.charCodeAt(i)) return false;
  return true;
}

/** Bytes of an element as in the message, including its length prefix. */
function asSent(iso: IsoTree, element: u32): void {
  if (element == MESSAGE_TYPE) {
    const type = iso.messageStart;
    text.bytes(type, iso.messageTypeBytes);
  } else text.bytes(iso.elementStart(element), <u32>(iso.elementEnd(element) - iso.elementStart(element)));
}

/** Characters of an element in any encoding. Bytes count as their hexadecimal digits. */
function normalised(iso: IsoTree, element: u32): void {
  spaceDue = true;
  if (element != MESSAGE_TYPE) prefix(iso.elementLength(element), iso.prefixDigits(element));
  const node = iso.elementNode(element);
  if (iso.kind(node) == FieldKind.Object) {
    const from = iso.value(element);
    digits.begin(FIRST_BYTES);
    digits.hex(from, <u32>(iso.elementEnd(element) - from));
    if (digits.overflowed) text.overflowed = true;
    else characters(digits.pointer, digits.length);
    return;
  }
  const from = iso.text(node, scratch);
  const length = iso.textLength;
  characters(from, element == ORIGINAL_DATA ? min(length, ORIGINAL_DATA_CHARACTERS) : length);
}

/** A length as a prefix of `count` digits. */
function prefix(length: u32, count: u32): void {
  let unit: u32 = 1;
  for (let i: u32 = 1; i < count; i++) unit *= 10;
  for (let i: u32 = 0; i < count; i++, unit /= 10) character(<u8>(48 + ((length / unit) % 10)));
}

function characters(from: usize, length: u32): void {
  for (const end = from + length; from < end; from++) character(load<u8>(from));
}

function character(byte: u8): void {
  if (byte == SPACE) {
    spaceDue = true;
    return;
  }
  const isSmall = <u8>(byte - 97) < 26;
  if (!isSmall && <u8>(byte - 65) >= 26 && <u8>(byte - 48) >= 10 && byte != Ascii.Comma && byte != Ascii.Point) return;
  if (spaceDue && text.length > 0) text.byte(SPACE);
  spaceDue = false;
  text.byte(isSmall ? byte - 32 : byte);
}
