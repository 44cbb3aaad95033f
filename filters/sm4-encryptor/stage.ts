import { selfTest } from '../crypto/self-test';
import { KeyRing } from '../keys/key-ring';
import { KeyState, isOutage } from '../keys/key-state';
import { tickKeys } from '../keys/key-store';
import { KeyVersion } from '../keys/key-version';
import { defineKeyStats } from '../keys/stats';
import { Bytes, equalIgnoreCase } from '../memory/bytes';
import { scratch } from '../memory/scratch';
import { Writer } from '../memory/writer';
import { MAX_CONTENT_TYPE_BYTES } from '../limits';
import { MessageFormat } from '../message/format';
import { ConfigReader } from '../runtime/config-reader';
import { KmsConfig } from '../runtime/config.gen';
import { ErrorId } from '../errors.gen';
import { Exchange } from '../runtime/exchange';
import { CONTENT_TYPE } from '../runtime/names';
import { Stage, StagePolicy, Verdict } from '../runtime/stage';
import { PayloadAction, decodeSm4EncryptorConfig } from './config.gen';
import { FieldKeys, Fields, fieldCount, fieldsLength, fieldsPointer, missingKey, openFields, sealFields } from './fields';
import { Opening } from './opening';
import { Sm4Policy, compilePolicy } from './policy';
import { Parts, isHeaderText } from './protection';
import { cannotOpen, noKey, refuse, unfitKey } from './refusal';
import { beginOpening, beginSealing, openChunk, sealChunk, setSegmentedType } from './stream';
import { decrypted, defineSm4Stats, encrypted, fieldsDecrypted, fieldsEncrypted, fieldsRefused } from './stats';

/** What decryption assumes where a message does not say: it is not sent along. */
const TYPE_JSON: Bytes = Bytes.from('application/json');

const out: Writer = new Writer(scratch);
const parts: Parts = new Parts();
const TYPE: usize = memory.data(256, 16);

/** The keys of a ring, for the message at hand. */
class RingKeys extends FieldKeys {
  ring: KeyRing | null = null;
  exchange: Exchange | null = null;
  /** Messages are sealed: with the newest version; else they are opened, with the latest that is known. */
  seals: bool = false;

  find(version: u32): KeyState {
    const ring = this.ring;
    const exchange = this.exchange;
    if (ring == null || exchange == null) return KeyState.Unavailable;
    let state: KeyState;
    if (version != 0) state = ring.numbered(exchange, version);
    else state = this.seals ? ring.newest(exchange) : ring.latest(exchange);
    this.key = ring.found;
    return state;
  }

  unwrap(wrapped: usize, length: u32): KeyState {
    const ring = this.ring;
    const exchange = this.exchange;
    if (ring == null || exchange == null) return KeyState.Unavailable;
    const state = ring.unwrapped(exchange, wrapped, length);
    this.key = ring.found;
    return state;
  }
}

const keys: RingKeys = new RingKeys();

/** Encrypts or decrypts bodies, or named fields of them. Never observed: a message that cannot be protected does not go on. */
export class Sm4Encryptor extends Stage {
  constructor() {
    super('sm4Encryptor', false, true);
  }

  start(): bool {
    defineSm4Stats();
    defineKeyStats();
    return selfTest();
  }

  compile(reader: ConfigReader, node: u32): StagePolicy {
    return compilePolicy(reader, decodeSm4EncryptorConfig(reader, node));
  }

  prepare(policy: StagePolicy, kms: KmsConfig, rootId: u32): void {
    (<Sm4Policy>policy).keys(kms).prepare(rootId);
  }

  tick(rootId: u32): void {
    tickKeys(rootId);
  }

  onStreamHeaders(exchange: Exchange, policy: StagePolicy): Verdict {
    const sm4 = <Sm4Policy>policy;
    if (!bind(exchange, sm4)) return refuse(exchange, ErrorId.FIM_SM4_0001);
    if (sm4.action(exchange.direction) == PayloadAction.Decrypt) return beginOpening(exchange, sm4);
    const key = keyFor(exchange, sm4, keys.find(0), 0, true);
    if (key == null) return keyVerdict;
    if (key.wrapped.length > 0) return unfitKey(exchange); // a data key of the KMS is for whole messages
    return beginSealing(exchange, sm4, key.number, TYPE, originalType(exchange));
  }

  onChunk(exchange: Exchange, policy: StagePolicy, pointer: usize, length: u32, endOfStream: bool): Verdict {
    const sm4 = <Sm4Policy>policy;
    if (!bind(exchange, sm4)) return refuse(exchange, ErrorId.FIM_SM4_0001);
    const seals = sm4.action(exchange.direction) == PayloadAction.Encrypt;
    return seals ? sealChunk(exchange, sm4, keys, pointer, length, endOfStream) : openChunk(exchange, sm4, keys, pointer, length, endOfStream);
  }

