// Compiled section of a route.
import { Ascii } from '../memory/ascii';
import { KeyHolder } from '../keys/key-holder';
import { isKeyId } from '../keys/key-id';
import { Bytes } from '../memory/bytes';
import { ConfigReader } from '../runtime/config-reader';
import { ErrorId } from '../errors.gen';
import { Direction } from '../runtime/direction';
import { Rank, StagePolicy } from '../runtime/stage';
import {
  MessageSignatureConfig,
  SignatureAction,
  SignatureCoverage,
  SignatureDigest,
  SignatureReplay,
  SignatureTimeFormat,
} from './config.gen';
import { SignedFields } from './fields';
import { Part } from './part';
import { Stamps, compileParts, stampsOf } from './parts';
import { isSignable } from './signable-headers';
import { Signer } from './signer';

export class SignaturePolicy extends StagePolicy {
  readonly keys: KeyHolder;
  readonly keyId: Bytes;
  readonly signer: Signer;
  /** Names, lower case. */
  readonly header: Bytes;
  readonly timestampHeader: Bytes;
  readonly nonceHeader: Bytes;
  /** Names of fields of the body in their place; empty: the headers. */
  readonly field: Bytes;
  readonly timestampField: Bytes;
  readonly nonceField: Bytes;
  readonly timestampFormat: SignatureTimeFormat;
  readonly fields: SignedFields;
  readonly digest: SignatureDigest;
  readonly clockSkewMs: i64;
  /** Most that the time of signing may be ahead of now. */
  readonly clockAheadMs: i64;
  /** Whether nonces are kept. */
  readonly unique: bool;
  /** Whether the signed text counts once as well: parts of a partner's text can be divided otherwise. */
  readonly textOnce: bool;
  private readonly request: SignatureAction;
  private readonly response: SignatureAction;
  private readonly requestParts: StaticArray<Part>;
  private readonly responseParts: StaticArray<Part>;
  private readonly requestStamp: Stamps;
  private readonly responseStamp: Stamps;

  constructor(config: MessageSignatureConfig, requestParts: StaticArray<Part>, responseParts: StaticArray<Part>) {
    super();
    this.keyId = config.keyId;
    this.keys = new KeyHolder(config.keyId);
    this.signer = new Signer(config.algorithm, config.encoding, config.base64, config.form, config.userId);
    this.header = config.header;
    this.timestampHeader = config.timestampHeader;
    this.nonceHeader = config.nonceHeader;
    this.field = config.field;
    this.timestampField = config.timestampField;
    this.nonceField = config.nonceField;
    this.timestampFormat = config.timestampFormat;
    this.fields = new SignedFields(leftOut(config), config.emptyFields);
    this.digest = config.digest;
    this.clockSkewMs = config.clockSkewMs;
    this.unique = config.covers != SignatureCoverage.Body && config.replay == SignatureReplay.Nonces;
    this.textOnce = config.covers == SignatureCoverage.Template && config.replay == SignatureReplay.Nonces;
    this.request = config.request;
    this.response = config.response;
    this.requestParts = requestParts;
    this.responseParts = responseParts;
    // A message that is taken again anyway needs no narrower bound.
    this.clockAheadMs = this.unique ? min(config.clockAheadMs, config.clockSkewMs) : config.clockSkewMs;
    this.requestStamp = stampsOf(config, requestParts);
    this.responseStamp = stampsOf(config, responseParts);
  }

  action(direction: Direction): SignatureAction {
    return direction == Direction.Request ? this.request : this.response;
  }

  /** Signed parts, in order. */
  parts(direction: Direction): StaticArray<Part> {
    return direction == Direction.Request ? this.requestParts : this.responseParts;
  }

  /** Whether messages have a time of signing that is signed, and a nonce. */
  stamps(direction: Direction): Stamps {
    return direction == Direction.Request ? this.requestStamp : this.responseStamp;
  }

  needsKeys(): bool {
    return true;
  }

