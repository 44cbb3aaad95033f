import { selfTest } from '../crypto/self-test';
import { randomBytes } from '../crypto/random';
import { KeyTest, KeyVerdict } from '../keys/key-holder';
import { keyService } from '../keys/key-service';
import { KeyVersion } from '../keys/key-version';
import { MAX_NONCE_BYTES, MIN_NONCE_BYTES } from '../limits';
import { Bytes } from '../memory/bytes';
import { encodeHex } from '../memory/hex';
import { scratch } from '../memory/scratch';
import { Writer } from '../memory/writer';
import { ConfigReader } from '../runtime/config-reader';
import { KmsConfig } from '../runtime/config.gen';
import { ErrorId } from '../errors.gen';
import { Exchange } from '../runtime/exchange';
import { wallMillis } from '../runtime/host';
import { Service } from '../runtime/service';
import { Direction } from '../runtime/direction';
import { Stage, StagePolicy, Verdict } from '../runtime/stage';
import { fieldLength, fieldPointer, putField, readField } from './body-field';
import { SignatureAction, SignaturePartKind, decodeMessageSignatureConfig } from './config.gen';
import { OBSERVABLE, SECTION } from './facts.gen';
import { Text } from './fields';
import { Stamps, isSignedInQuery } from './parts';
import { SignaturePolicy, compileSignature } from './policy';
import { Reason, deny, noKey, refuse } from './refusal';
import { Nonce, beginStore, keepFor, remember } from './replay-store';
import { Signer, signatureText } from './signer';
import { SigningStamp, signedLength, signedPointer, writeSignedText } from './signed-text';
import { parseSigningTime, writeSigningTime } from './signing-time';
import { replayStoreFailed, replayStoreFull, defineSignatureStats, signed, verified } from './stats';

const NONCE_RANDOM_BYTES: u32 = 16;
const RANDOM: usize = memory.data(16, 16);
const NONCE_TEXT: usize = memory.data(32, 16);
const digits: Writer = new Writer(scratch);

/** Time and nonce of the message at hand. */
const stamp: SigningStamp = new SigningStamp();

/**
 * Verifies signatures of incoming messages before any other stage, and signs outgoing messages after all others.
 * `Observe` does not apply.
 */
export class MessageSignature extends Stage {
  constructor() {
    super(SECTION, OBSERVABLE);
  }

  start(): bool {
    defineSignatureStats();
    // The store begins with the process, not with the first route that needs it. If this fails, each message reports it.
    beginStore(wallMillis());
    return selfTest();
  }

  compile(reader: ConfigReader, node: u32): StagePolicy {
    const policy = compileSignature(reader, decodeMessageSignatureConfig(reader, node));
    if (policy.keepsNonces) keepFor(policy.clockSkewMs, policy.clockAheadMs, wallMillis());
    return policy;
  }

  services(): Service[] {
    return [keyService];
  }

  prepare(policy: StagePolicy, kms: KmsConfig | null, rootId: u32): void {
    if (kms != null) (<SignaturePolicy>policy).keys.prepare(kms, rootId, true);
  }

  /** Requests of methods without body are complete here, so there is nothing to wait for. */
  onHeaders(exchange: Exchange, policy: StagePolicy): Verdict {
    if (exchange.direction == Direction.Response || !exchange.bodiless) return Verdict.Continue;
    exchange.message.begin(0, 0);
    return act(exchange, <SignaturePolicy>policy);
  }

  onBody(exchange: Exchange, policy: StagePolicy): Verdict {
    const message = exchange.message;
    if (exchange.direction == Direction.Request && exchange.bodiless) {
      // The message was judged as one without body. With a body it is not what was signed.
      return message.length == 0 ? Verdict.Continue : deny(exchange, Reason.Wrong);
    }
    return act(exchange, <SignaturePolicy>policy);
  }
}

/** Tests whether a version can sign, or whether the current signature was made with it. */
class SignatureTest extends KeyTest {
  private signer: Signer | null = null;
  private signs: bool = false;
  private data: usize = 0;
  private length: u32 = 0;

  /** For signing, only the kind of the keys is tested. */
  begin(signer: Signer, signs: bool, data: usize, length: u32): this {
    this.signer = signer;
    this.signs = signs;
    this.data = data;
    this.length = length;
    return this;
  }

  fits(key: KeyVersion): bool {
    const signer = this.signer;
    return signer != null && signer.fits(key, this.signs);
  }

  isGenuine(key: KeyVersion): bool {
    const signer = this.signer;
    return signer != null && signer.verify(key, this.data, this.length);
  }
}

const test: SignatureTest = new SignatureTest();

