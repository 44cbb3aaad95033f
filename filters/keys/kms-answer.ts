// The KMS's answer: a KV version 2 read, `{"data":{"data":{"algorithm":"SM4","material":"<base64>"},"metadata":{"version":3}}}`. Members
// that are not named here are ignored: Vault and OpenBao send more.
import { Bytes } from '../memory/bytes';
import { decodeBase64 } from '../memory/base64';
import { scratch } from '../memory/scratch';
import { JsonDocument } from '../message/json/document';
import { FieldKind } from '../message/field-tree';
import { SM4_KEY_BYTES } from './key-version';

const MAX_VERSION_DIGITS: u32 = 9;

const DATA: Bytes = Bytes.from('data');
const METADATA: Bytes = Bytes.from('metadata');
const ALGORITHM: Bytes = Bytes.from('algorithm');
const MATERIAL: Bytes = Bytes.from('material');
const VERSION: Bytes = Bytes.from('version');
const DESTROYED: Bytes = Bytes.from('destroyed');
const SM4: Bytes = Bytes.from('SM4');

const document: JsonDocument = new JsonDocument();

/** What an answer held. The key stands in scratch memory until `wipe`. */
export class KmsAnswer {
  /** Address of the 16 key bytes. */
  key: usize = 0;
  version: u32 = 0;

  /** False if the answer is not understood. */
  read(body: usize, length: u32): bool {
    this.key = 0;
    if (document.parse(body, length, scratch) != 0) return false;
    const outer = member(document.root, DATA);
    const data = member(outer, DATA);
    const metadata = member(outer, METADATA);
    const destroyed = member(metadata, DESTROYED);
    if (destroyed != 0 && document.kind(destroyed) == FieldKind.True) return false;
    this.version = integer(member(metadata, VERSION));
    const algorithm = member(data, ALGORITHM);
    const material = member(data, MATERIAL);
    if (this.version == 0 || algorithm == 0 || material == 0) return false;
    if (document.kind(algorithm) != FieldKind.String || document.kind(material) != FieldKind.String) return false;
    const name = document.text(algorithm, scratch);
    if (name == 0 || !SM4.equals(name, document.textLength)) return false;
    return this.readMaterial(material);
  }

  private readMaterial(node: u32): bool {
    const text = document.text(node, scratch);
    const length = document.textLength;
    if (text == 0) return false;
    const key = scratch.allocate(length + 16);
    if (key == 0) return false;
    const bytes = decodeBase64(text, length, key);
    if (document.escaped(node)) memory.fill(text, 0, length); // a copy of its own, which `wipe` does not know
    if (bytes != <i32>SM4_KEY_BYTES) {
      memory.fill(key, 0, length + 16);
      return false;
    }
    this.key = key;
    return true;
  }

  /** Overwrites the key and the text that it came in. */
  wipe(body: usize, length: u32): void {
    if (this.key != 0) memory.fill(this.key, 0, SM4_KEY_BYTES);
    if (body != 0) memory.fill(body, 0, length);
    this.key = 0;
  }
}

function member(object: u32, name: Bytes): u32 {
  if (object == 0 || document.kind(object) != FieldKind.Object) return 0;
  return document.member(object, name.pointer, name.length, name.hash);
}

/** A whole number from 1; 0 if the node is none. */
function integer(node: u32): u32 {
  if (node == 0 || document.kind(node) != FieldKind.Number) return 0;
  const text = document.text(node, scratch);
  const length = document.textLength;
  if (length > MAX_VERSION_DIGITS) return 0;
  let value: u32 = 0;
  for (let i: u32 = 0; i < length; i++) {
    const digit = <u32>load<u8>(text + i) - 48;
    if (digit > 9) return 0;
    value = value * 10 + digit;
  }
  return value;
}
