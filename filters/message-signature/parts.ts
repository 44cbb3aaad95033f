// The text that a signature covers, as a flat list of parts. FIM's own string is such a list, too:
//   request                          response
//   FIM1-REQUEST                     FIM1-RESPONSE
//   method                           status
//   canonical path, without query (README.md)
//   query, as sent, without "?"
//   timestamp                        timestamp
//   nonce                            nonce
//   name:value of each header that the route names, in its order, the name in lower case; nothing after the colon if it
//   is absent; `host` is the request's authority
//   SM3 of the body in hexadecimal, lower case
// Lines end with a line feed, but for the last.
import { Bytes } from '../memory/bytes';
import { scratch } from '../memory/scratch';
import { Writer } from '../memory/writer';
import { ConfigReader } from '../runtime/config-reader';
import { MessageFormat } from '../message/format';
import { ErrorId } from '../errors.gen';
import { Direction } from '../runtime/direction';
import {
  MessageSignatureConfig,
  SignatureCoverage,
  SignaturePart,
  SignaturePartKind,
  SignatureReplay,
} from './config.gen';
import { guardParts, isDigest } from './divisions';
import { Part } from './part';
import { isSignable } from './signable-headers';

/** Time and nonce, as far as a message has them. */
export const enum Stamps {
  None = 0,
  Time = 1,
  Nonce = 2,
  Both = 3,
}

const constants: Writer = new Writer(scratch);

/** The parts of a route's section for one direction. On a mistake `reader.fail`, and a list that is not to be used. */
export function compileParts(
  reader: ConfigReader,
  config: MessageSignatureConfig,
  direction: Direction,
): StaticArray<Part> {
  if (config.covers == SignatureCoverage.Body) return [new Part(SignaturePartKind.Body, Bytes.EMPTY)];
  if (config.covers == SignatureCoverage.Message) return ownParts(config.headers, direction);
  const listed = direction == Direction.Request ? config.requestParts : config.responseParts;
  const parts = new StaticArray<Part>(listed.length);
  for (let i = 0; i < listed.length; i++) {
    const part = listed[i];
    if (!isPossible(part, direction, config, reader.format)) reader.fail(ErrorId.FIM_SIG_0006, part.node);
    parts[i] = new Part(part.part, part.part == SignaturePartKind.Constant ? part.text : part.name);
  }
  if (reader.failed) return parts;
  const divided = guardParts(parts, config.timestampFormat);
  if (divided >= 0) reader.fail(ErrorId.FIM_SIG_0006, listed[divided].node);
  if (!coversBody(parts)) reader.fail(ErrorId.FIM_SIG_0006, config.node);
  if (config.replay == SignatureReplay.Nonces && stampsOf(config, parts) != Stamps.Both)
    reader.failMember(ErrorId.FIM_SIG_0007, config.node, 'replay');
  return parts;
}

function ownParts(headers: StaticArray<Bytes>, direction: Direction): StaticArray<Part> {
  const parts = new Array<Part>();
  if (direction == Direction.Request) {
    parts.push(constant('FIM1-REQUEST\n'));
    parts.push(new Part(SignaturePartKind.Method, Bytes.EMPTY));
    parts.push(constant('\n'));
    parts.push(new Part(SignaturePartKind.Path, Bytes.EMPTY));
    parts.push(constant('\n'));
    parts.push(new Part(SignaturePartKind.Query, Bytes.EMPTY));
  } else {
    parts.push(constant('FIM1-RESPONSE\n'));
    parts.push(new Part(SignaturePartKind.Status, Bytes.EMPTY));
  }
  parts.push(constant('\n'));
  parts.push(new Part(SignaturePartKind.Timestamp, Bytes.EMPTY));
  parts.push(constant('\n'));
  parts.push(new Part(SignaturePartKind.Nonce, Bytes.EMPTY));
  for (let i = 0; i < headers.length; i++) {
    constants.begin(128);
    constants.byte(10);
    constants.bytes(headers[i].pointer, headers[i].length);
    constants.byte(58);
    parts.push(new Part(SignaturePartKind.Constant, Bytes.copy(constants.pointer, constants.length)));
    parts.push(new Part(SignaturePartKind.Header, headers[i]));
  }
  parts.push(constant('\n'));
  parts.push(new Part(SignaturePartKind.BodySm3Hex, Bytes.EMPTY));
  return StaticArray.fromArray(parts);
}