  onBody(exchange: Exchange, policy: StagePolicy): Verdict {
    const sm4 = <Sm4Policy>policy;
    if (!bind(exchange, sm4)) return refuse(exchange, ErrorId.FIM_SM4_0001);
    return sm4.action(exchange.direction) == PayloadAction.Encrypt ? encrypt(exchange, sm4) : decrypt(exchange, sm4);
  }
}

/** Turns `keys` to the route's key. False: the configuration names no KMS. */
function bind(exchange: Exchange, sm4: Sm4Policy): bool {
  const kms = exchange.kms;
  if (kms == null) return false;
  keys.ring = sm4.keys(kms);
  keys.exchange = exchange;
  keys.seals = sm4.action(exchange.direction) == PayloadAction.Encrypt;
  return true;
}

/** The key that `keys` found for the message at hand if it is there and fits; else null, and `keyVerdict` says what to do. */
function keyFor(exchange: Exchange, sm4: Sm4Policy, state: KeyState, version: u32, seals: bool): KeyVersion | null {
  const key = keys.key;
  if (state == KeyState.Ready && key != null) {
    const fits = sm4.plan.suite.fits(key, seals) && (key.wrapped.length == 0 || sm4.profile.carriesKey);
    if (fits) return key;
    keyVerdict = unfitKey(exchange);
    return null;
  }
  keyVerdict = noKey(exchange, state, version);
  return null;
}

let keyVerdict: Verdict = Verdict.Continue;

function encrypt(exchange: Exchange, sm4: Sm4Policy): Verdict {
  const message = exchange.message;
  if (message.length == 0) return Verdict.Continue; // nothing to protect
  const key = keyFor(exchange, sm4, keys.find(0), 0, true);
  if (key == null) return keyVerdict;
  if (sm4.fields != null) return encryptFields(exchange, sm4, key);
  const typeLength = originalType(exchange);
  const profile = sm4.profile;
  out.begin(profile.room(sm4.plan, message.length));
  if (!profile.seal(sm4.plan, key, TYPE, typeLength, message.pointer, message.length, out)) return refuse(exchange, ErrorId.FIM_SM4_0003);
  message.replace(out.pointer, out.length);
  if (sm4.segmented) setSegmentedType(exchange, profile.contentType, TYPE, typeLength);
  else exchange.setHeader(CONTENT_TYPE.pointer, CONTENT_TYPE.length, profile.contentType.pointer, profile.contentType.length);
  encrypted.add(1);
  return Verdict.Continue;
}

/** Keeps the message's content type for its recipient at TYPE; answers its length, 0 if there is none or it is application/json. */
function originalType(exchange: Exchange): u32 {
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
  const fields = sm4.fields;
  if (document == null || fields == null) {
    fieldsRefused.add(1);
    return refuse(exchange, ErrorId.FIM_SM4_0004);
  }
  const done = sealFields(sm4.plan, sm4.profile, fields, key, document, message.length, sm4.maxFields);
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
  if (sm4.fields != null) return decryptFields(exchange, sm4);
  const message = exchange.message;
  let opening = sm4.profile.read(sm4.plan, message.pointer, message.length, parts);
  if (opening != Opening.Done) return cannotOpen(exchange, opening);
  const key = keyFor(exchange, sm4, keys.findFor(sm4.plan.suite, parts), parts.version, false);
  if (key == null) return keyVerdict;
  opening = sm4.profile.open(sm4.plan, key, parts);
  if (opening == Opening.Forged && parts.version == 0 && key.number > 1) {
    // Nothing names the key, and the sender may not have seen the rotation yet.
    const state = keys.find(key.number - 1);
    const older = keys.key;
    if (state == KeyState.Pending || isOutage(state)) return noKey(exchange, state, 0);
    if (state == KeyState.Ready && older != null && sm4.plan.suite.fits(older, false)) opening = sm4.profile.open(sm4.plan, older, parts);
  }
  if (opening != Opening.Done) return cannotOpen(exchange, opening);
  const typeLength = parts.typeLength;
  memory.copy(TYPE, parts.type, typeLength);
  message.replace(parts.text, parts.textLength);
  const type = sm4.contentType;
  exchange.setHeader(CONTENT_TYPE.pointer, CONTENT_TYPE.length, typeLength > 0 ? TYPE : type.pointer, typeLength > 0 ? typeLength : type.length);
  exchange.noteContentType();
  decrypted.add(1);
  return Verdict.Continue;
}

function decryptFields(exchange: Exchange, sm4: Sm4Policy): Verdict {
  const message = exchange.message;
  const document = exchange.format == MessageFormat.Json ? message.json() : null;
  const fields = sm4.fields;
  if (document == null || fields == null) return cannotOpen(exchange, Opening.Malformed);
  const opening = openFields(sm4.plan, sm4.profile, fields, keys, document, message.length, sm4.maxFields);
  if (missingKey != KeyState.Ready) return noKey(exchange, missingKey, 1);
  if (opening != Opening.Done) return cannotOpen(exchange, opening);
  if (fieldCount == 0) return Verdict.Continue;
  message.replace(fieldsPointer(), fieldsLength());
  decrypted.add(1);
  fieldsDecrypted.add(fieldCount);
  return Verdict.Continue;
}
