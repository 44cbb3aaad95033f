import { selfTest } from '../crypto/self-test';
import { KeyVerdict } from '../keys/key-holder';
import { keyService } from '../keys/key-service';
import { KeyVersion } from '../keys/key-version';
import { equalIgnoreCase } from '../memory/bytes';
import { scratch } from '../memory/scratch';
import { Span } from '../memory/span';
import { Writer } from '../memory/writer';
import { MAX_CONTENT_TYPE_BYTES } from '../limits';
import { MessageFormat } from '../message/format';
import { ConfigReader } from '../runtime/config-reader';
import { KmsConfig } from '../runtime/config.gen';
import { ErrorId } from '../errors.gen';
import { Exchange } from '../runtime/exchange';
import { CONTENT_TYPE, TYPE_JSON } from '../runtime/names';
import { Service } from '../runtime/service';
import { Direction } from '../runtime/direction';
import { Stage, StagePolicy, Verdict } from '../runtime/stage';
import { PayloadAction, decodeSm4EncryptorConfig } from './config.gen';
import { OBSERVABLE, SECTION } from './facts.gen';
import { Fields, fieldCount, fieldsLength, fieldsPointer, keyVerdict, openFields, sealFields } from './fields';
import { keyToSeal, openWith, opening } from './message-keys';
import { Opening } from './opening';
import { Sm4Policy, compilePolicy } from './policy';
import { Parts, isHeaderText } from './protection';
import { cannotOpen, noKey, refuse, unfitKey } from './refusal';
import { beginOpening, beginSealing, openChunk, sealChunk, setSegmentedType } from './stream';
import { decrypted, defineSm4Stats, encrypted, fieldsDecrypted, fieldsEncrypted, fieldsRefused } from './stats';

const out: Writer = new Writer(scratch);
const parts: Parts = new Parts();
const type: Span = new Span();
const body: Span = new Span();
const TYPE: usize = memory.data(256, 16);

/**
 * Encrypts or decrypts bodies, or named fields of them. `Observe` does not apply: a message that cannot be protected is
 * not passed on.
 */
export class Sm4Encryptor extends Stage {
  constructor() {
    super(SECTION, OBSERVABLE);
  }

  start(): bool {
    defineSm4Stats();
    return selfTest();
  }

  compile(reader: ConfigReader, node: u32): StagePolicy {
    return compilePolicy(reader, decodeSm4EncryptorConfig(reader, node));
  }

  services(): Service[] {
    return [keyService];
  }

  prepare(policy: StagePolicy, kms: KmsConfig | null, rootId: u32): void {
    if (kms == null) return;
    const sm4 = <Sm4Policy>policy;
    sm4.keys.prepare(kms, rootId, sm4.request == PayloadAction.Encrypt || sm4.response == PayloadAction.Encrypt);
  }

  onStreamHeaders(exchange: Exchange, policy: StagePolicy): Verdict {
    const sm4 = <Sm4Policy>policy;
    if (sm4.action(exchange.direction) == PayloadAction.Decrypt) return beginOpening(exchange, sm4);
    const verdict = keyToSeal(exchange, sm4);
    const key = sm4.keys.key;
    if (verdict != KeyVerdict.Genuine || key == null) return noKey(exchange, sm4.keys, verdict);
    if (key.wrapped.length > 0) return unfitKey(exchange); // data keys of the KMS are for whole messages
    return beginSealing(exchange, sm4, key.number, TYPE, originalType(exchange));
  }

  onChunk(exchange: Exchange, policy: StagePolicy, pointer: usize, length: u32, endOfStream: bool): Verdict {
    const sm4 = <Sm4Policy>policy;
    const seals = sm4.action(exchange.direction) == PayloadAction.Encrypt;
    return seals
      ? sealChunk(exchange, sm4, pointer, length, endOfStream)
      : openChunk(exchange, sm4, pointer, length, endOfStream);
  }

  onBody(exchange: Exchange, policy: StagePolicy): Verdict {
    const sm4 = <Sm4Policy>policy;
    return sm4.action(exchange.direction) == PayloadAction.Encrypt ? encrypt(exchange, sm4) : decrypt(exchange, sm4);
  }
}