function constant(text: string): Part {
  return new Part(SignaturePartKind.Constant, Bytes.from(text));
}

/** Whether a message of the direction and the route's format can have the part. */
function isPossible(
  part: SignaturePart,
  direction: Direction,
  config: MessageSignatureConfig,
  format: MessageFormat,
): bool {
  const hasFields = format == MessageFormat.Json || format == MessageFormat.Form;
  const isRequest = direction == Direction.Request;
  const named = part.part == SignaturePartKind.Header || part.part == SignaturePartKind.Member;
  if (part.name.length > 0 != named || part.text.length > 0 != (part.part == SignaturePartKind.Constant)) return false;
  switch (part.part) {
    case SignaturePartKind.Method:
    case SignaturePartKind.Path:
    case SignaturePartKind.Query:
    case SignaturePartKind.PathAndQuery:
    case SignaturePartKind.QueryFields:
      return isRequest;
    case SignaturePartKind.Status:
      return !isRequest;
    case SignaturePartKind.AllFields:
      return isRequest && hasFields;
    case SignaturePartKind.Fields:
      return hasFields;
    case SignaturePartKind.Member:
      return hasFields && !config.field.equals(part.name.pointer, part.name.length);
    case SignaturePartKind.Header:
      return isSignable(part.name) && !config.header.equals(part.name.pointer, part.name.length);
    case SignaturePartKind.Body:
    case SignaturePartKind.BodySm3Hex:
    case SignaturePartKind.BodySm3Base64:
    case SignaturePartKind.BodySha256Hex:
    case SignaturePartKind.BodySha256Base64:
      // A body that bears the signature, its time or its nonce is not the one that was signed.
      return config.field.length == 0;
    default:
      return true;
  }
}

function coversBody(parts: StaticArray<Part>): bool {
  for (let i = 0; i < parts.length; i++) {
    const kind = parts[i].kind;
    if (isDigest(kind) || kind == SignaturePartKind.Body || kind >= SignaturePartKind.Member) return true;
  }
  return false;
}

/** Tells which of the two are signed: as parts, or as fields that are signed with the others. */
export function stampsOf(config: MessageSignatureConfig, parts: StaticArray<Part>): Stamps {
  let stamps = Stamps.None;
  if (has(parts, SignaturePartKind.Timestamp) || isSignedField(config, parts, config.timestampField))
    stamps |= Stamps.Time;
  if (has(parts, SignaturePartKind.Nonce) || isSignedField(config, parts, config.nonceField)) stamps |= Stamps.Nonce;
  return stamps;
}

/** Whether the time (`kind` Timestamp) or the nonce is signed wherever it stands, in the body or in the query. */
export function isSignedInQuery(parts: StaticArray<Part>, kind: SignaturePartKind): bool {
  return has(parts, kind) || has(parts, SignaturePartKind.AllFields);
}

function has(parts: StaticArray<Part>, kind: SignaturePartKind): bool {
  for (let i = 0; i < parts.length; i++) if (parts[i].kind == kind) return true;
  return false;
}

function isSignedField(config: MessageSignatureConfig, parts: StaticArray<Part>, name: Bytes): bool {
  if (name.length == 0) return false;
  for (let i = 0; i < config.except.length; i++) if (config.except[i].equals(name.pointer, name.length)) return false;
  return has(parts, SignaturePartKind.Fields) || has(parts, SignaturePartKind.AllFields);
}
