// Skeleton: strict reading of a parsed configuration document. Signatures stand; the lead fills it in.
import { Bytes } from '../memory/bytes';
import { JsonDocument } from '../message/json/document';
import { ErrorId } from './errors.gen';

export class ConfigReader {
  failed: bool = false;
  /** First error and the node where it is (0: the document itself). */
  error: ErrorId = 0;
  errorNode: u32 = 0;

  constructor(readonly document: JsonDocument) {}

  /** Records a mistake; the first one wins. */
  fail(error: ErrorId, node: u32): void {}
  /** False (and an error) unless the node is an object. */
  expectObject(node: u32): bool { return false; }
  /** Members of an object are walked by their value nodes; 0 ends. */
  firstMember(node: u32): u32 { return 0; }
  nextMember(member: u32): u32 { return 0; }
  /** Whether the member's key is the ASCII literal. */
  keyIs(member: u32, key: string): bool { return false; }
  /** Whether the string node's text is the ASCII literal (used for enums). */
  textIs(node: u32, text: string): bool { return false; }
  unknownMember(member: u32): void {}
  /** A required member `key` is absent from `object`. */
  missing(object: u32, key: string): void {}
  /** A string of at most `maxBytes` bytes; Bytes.EMPTY after an error. */
  readString(node: u32, maxBytes: u32): Bytes { return Bytes.EMPTY; }
  readInteger(node: u32, minimum: i64, maximum: i64): i64 { return minimum; }
  readBoolean(node: u32): bool { return false; }
  /** Number of items; 0 (and an error) if it is no array or has more than `maximum`. */
  arrayLength(node: u32, maximum: i32): i32 { return 0; }
  firstItem(node: u32): u32 { return 0; }
  nextItem(item: u32): u32 { return 0; }
}
