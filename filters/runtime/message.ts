import { ErrorId } from '../errors.gen';
import { FieldTree } from '../message/field-tree';
import { MessageFormat } from '../message/format';
import { JsonDocument } from '../message/json/document';
import { XmlDocument } from '../message/xml/document';
import { scratch } from '../memory/scratch';

/** One VM works on one message at a time, so one index of each format serves all. */
const json: JsonDocument = new JsonDocument();
const xml: XmlDocument = new XmlDocument();

/** The body at hand, and its index, made at most once for all stages. Addresses are valid until the host call ends. */
export class Message {
  pointer: usize = 0;
  /** Bytes. */
  length: u32 = 0;
  /** Whether a stage replaced the body. */
  changed: bool = false;
  /** Why the last `tree` gave null. */
  error: ErrorId = ErrorId.None;
  /** Byte offset of the mistake that `error` names. */
  errorOffset: u32 = 0;
  /** What the index was made as; Unknown: there is none yet. */
  private indexed: MessageFormat = MessageFormat.Unknown;

  /** Puts a fresh body before the stages. */
  begin(pointer: usize, length: u32): void {
    this.pointer = pointer;
    this.length = length;
    this.changed = false;
    this.indexed = MessageFormat.Unknown;
  }

  /** A stage's output becomes the body of the stages after it and of the peer. */
  replace(pointer: usize, length: u32): void {
    this.begin(pointer, length);
    this.changed = true;
  }

  /** The fields of the body, read as `format` (one that a message can have); null if it is not that, with the reason in `error`. */
  tree(format: MessageFormat): FieldTree | null {
    if (format != this.indexed) {
      this.indexed = format;
      this.error = this.index(format);
    }
    return this.error == ErrorId.None ? treeOf(format) : null;
  }

  /** The JSON index of the body; null if the body is not JSON, with the reason in `error`. */
  json(): JsonDocument | null {
    return this.tree(MessageFormat.Json) == null ? null : json;
  }

  private index(format: MessageFormat): ErrorId {
    if (format == MessageFormat.Json) {
      const error = json.parse(this.pointer, this.length, scratch);
      this.errorOffset = json.errorOffset;
      return error;
    }
    if (format == MessageFormat.Xml) {
      const error = xml.parse(this.pointer, this.length, scratch);
      this.errorOffset = xml.errorOffset;
      return error;
    }
    this.errorOffset = 0;
    return ErrorId.FIM_RT_0010;
  }
}

/** The index of a format that has a reader. */
function treeOf(format: MessageFormat): FieldTree | null {
  if (format == MessageFormat.Json) return json;
  return format == MessageFormat.Xml ? xml : null;
}
