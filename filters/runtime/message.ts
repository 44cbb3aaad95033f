import { ErrorId } from '../errors.gen';
import { Cnaps2Document } from '../message/cnaps2/document';
import { FieldTree } from '../message/field-tree';
import { FormDocument } from '../message/form/document';
import { MessageFormat } from '../message/format';
import { fieldName, fieldNameLength } from '../message/iso8583/field-names';
import { IsoTree } from '../message/iso8583/iso-tree';
import { JsonDocument } from '../message/json/document';
import { TlvTree } from '../message/tlv/tlv-tree';
import { XmlDocument } from '../message/xml/document';
import { scratch } from '../memory/scratch';
import { BodyLayout, PLAIN_LAYOUT } from './body-layout';

/** One VM works on one message at a time, so one index of each format serves all. */
const json: JsonDocument = new JsonDocument();
const xml: XmlDocument = new XmlDocument();
const cnaps2: Cnaps2Document = new Cnaps2Document();
const form: FormDocument = new FormDocument();
const iso: IsoTree = new IsoTree();
const tlv: TlvTree = new TlvTree();

/**
 * Current body and its index, which is made at most once for all stages. Addresses are valid until the host call ends.
 */
export class Message {
  pointer: usize = 0;
  /** Bytes. */
  length: u32 = 0;
  /** Whether a stage replaced the body. */
  changed: bool = false;
  /** Error for which the last `tree` returned null. */
  error: ErrorId = ErrorId.None;
  /** Byte offset of the error. */
  errorOffset: u32 = 0;
  /** Data element of an ISO 8583 message with the error. 0: none. */
  errorElement: u32 = 0;
  /** Length of the last `errorPointer`, bytes. */
  errorPointerLength: u32 = 0;
  /** Layout of the current route's bodies. */
  layout: BodyLayout = PLAIN_LAYOUT;
  /** Whether it is a response. */
  isAnswer: bool = false;
  /** Format of the index. Unknown: there is none yet. */
  private indexed: MessageFormat = MessageFormat.Unknown;

  /** Presents a new body to the stages. */
  begin(pointer: usize, length: u32): void {
    this.pointer = pointer;
    this.length = length;
    this.changed = false;
    this.indexed = MessageFormat.Unknown;
  }

  /** Whether there is an index. */
  get isIndexed(): bool {
    return this.indexed != MessageFormat.Unknown;
  }

  /** Makes the index anew for who asks next. */
  forgetIndex(): void {
    this.indexed = MessageFormat.Unknown;
  }

  /** A stage's output becomes the body for later stages and for the peer. */
  replace(pointer: usize, length: u32): void {
    this.begin(pointer, length);
    this.changed = true;
  }

  /**
   * Fields of the body, read as `format` (a message's own format). Null if it is malformed, with the reason in `error`.
   */
  tree(format: MessageFormat): FieldTree | null {
    if (format != this.indexed) {
      this.indexed = format;
      this.error = this.index(format);
    }
    return this.error == ErrorId.None ? treeOf(format) : null;
  }

  /** JSON index of the body. Null if it is malformed, with the reason in `error`. */
  json(): JsonDocument | null {
    return this.tree(MessageFormat.Json) == null ? null : json;
  }

  /** Whether a form is written as it is, without percent-encoding. */
  get isPlainForm(): bool {
    return this.isAnswer && this.layout.plainAnswers;
  }

  private index(format: MessageFormat): ErrorId {
    let error = <u32>ErrorId.FIM_RT_0010;
    this.errorOffset = 0;
    this.errorElement = 0;
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
        error = this.isPlainForm
          ? form.parsePlain(this.pointer, this.length, scratch)
          : form.parse(this.pointer, this.length, scratch);
        this.errorOffset = form.errorOffset;
        break;
      case MessageFormat.Iso8583:
        error = this.readIso8583();
        break;
      case MessageFormat.Tlv:
        error = this.layout.tlvHex
          ? tlv.parseHex(this.pointer, this.length, scratch)
          : tlv.parse(this.pointer, this.length, scratch);
        this.errorOffset = tlv.errorOffset;
        break;
    }
    return <ErrorId>error;
  }

  private readIso8583(): u32 {
    const spec = this.layout.iso;
    if (spec == null) return ErrorId.FIM_RT_0010;
    const error = iso.read(this.pointer, this.length, spec, scratch);
    this.errorOffset = iso.errorOffset;
    this.errorElement = iso.errorElement;
    return error;
  }

  /** Address of the JSON Pointer to the field of `error`, `errorPointerLength` bytes. 0 if it concerns none. */
  errorPointer(): usize {
    const element = this.errorElement;
    this.errorPointerLength = element == 0 ? 0 : fieldNameLength(element) + 1;
    const pointer = element == 0 ? 0 : scratch.allocate(this.errorPointerLength);
    if (pointer == 0) return 0;
    store<u8>(pointer, 47);
    memory.copy(pointer + 1, fieldName(element), fieldNameLength(element));
    return pointer;
  }

  /**
   * ISO 8583 reader of the current tree, for parts that are no fields: ranges of authentication codes. Null for other
   * formats.
   */
  get iso8583(): IsoTree | null {
    return this.indexed == MessageFormat.Iso8583 && this.error == ErrorId.None ? iso : null;
  }

  /** Dictionary violations of the current tree's data objects. Null for formats without any. */
  get dataObjects(): TlvTree | null {
    if (this.error != ErrorId.None) return null;
    return this.indexed == MessageFormat.Iso8583 ? iso : this.indexed == MessageFormat.Tlv ? tlv : null;
  }
}

/** Index of a format that has a reader. */
function treeOf(format: MessageFormat): FieldTree | null {
  switch (format) {
    case MessageFormat.Json:
      return json;
    case MessageFormat.Xml:
      return xml;
    case MessageFormat.Cnaps2:
      return cnaps2;
    case MessageFormat.Form:
      return form;
    case MessageFormat.Iso8583:
      return iso;
    case MessageFormat.Tlv:
      return tlv;
  }
  return null;
}
