// Judges indexed BER-TLV data by the dictionary: lengths, formats, objects that appear twice, data object lists.
import { Arena } from '../../memory/arena';
import { ErrorId } from '../../errors.gen';
import { TagDictionary } from './dictionary';
import { isInFormat } from './formats';
import { isTemplate, TlvDocument } from './tlv-document';

/** Issuer script commands may follow each other in one script. */
const SCRIPT_COMMAND: u32 = 0x86;

/** Tags whose values are data object lists: CDOL1, CDOL2, TDOL, PDOL, DDOL, log format. */
function isObjectList(tag: u32): bool {
  return tag == 0x8c || tag == 0x8d || tag == 0x97 || tag == 0x9f38 || tag == 0x9f49 || tag == 0x9f4f;
}

/** Whether the bytes are pairs of a tag and one byte of length, tags of two bytes at most (EMV Book 3, section 5.4). */
export function isDataObjectList(pointer: usize, length: u32): bool {
  const end = pointer + length;
  while (pointer < end) {
    const first = load<u8>(pointer++);
    if ((first & 0x1f) == 0x1f) {
      if (pointer >= end || load<u8>(pointer) >= 0x80) return false;
      pointer++;
    }
    if (pointer >= end || load<u8>(pointer) > 252) return false;
    pointer++;
  }
  return true;
}

/** Goes through a message's objects: `begin`, then `next` until it is 0. */
export class TlvCheck {
  /** The object that `next` complained of. */
  node: u32 = 0;

  private at: u32 = 0;
  private readonly dictionary: TagDictionary = new TagDictionary();
  private seen: usize = 0;
  private mask: u32 = 0;

  /** Starts with the first object of the document. 0, or FIM-RT-0006 if the arena is full. */
  begin(document: TlvDocument, arena: Arena): u32 {
    this.at = 0;
    this.mask = (1 << (32 - clz(document.size * 2 + 1))) - 1;
    const bytes = (<usize>this.mask + 1) << 2;
    this.seen = arena.allocate(bytes);
    if (this.seen == 0) return ErrorId.FIM_RT_0006;
    memory.fill(this.seen, 0, bytes);
    return 0;
  }

  /** The next mistake, with `node` set: FIM-TLV-0005 to 0008; 0 when all objects are judged. Tags that the dictionary does not know may hold anything. */
  next(document: TlvDocument): u32 {
    while (this.at < document.size) {
      const node = ++this.at;
      this.node = node;
      const tag = document.tag(node);
      if (!isTemplate(tag) && tag != SCRIPT_COMMAND && this.again(document, node)) return ErrorId.FIM_TLV_0005;
      const error = this.judge(document, node, tag);
      if (error != 0) return error;
    }
    return 0;
  }

  private judge(document: TlvDocument, node: u32, tag: u32): u32 {
    const dictionary = this.dictionary;
    if (!dictionary.find(tag)) return 0;
    const length = document.length(node);
    if (length < dictionary.least || length > dictionary.most) return ErrorId.FIM_TLV_0006;
    const value = document.value(node);
    if (!isInFormat(dictionary.format, value, length)) return ErrorId.FIM_TLV_0007;
    return isObjectList(tag) && !isDataObjectList(value, length) ? ErrorId.FIM_TLV_0008 : 0;
  }

  /** Whether an object before this one in the same template has the same tag. At most MAX_TLV_NODES entries: chains stay short enough whatever the tags are. */
  private again(document: TlvDocument, node: u32): bool {
    const tag = document.tag(node);
    const parent = document.parent(node);
    let slot = ((tag * 0x9e3779b1) ^ (parent * 0x85ebca6b)) >> 7;
    while (true) {
      slot &= this.mask;
      const entry = this.seen + (<usize>slot << 2);
      const other = load<u32>(entry);
      if (other == 0) {
        store<u32>(entry, node);
        return false;
      }
      if (document.tag(other) == tag && document.parent(other) == parent) return true;
      slot++;
    }
  }
}
