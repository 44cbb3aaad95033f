// Compiled section of a route.
import { Bytes } from '../memory/bytes';
import { decodeHex } from '../memory/hex';
import { KeyHolder } from '../keys/key-holder';
import { MAX_PROTECTED_FIELDS, MAX_SM2_PROTECTED_FIELDS } from '../limits';
import { FieldList, isFieldPath } from '../message/field-list';
import { FieldSet } from '../message/field-set';
import { MessageFormat } from '../message/format';
import { ConfigReader } from '../runtime/config-reader';
import { ErrorId } from '../errors.gen';
import { Direction } from '../runtime/direction';
import { Rank, StagePolicy } from '../runtime/stage';
import { fitTogether, isPlain, layoutOf, profileOf, suiteOf } from './catalog';
import {
  PayloadAction,
  PayloadAlgorithm,
  PayloadBase64,
  Sm4EncryptorConfig,
  UnauthenticatedUse,
  WireFormat,
} from './config.gen';
import { isKeyId } from '../keys/key-id';
import { Protection, WireProfile, isHeaderText } from './protection';
import { LARGEST_STREAMED_SEGMENT_BYTES } from './stream-segments';

const fieldList: FieldList = new FieldList();
const IV: usize = memory.data(16, 16);
const IV_DIGITS: u32 = 32;

export class Sm4Policy extends StagePolicy {
  readonly keys: KeyHolder;

  constructor(
    readonly plan: Protection,
    readonly profile: WireProfile,
    /** Null: whole bodies. */
    readonly fields: FieldSet | null,
    /** Most values of one message that are protected. */
    readonly maxFields: u32,
    /** Content type of decrypted messages that do not carry one. */
    readonly contentType: Bytes,
    /** Whether the profile is the segmented one. */
    readonly segmented: bool,
    /** Whether bodies are sealed, and segments opened, in streaming mode. */
    readonly inPieces: bool,
    readonly request: PayloadAction,
    readonly response: PayloadAction,
  ) {
    super();
    this.keys = new KeyHolder(plan.keyId, plan.suite.dataKeyBits);
  }

  action(direction: Direction): PayloadAction {
    return direction == Direction.Request ? this.request : this.response;
  }

  needsKeys(): bool {
    return true;
  }

  acts(direction: Direction): bool {
    return this.action(direction) != PayloadAction.None;
  }

  needsBody(direction: Direction): bool {
    return this.acts(direction);
  }

  /** A response that should be protected but has no body may have lost it. */
  judgesEmpty(direction: Direction): bool {
    return direction == Direction.Response && this.response == PayloadAction.Decrypt;
  }

  streams(direction: Direction): bool {
    const suite = this.plan.suite;
    if (!this.inPieces || this.fields != null || suite.wraps) return false;
    if (this.segmented) return this.plan.segmentBytes <= LARGEST_STREAMED_SEGMENT_BYTES;
    return suite.inPieces && this.action(direction) == PayloadAction.Encrypt;
  }

  rank(direction: Direction): Rank {
    return this.action(direction) == PayloadAction.Decrypt ? Rank.Open : Rank.Protect;
  }
}

/** Compiles a section. On an error it calls `reader.fail`, and the policy must not be used. */
export function compilePolicy(reader: ConfigReader, config: Sm4EncryptorConfig): Sm4Policy {
  const profile = profileOf(config.profile);
  const named = config.fields.length > 0;
  if (!isKeyId(config.keyId)) reader.fail(ErrorId.FIM_CFG_0017, config.node);
  if (!fitTogether(config.algorithm, config.profile)) reader.failMember(ErrorId.FIM_SM4_0006, config.node, 'profile');
  if (named && (!profile.inString || reader.format != MessageFormat.Json))
    reader.failMember(ErrorId.FIM_SM4_0006, config.node, 'fields');
  if (config.context.length > 0 && hasControls(config.context))
    reader.failMember(ErrorId.FIM_SM4_0006, config.node, 'context');
  if (!isHeaderText(config.contentType.pointer, config.contentType.length))
    reader.failMember(ErrorId.FIM_SM4_0006, config.node, 'contentType');
  if (!isPlainUse(config, reader.format)) reader.failMember(ErrorId.FIM_SM4_0006, config.node, 'algorithm');
  if (!readIv(config)) reader.failMember(ErrorId.FIM_SM4_0006, config.node, 'iv');
  const suite = suiteOf(config.algorithm, Bytes.copy(IV, config.iv.length >> 1));
  const plan = new Protection(
    config.keyId,
    config.context,
    suite,
    layoutOf(config.sm2Layout),
    config.segmentBytes,
    named ? MessageFormat.Json : reader.format,
    config.base64 == PayloadBase64.Tolerant,
  );
  const slow = config.algorithm == PayloadAlgorithm.SM2 || config.algorithm == PayloadAlgorithm.SM2_ENVELOPE;
  const maxFields = slow ? MAX_SM2_PROTECTED_FIELDS : MAX_PROTECTED_FIELDS;
  const fields = named ? compileFields(reader, config) : null;
  const segmented = config.profile == WireFormat.segmented;
  return new Sm4Policy(
    plan,
    profile,
    fields,
    maxFields,
    config.contentType,
    segmented,
    config.stream,
    config.request,
    config.response,
  );
}

/** Whether what nothing authenticates is opened only, or more is asked for in words; its text must be of a format. */
function isPlainUse(config: Sm4EncryptorConfig, format: MessageFormat): bool {
  if (!isPlain(config.algorithm)) return config.unauthenticated == UnauthenticatedUse.DecryptOnly;
  const seals = config.request == PayloadAction.Encrypt || config.response == PayloadAction.Encrypt;
  if (seals && config.unauthenticated != UnauthenticatedUse.EncryptToo) return false;
  return format != MessageFormat.Detect && config.context.length == 0 && !config.stream;
}

/** Reads the IV of every message, if there is one. */
function readIv(config: Sm4EncryptorConfig): bool {
  if (config.iv.length == 0) return true;
  return (
    config.algorithm == PayloadAlgorithm.SM4_CBC_UNAUTHENTICATED &&
    config.iv.length == IV_DIGITS &&
    decodeHex(config.iv.pointer, IV_DIGITS, IV) >= 0
  );
}

function compileFields(reader: ConfigReader, config: Sm4EncryptorConfig): FieldSet | null {
  fieldList.begin(MessageFormat.Json);
  for (let i = 0; i < config.fields.length; i++) {
    if (!isFieldPath(config.fields[i], MessageFormat.Json))
      reader.failMember(ErrorId.FIM_CFG_0020, config.node, 'fields');
    else fieldList.addPath(config.fields[i], false);
  }
  let fields: FieldSet | null = null;
  if (!reader.failed) fields = fieldList.build(reader.parts);
  if (fields == null) reader.failMember(ErrorId.FIM_CFG_0021, config.node, 'fields');
  return fields;
}

/** Control characters would let two contexts have the same associated data. */
function hasControls(text: Bytes): bool {
  for (let i: u32 = 0; i < text.length; i++) if (load<u8>(text.pointer + i) < 32) return true;
  return false;
}