function act(exchange: Exchange, policy: SignaturePolicy): Verdict {
  return policy.action(exchange.direction) == SignatureAction.Sign ? sign(exchange, policy) : verify(exchange, policy);
}

function sign(exchange: Exchange, policy: SignaturePolicy): Verdict {
  const verdict = policy.keys.newest(exchange, test.begin(policy.signer, true, 0, 0));
  const key = policy.keys.key;
  if (verdict != KeyVerdict.Genuine || key == null) return noKey(exchange, policy.keys, verdict);
  if (!putStamp(exchange, policy) || !readStamp(exchange, policy) || writeText(exchange, policy) != Text.Done)
    return refuse(exchange, ErrorId.FIM_SIG_0004);
  const characters = policy.signer.sign(key, signedPointer(), signedLength());
  if (characters == 0) return refuse(exchange, ErrorId.FIM_SIG_0004);
  if (policy.field.length == 0)
    exchange.setHeader(policy.header.pointer, policy.header.length, signatureText(), characters);
  else if (!putField(exchange, policy.field, signatureText(), characters))
    return refuse(exchange, ErrorId.FIM_SIG_0004);
  signed.add(1);
  return Verdict.Continue;
}

/** The text that is signed of the message at hand. */
function writeText(exchange: Exchange, policy: SignaturePolicy): Text {
  const message = exchange.message;
  const parts = policy.parts(exchange.direction);
  return writeSignedText(exchange, parts, policy.fields, stamp, policy.digest, message.pointer, message.length);
}

/** Puts time and nonce, as far as the route signs them, into their headers, or into fields that are not there yet. */
function putStamp(exchange: Exchange, policy: SignaturePolicy): bool {
  const stamps = policy.stamps(exchange.direction);
  if ((stamps & Stamps.Time) != 0 && !isThere(exchange, policy, policy.timestampField, SignaturePartKind.Timestamp)) {
    digits.begin(32);
    writeSigningTime(policy.timestampFormat, wallMillis(), digits);
    if (digits.overflowed) return false;
    stamp.timestamp = digits.pointer;
    stamp.timestampLength = digits.length;
    if (!put(exchange, policy.timestampField, policy.timestampHeader, digits.pointer, digits.length)) return false;
  }
  if ((stamps & Stamps.Nonce) == 0 || isThere(exchange, policy, policy.nonceField, SignaturePartKind.Nonce))
    return true;
  if (!randomBytes(RANDOM, NONCE_RANDOM_BYTES)) return false;
  encodeHex(RANDOM, NONCE_RANDOM_BYTES, NONCE_TEXT);
  stamp.nonce = NONCE_TEXT;
  stamp.nonceLength = NONCE_RANDOM_BYTES * 2;
  return put(exchange, policy.nonceField, policy.nonceHeader, NONCE_TEXT, NONCE_RANDOM_BYTES * 2);
}

/** Finds time and nonce that are fields, where the message has them now: the sender's own, or those put there. */
function readStamp(exchange: Exchange, policy: SignaturePolicy): bool {
  const stamps = policy.stamps(exchange.direction);
  if ((stamps & Stamps.Time) != 0 && policy.timestampField.length > 0) {
    if (!isThere(exchange, policy, policy.timestampField, SignaturePartKind.Timestamp)) return false;
    stamp.timestamp = fieldPointer;
    stamp.timestampLength = fieldLength;
  }
  if ((stamps & Stamps.Nonce) != 0 && policy.nonceField.length > 0) {
    if (!isThere(exchange, policy, policy.nonceField, SignaturePartKind.Nonce)) return false;
    stamp.nonce = fieldPointer;
    stamp.nonceLength = fieldLength;
  }
  return true;
}

/** Whether the field is filled already: the sender's own time and number are signed with the others. */
function isThere(exchange: Exchange, policy: SignaturePolicy, field: Bytes, kind: SignaturePartKind): bool {
  return field.length > 0 && readField(exchange, field, isSignedInQuery(policy.parts(exchange.direction), kind));
}

function put(exchange: Exchange, field: Bytes, header: Bytes, value: usize, length: u32): bool {
  if (field.length > 0) return putField(exchange, field, value, length);
  exchange.setHeader(header.pointer, header.length, value, length);
  return true;
}

