import { ErrorId } from '../errors.gen';
import { Cnaps2Document } from '../message/cnaps2/document';
import { FieldTree } from '../message/field-tree';
import { FormDocument } from '../message/form/document';
import { MessageFormat } from '../message/format';
import { JsonDocument } from '../message/json/document';
import { XmlDocument } from '../message/xml/document';
import { scratch } from '../memory/scratch';

/** One VM works on one message at a time, so one index of each format serves all. */
const json: JsonDocument = new JsonDocument();
const xml: XmlDocument = new XmlDocument();
const cnaps2: Cnaps2Document = new Cnaps2Document();
const form: FormDocument = new FormDocument();

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
    let error = <u32>ErrorId.FIM_RT_0010;
    this.errorOffset = 0;
    switch (format) {
      case MessageFormat.Json:
        error = json.parse(this.pointer, this.length, scratch);
        this.errorOffset = json.errorOffset;
        break;
      case MessageFormat.Xml:
        error = xml.parse(this.pointer, this.length, scratch);
        this.errorOffset = xml.errorOffset;
        break;
      case MessageFormat.Cnaps2:
        error = cnaps2.parse(this.pointer, this.length, scratch);
        this.errorOffset = cnaps2.errorOffset;
        break;
      case MessageFormat.Form:
        error = form.parse(this.pointer, this.length, scratch);
        this.errorOffset = form.errorOffset;
        break;
    }
    return <ErrorId>error;
  }
}

/** The index of a format that has a reader. */
function treeOf(format: MessageFormat): FieldTree | null {
  switch (format) {
    case MessageFormat.Json: return json;
    case MessageFormat.Xml: return xml;
    case MessageFormat.Cnaps2: return cnaps2;
    case MessageFormat.Form: return form;
  }
  return null;
}