function encrypt(exchange: Exchange, sm4: Sm4Policy): Verdict {
  const message = exchange.message;
  if (message.length == 0) return Verdict.Continue; // nothing to protect
  const verdict = keyToSeal(exchange, sm4);
  const key = sm4.keys.key;
  if (verdict != KeyVerdict.Genuine || key == null) return noKey(exchange, sm4.keys, verdict);
  if (sm4.fields != null) return encryptFields(exchange, sm4, key);
  const typeLength = originalType(exchange);
  const profile = sm4.profile;
  out.begin(profile.room(sm4.plan, message.length));
  type.set(TYPE, typeLength);
  body.set(message.pointer, message.length);
  if (!profile.seal(sm4.plan, key, type, body, out)) return refuse(exchange, ErrorId.FIM_SM4_0003);
  message.replace(out.pointer, out.length);
  if (sm4.segmented) setSegmentedType(exchange, profile.contentType, TYPE, typeLength);
  else
    exchange.setHeader(
      CONTENT_TYPE.pointer,
      CONTENT_TYPE.length,
      profile.contentType.pointer,
      profile.contentType.length,
    );
  encrypted.add(1);
  return Verdict.Continue;
}

/**
 * Stores the message's content type for its recipient at TYPE. Returns its length; 0 if there is none or it is
 * application/json, which decryption gives messages without one.
 */
function originalType(exchange: Exchange): u32 {
  if (exchange.isPlainJson) return 0;
  if (!exchange.header(CONTENT_TYPE.pointer, CONTENT_TYPE.length)) return 0;
  const length = exchange.valueLength;
  if (length > MAX_CONTENT_TYPE_BYTES || !isHeaderText(exchange.valuePointer, length)) return 0;
  if (length == TYPE_JSON.length && equalIgnoreCase(exchange.valuePointer, TYPE_JSON.pointer, length)) return 0;
  memory.copy(TYPE, exchange.valuePointer, length);
  return length;
}

function encryptFields(exchange: Exchange, sm4: Sm4Policy, key: KeyVersion): Verdict {
  const message = exchange.message;
  const document = exchange.format == MessageFormat.Json ? message.json() : null;
  if (document == null) {
    fieldsRefused.add(1);
    return refuse(exchange, ErrorId.FIM_SM4_0004);
  }
  const done = sealFields(sm4, key, document, message.length);
  if (done == Fields.Failed) return refuse(exchange, ErrorId.FIM_SM4_0003);
  if (done == Fields.TooMany) {
    fieldsRefused.add(1);
    return refuse(exchange, ErrorId.FIM_SM4_0004);
  }
  if (fieldCount == 0) return Verdict.Continue;
  message.replace(fieldsPointer(), fieldsLength());
  encrypted.add(1);
  fieldsEncrypted.add(fieldCount);
  return Verdict.Continue;
}

function decrypt(exchange: Exchange, sm4: Sm4Policy): Verdict {
  if (exchange.message.length == 0 && exchange.direction == Direction.Response && !exchange.expectsBody)
    return Verdict.Continue;
  if (sm4.fields != null) return decryptFields(exchange, sm4);
  const message = exchange.message;
  const form = sm4.profile.read(sm4.plan, message.pointer, message.length, parts);
  if (form != Opening.Done) return cannotOpen(exchange, form);
  const verdict = openWith(exchange, sm4, parts);
  if (verdict != KeyVerdict.Genuine && (verdict != KeyVerdict.Wrong || sm4.keys.key == null))
    return noKey(exchange, sm4.keys, verdict);
  if (opening != Opening.Done) return cannotOpen(exchange, opening);
  const typeLength = parts.typeLength;
  memory.copy(TYPE, parts.type, typeLength);
  message.replace(parts.text, parts.textLength);
  const type = sm4.contentType;
  exchange.setHeader(
    CONTENT_TYPE.pointer,
    CONTENT_TYPE.length,
    typeLength > 0 ? TYPE : type.pointer,
    typeLength > 0 ? typeLength : type.length,
  );
  exchange.noteContentType();
  decrypted.add(1);
  return Verdict.Continue;
}

function decryptFields(exchange: Exchange, sm4: Sm4Policy): Verdict {
  const message = exchange.message;
  const document = exchange.format == MessageFormat.Json ? message.json() : null;
  if (document == null) return cannotOpen(exchange, Opening.Malformed);
  const opened = openFields(exchange, sm4, document, message.length);
  if (keyVerdict != KeyVerdict.Genuine) return noKey(exchange, sm4.keys, keyVerdict);
  if (opened != Opening.Done) return cannotOpen(exchange, opened);
  if (fieldCount == 0) return Verdict.Continue;
  message.replace(fieldsPointer(), fieldsLength());
  decrypted.add(1);
  fieldsDecrypted.add(fieldCount);
  return Verdict.Continue;
}
