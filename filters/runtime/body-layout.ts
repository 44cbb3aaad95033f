// Layout of a route's bodies, as far as their format leaves it open. Compiled from the section `body`.
import { ErrorId } from '../errors.gen';
import { Bytes } from '../memory/bytes';
import { mayName, MessageFormat } from '../message/format';
import {
  IsoContent,
  IsoEncoding,
  IsoFill,
  IsoFormat,
  isTrack,
  IsoSpec,
  LengthHeader,
  NetworkHeader,
} from '../message/iso8583/spec';
import { specification, Specification } from '../message/iso8583/specs';
import { ConfigReader } from './config-reader';
import {
  BodyConfig,
  BodyFormat,
  Iso8583Config,
  Iso8583Content,
  Iso8583ElementConfig,
  Iso8583Encoding,
  Iso8583EncodingsConfig,
  Iso8583Fill,
  Iso8583HeaderConfig,
  FormAnswers,
  TlvEncoding,
} from './config.gen';

/** Settings of a reader besides the format. */
export class BodyLayout {
  constructor(
    /** Specification of ISO 8583 messages. Null on routes of another format. */
    readonly iso: IsoSpec | null,
    /** Whether BER-TLV is in hexadecimal digits. */
    readonly tlvHex: bool,
    /** Whether forms in responses are not percent-encoded. */
    readonly plainAnswers: bool,
    /** Accepted content types. Empty: those of the format. */
    readonly contentTypes: StaticArray<Bytes>,
  ) {}
}

/** Layout of a route without a section `body`. */
export const PLAIN_LAYOUT: BodyLayout = new BodyLayout(null, false, false, []);

/** Compiles the section. Errors go to the reader. */
export function compileLayout(reader: ConfigReader, body: BodyConfig | null): BodyLayout {
  if (body == null) return PLAIN_LAYOUT;
  const iso = body.iso8583;
  const isIso = body.format == BodyFormat.ISO8583;
  if (iso != null && !isIso) reader.fail(ErrorId.FIM_CFG_1070, body.node);
  for (let i = 0; i < body.contentTypes.length; i++) {
    if (!mayName(<MessageFormat>(<i32>body.format), body.contentTypes[i]))
      reader.failMember(ErrorId.FIM_CFG_1070, body.node, 'contentTypes');
  }
  let spec: IsoSpec | null = null;
  if (isIso) spec = iso == null ? specification(Specification.Iso1987).seal() : compileSpec(reader, iso);
  return new BodyLayout(
    spec,
    body.tlvEncoding == TlvEncoding.Hex,
    body.formAnswers == FormAnswers.Unescaped,
    body.contentTypes,
  );
}

function compileSpec(reader: ConfigReader, config: Iso8583Config): IsoSpec {
  const spec = specification(<Specification>(<i32>config.specification));
  const header = config.header;
  if (header != null) setHeader(spec, header);
  const encodings = config.encodings;
  if (encodings != null) setEncodings(spec, encodings);
  for (let i = 0; i < config.elements.length; i++) defineElement(reader, spec, config.elements[i]);
  return spec.seal();
}

function setHeader(spec: IsoSpec, header: Iso8583HeaderConfig): void {
  spec.lengthHeader = <LengthHeader>(<i32>header.length);
  spec.tpdu = header.tpdu;
  spec.network = <NetworkHeader>(<i32>header.network);
  spec.networkBytes = <u32>header.networkBytes;
}

/** Encoding named in the configuration, else `otherwise`. */
function encodingOf(named: Iso8583Encoding, otherwise: IsoEncoding): IsoEncoding {
  return named == Iso8583Encoding.Specification ? otherwise : <IsoEncoding>(<i32>named - 1);
}

function setEncodings(spec: IsoSpec, encodings: Iso8583EncodingsConfig): void {
  spec.messageType = encodingOf(encodings.messageType, spec.messageType);
  spec.bitmap = encodingOf(encodings.bitmap, spec.bitmap);
  spec.lengths = encodingOf(encodings.lengths, spec.lengths);
  spec.digits = encodingOf(encodings.digits, spec.digits);
  spec.text = encodingOf(encodings.text, spec.text);
  spec.track = encodingOf(encodings.track, spec.track);
  spec.bytes = encodingOf(encodings.bytes, spec.bytes);
  // The route's padding overrides the specification's, of all elements and of single ones.
  const fill = <IsoFill>(<i32>encodings.fill);
  const trackFill = encodings.trackFill != Iso8583Fill.Specification ? <IsoFill>(<i32>encodings.trackFill) : fill;
  if (fill != IsoFill.Default) spec.fill = fill;
  if (trackFill != IsoFill.Default) spec.trackFill = trackFill;
  spec.forgetFills(fill != IsoFill.Default, trackFill != IsoFill.Default);
}

function defineElement(reader: ConfigReader, spec: IsoSpec, config: Iso8583ElementConfig): void {
  // Formats count from 1, because 0 marks an absent element.
  const format = <IsoFormat>(<i32>config.format + 1);
  const encoding = encodingOf(config.encoding, IsoEncoding.Default);
  const content = config.content == Iso8583Content.TLV ? IsoContent.Tlv : IsoContent.Text;
  if (!fits(format, encoding) || (content == IsoContent.Tlv && format != IsoFormat.Binary))
    reader.fail(ErrorId.FIM_CFG_1071, config.node);
  if (config.fill != Iso8583Fill.Specification && !isDigits(format)) reader.fail(ErrorId.FIM_CFG_1071, config.node);
  spec.define(
    <u32>config.element,
    format,
    <u32>(<i32>config.prefix),
    <u32>config.length,
    encoding,
    encodingOf(config.lengthEncoding, IsoEncoding.Default),
    content,
    <IsoFill>(<i32>config.fill),
  );
}

/** Whether values of the format can be written so. */
function fits(format: IsoFormat, encoding: IsoEncoding): bool {
  if (encoding == IsoEncoding.Default) return true;
  const isBytes = encoding == IsoEncoding.Binary || encoding == IsoEncoding.Hex;
  if (format == IsoFormat.Binary) return isBytes;
  if (isBytes) return false;
  return encoding != IsoEncoding.Bcd || isDigits(format);
}

/** Whether values of the format can be written in BCD. */
function isDigits(format: IsoFormat): bool {
  return format == IsoFormat.Numeric || format == IsoFormat.Signed || isTrack(format);
}