function verify(exchange: Exchange, policy: SignaturePolicy): Verdict {
  if (!find(exchange, policy.field, policy.header, true)) return deny(exchange, Reason.Missing);
  if (policy.signer.read(foundPointer, foundLength) < 0) return deny(exchange, Reason.Malformed);
  const nowMs = wallMillis();
  let signedMs: i64 = 0;
  if (!readNonce(exchange, policy)) return deny(exchange, Reason.Malformed);
  if ((policy.stamps(exchange.direction) & Stamps.Time) != 0) {
    signedMs = readTime(exchange, policy);
    if (signedMs < 0) return deny(exchange, Reason.Malformed);
    if (signedMs > nowMs + policy.clockAheadMs || signedMs < nowMs - policy.clockSkewMs)
      return deny(exchange, Reason.Stale);
  }
  if (hasHeaderTwice(exchange, policy)) return deny(exchange, Reason.Malformed);
  const text = writeText(exchange, policy);
  if (text == Text.Unreadable) return deny(exchange, Reason.Malformed);
  if (text != Text.Done) return refuse(exchange, ErrorId.FIM_SIG_0004);
  const verdict = policy.keys.judge(exchange, test.begin(policy.signer, false, signedPointer(), signedLength()));
  if (verdict == KeyVerdict.Wrong) return deny(exchange, Reason.Wrong);
  if (verdict != KeyVerdict.Genuine) return noKey(exchange, policy.keys, verdict);
  if (policy.unique) {
    const fresh = rememberAs(policy, stamp.nonce, stamp.nonceLength, nowMs, signedMs);
    if (fresh != Nonce.Fresh) return notFresh(exchange, fresh);
    if (policy.textOnce) {
      const again = rememberAs(policy, signedPointer(), signedLength(), nowMs, signedMs);
      if (again != Nonce.Fresh) return notFresh(exchange, again);
    }
  }
  verified.add(1);
  return Verdict.Continue;
}

function rememberAs(policy: SignaturePolicy, text: usize, length: u32, nowMs: i64, signedMs: i64): Nonce {
  return remember(policy.keyId, text, length, nowMs, signedMs, policy.clockSkewMs, policy.clockAheadMs);
}

/** Value that `find` found. */
let foundPointer: usize = 0;
let foundLength: u32 = 0;

/** Finds the text of a field, or of the header of which there must be exactly one. */
function find(exchange: Exchange, field: Bytes, header: Bytes, inQuery: bool): bool {
  if (field.length > 0) {
    const there = readField(exchange, field, inQuery);
    foundPointer = fieldPointer;
    foundLength = fieldLength;
    return there;
  }
  const there =
    exchange.header(header.pointer, header.length) &&
    !exchange.hasTwice(header.pointer, header.length) &&
    exchange.header(header.pointer, header.length);
  foundPointer = exchange.valuePointer;
  foundLength = exchange.valueLength;
  return there;
}

/** Finds the nonce, where the route has one. */
function readNonce(exchange: Exchange, policy: SignaturePolicy): bool {
  if ((policy.stamps(exchange.direction) & Stamps.Nonce) == 0) return true;
  const inQuery = isSignedInQuery(policy.parts(exchange.direction), SignaturePartKind.Nonce);
  if (!find(exchange, policy.nonceField, policy.nonceHeader, inQuery)) return false;
  stamp.nonce = foundPointer;
  stamp.nonceLength = foundLength;
  return foundLength >= MIN_NONCE_BYTES && foundLength <= MAX_NONCE_BYTES && isOneLine(foundPointer, foundLength);
}

/** Whether a text has no control character, as in headers. */
function isOneLine(text: usize, length: u32): bool {
  for (let i: u32 = 0; i < length; i++) if (load<u8>(text + i) < 32) return false;
  return true;
}

/** Finds the time, in milliseconds; -1 if it is missing or malformed. */
function readTime(exchange: Exchange, policy: SignaturePolicy): i64 {
  const inQuery = isSignedInQuery(policy.parts(exchange.direction), SignaturePartKind.Timestamp);
  if (!find(exchange, policy.timestampField, policy.timestampHeader, inQuery)) return -1;
  stamp.timestamp = foundPointer;
  stamp.timestampLength = foundLength;
  return parseSigningTime(policy.timestampFormat, foundPointer, foundLength);
}

/** Whether a header that is signed stands twice: which of them counts elsewhere is not known. */
function hasHeaderTwice(exchange: Exchange, policy: SignaturePolicy): bool {
  const parts = policy.parts(exchange.direction);
  for (let i = 0; i < parts.length; i++) {
    const part = unchecked(parts[i]);
    if (part.kind == SignaturePartKind.Header && exchange.hasTwice(part.text.pointer, part.text.length)) return true;
  }
  return false;
}

function notFresh(exchange: Exchange, nonce: Nonce): Verdict {
  if (nonce == Nonce.Known) return deny(exchange, Reason.Replayed);
  if (nonce == Nonce.Early) return deny(exchange, Reason.Early);
  if (nonce == Nonce.Full) replayStoreFull.add(1);
  else replayStoreFailed.add(1);
  return refuse(exchange, ErrorId.FIM_SIG_0003);
}