  acts(direction: Direction): bool {
    return this.action(direction) != SignatureAction.None;
  }

  /** Whether each message is accepted only once. */
  get keepsNonces(): bool {
    return this.unique && (this.request == SignatureAction.Verify || this.response == SignatureAction.Verify);
  }

  needsBody(direction: Direction): bool {
    return this.acts(direction);
  }

  /** A response without body is judged too, because its status is information. */
  judgesEmpty(direction: Direction): bool {
    return direction == Direction.Response && this.acts(direction);
  }

  /** Verification applies to the message as received, signing to the message as sent. */
  rank(direction: Direction): Rank {
    return this.action(direction) == SignatureAction.Verify ? Rank.Verify : Rank.Sign;
  }
}

/** Names of the fields that no signature covers. */
function leftOut(config: MessageSignatureConfig): StaticArray<Bytes> {
  const all = new Array<Bytes>();
  if (config.field.length > 0) all.push(config.field);
  for (let i = 0; i < config.except.length; i++) all.push(config.except[i]);
  return StaticArray.fromArray(all);
}

/** Compiles a section. On an error it calls `reader.fail`, and the policy must not be used. */
export function compileSignature(reader: ConfigReader, config: MessageSignatureConfig): SignaturePolicy {
  if (!isKeyId(config.keyId)) reader.fail(ErrorId.FIM_CFG_0017, config.node);
  if (!isSignable(config.header)) reader.failMember(ErrorId.FIM_SIG_0005, config.node, 'header');
  if (!isSignable(config.timestampHeader)) reader.failMember(ErrorId.FIM_SIG_0005, config.node, 'timestampHeader');
  if (!isSignable(config.nonceHeader)) reader.failMember(ErrorId.FIM_SIG_0005, config.node, 'nonceHeader');
  const header = config.header;
  for (let i = 0; i < config.headers.length; i++) {
    const name = config.headers[i];
    if (!isSignable(name) || header.equals(name.pointer, name.length))
      reader.failMember(ErrorId.FIM_SIG_0005, config.node, 'headers');
  }
  checkFields(reader, config);
  const request = partsOf(reader, config, Direction.Request, config.request);
  const response = partsOf(reader, config, Direction.Response, config.response);
  return new SignaturePolicy(config, request, response);
}

function partsOf(
  reader: ConfigReader,
  config: MessageSignatureConfig,
  direction: Direction,
  action: SignatureAction,
): StaticArray<Part> {
  return action == SignatureAction.None ? new StaticArray<Part>(0) : compileParts(reader, config, direction);
}

/** Checks the settings that need a template, and names that a body can have. */
function checkFields(reader: ConfigReader, config: MessageSignatureConfig): void {
  const ofTemplate =
    config.requestParts.length + config.responseParts.length + config.except.length > 0 ||
    config.field.length + config.timestampField.length + config.nonceField.length > 0 ||
    config.digest != SignatureDigest.None ||
    config.replay != SignatureReplay.Nonces;
  if (ofTemplate && config.covers != SignatureCoverage.Template) reader.fail(ErrorId.FIM_SIG_0006, config.node);
  if (!isFieldName(config.field)) reader.failMember(ErrorId.FIM_SIG_0006, config.node, 'field');
  if (!isFieldName(config.timestampField)) reader.failMember(ErrorId.FIM_SIG_0006, config.node, 'timestampField');
  if (!isFieldName(config.nonceField)) reader.failMember(ErrorId.FIM_SIG_0006, config.node, 'nonceField');
}

/** Letters, digits, `_`, `-` and `.`: a name that JSON and forms write as it is. Or none. */
function isFieldName(name: Bytes): bool {
  for (let i: u32 = 0; i < name.length; i++) {
    const byte: u32 = load<u8>(name.pointer + i);
    if (
      (byte | 32) - 97 >= 26 &&
      byte - 48 >= 10 &&
      byte != Ascii.Minus &&
      byte != Ascii.Point &&
      byte != Ascii.Underscore
    )
      return false;
  }
  return true;
}
