import { selfTest } from '../crypto/self-test';
import { randomBytes } from '../crypto/random';
import { KeyTest, KeyVerdict } from '../keys/key-holder';
import { tickKeys } from '../keys/key-store';
import { KeyVersion } from '../keys/key-version';
import { defineKeyStats } from '../keys/stats';
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
import { Direction } from '../runtime/direction';
import { Stage, StagePolicy, Verdict } from '../runtime/stage';
import { canonicalLength, canonicalPointer, writeCanonical } from './canonical';
import { SignatureAction, SignatureCoverage, decodeMessageSignatureConfig } from './config.gen';
import { SignaturePolicy, compileSignature } from './policy';
import { Reason, deny, noKey, refuse } from './refusal';
import { Nonce, keepFor, remember } from './replay-store';
import { Signer, signatureText } from './signer';
import { replayStoreFailed, replayStoreFull, defineSignatureStats, signed, verified } from './stats';
import { parseSigningTime } from './signing-time';

const NONCE_RANDOM_BYTES: u32 = 16;
const RANDOM: usize = memory.data(16, 16);
const NONCE_TEXT: usize = memory.data(32, 16);
const digits: Writer = new Writer(scratch);

// Where the headers of the message at hand stand.
let timestamp: usize = 0;
let timestampLength: u32 = 0;
let nonce: usize = 0;
let nonceLength: u32 = 0;

/**
 * Verifies signatures of what arrives before anything else is done with it, and signs what goes on, after everything
 * else. Never observed.
 */
export class MessageSignature extends Stage {
  constructor() {
    super('messageSignature', false, true);
  }

  start(): bool {
    defineSignatureStats();
    defineKeyStats();
    return selfTest();
  }

  compile(reader: ConfigReader, node: u32): StagePolicy {
    const policy = compileSignature(reader, decodeMessageSignatureConfig(reader, node));
    // From now on, not from the first message on: that one was signed before. If it fails, each message says so.
    if (policy.keepsNonces) keepFor(policy.clockSkewMs, wallMillis());
    return policy;
  }

  prepare(policy: StagePolicy, kms: KmsConfig, rootId: u32): void {
    (<SignaturePolicy>policy).keys.prepare(kms, rootId, true);
  }

  tick(rootId: u32): void {
    tickKeys(rootId);
  }

  /** Requests of methods without body are complete here: there is nothing to wait for. */
  onHeaders(exchange: Exchange, policy: StagePolicy): Verdict {
    if (exchange.direction == Direction.Response || !exchange.bodiless) return Verdict.Continue;
    return act(exchange, <SignaturePolicy>policy, 0, 0);
  }

  onBody(exchange: Exchange, policy: StagePolicy): Verdict {
    const message = exchange.message;
    if (exchange.direction == Direction.Request && exchange.bodiless) {
      // It was judged as one without body: with one, it is not what was signed.
      return message.length == 0 ? Verdict.Continue : deny(exchange, Reason.Wrong);
    }
    return act(exchange, <SignaturePolicy>policy, message.pointer, message.length);
  }
}

/** A version signs, or is the one that the signature at hand was made with. */
class SignatureTest extends KeyTest {
  private signer: Signer | null = null;
  private signs: bool = false;
  private data: usize = 0;
  private length: u32 = 0;

  /** To sign, whether keys fit is all that is asked. */
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

function act(exchange: Exchange, policy: SignaturePolicy, body: usize, length: u32): Verdict {
  return policy.action(exchange.direction) == SignatureAction.Sign
    ? sign(exchange, policy, body, length)
    : verify(exchange, policy, body, length);
}

function sign(exchange: Exchange, policy: SignaturePolicy, body: usize, length: u32): Verdict {
  const verdict = policy.keys.newest(exchange, test.begin(policy.signer, true, 0, 0));
  const key = policy.keys.key;
  if (verdict != KeyVerdict.Genuine || key == null) return noKey(exchange, policy.keys, verdict);
  let data = body;
  let dataLength = length;
  if (policy.covers == SignatureCoverage.Message) {
    if (!stamp(exchange, policy)) return refuse(exchange, ErrorId.FIM_SIG_0004);
    if (!writeCanonical(exchange, policy.headers, timestamp, timestampLength, nonce, nonceLength, body, length))
      return refuse(exchange, ErrorId.FIM_SIG_0004);
    data = canonicalPointer();
    dataLength = canonicalLength();
  }
  const characters = policy.signer.sign(key, data, dataLength);
  if (characters == 0) return refuse(exchange, ErrorId.FIM_SIG_0004);
  exchange.setHeader(policy.header.pointer, policy.header.length, signatureText(), characters);
  signed.add(1);
  return Verdict.Continue;
}

/** Puts time and nonce into their headers. */
function stamp(exchange: Exchange, policy: SignaturePolicy): bool {
  if (!randomBytes(RANDOM, NONCE_RANDOM_BYTES)) return false;
  encodeHex(RANDOM, NONCE_RANDOM_BYTES, NONCE_TEXT);
  digits.begin(20);
  digits.decimal(wallMillis());
  if (digits.overflowed) return false;
  timestamp = digits.pointer;
  timestampLength = digits.length;
  nonce = NONCE_TEXT;
  nonceLength = NONCE_RANDOM_BYTES * 2;
  exchange.setHeader(policy.timestampHeader.pointer, policy.timestampHeader.length, timestamp, timestampLength);
  exchange.setHeader(policy.nonceHeader.pointer, policy.nonceHeader.length, nonce, nonceLength);
  return true;
}

function verify(exchange: Exchange, policy: SignaturePolicy, body: usize, length: u32): Verdict {
  if (!only(exchange, policy.header)) return deny(exchange, Reason.Missing);
  if (policy.signer.read(exchange.valuePointer, exchange.valueLength) < 0) return deny(exchange, Reason.Malformed);
  let data = body;
  let dataLength = length;
  const nowMs = wallMillis();
  let signedMs: i64 = 0;
  if (policy.covers == SignatureCoverage.Message) {
    signedMs = stampOf(exchange, policy);
    if (signedMs < 0) return deny(exchange, Reason.Malformed);
    if (signedMs > nowMs + policy.clockSkewMs || signedMs < nowMs - policy.clockSkewMs)
      return deny(exchange, Reason.Stale);
    for (let i = 0; i < policy.headers.length; i++) {
      const name = unchecked(policy.headers[i]);
      if (exchange.hasTwice(name.pointer, name.length)) return deny(exchange, Reason.Malformed);
    }
    if (!writeCanonical(exchange, policy.headers, timestamp, timestampLength, nonce, nonceLength, body, length))
      return refuse(exchange, ErrorId.FIM_SIG_0004);
    data = canonicalPointer();
    dataLength = canonicalLength();
  }
  const verdict = policy.keys.judge(exchange, test.begin(policy.signer, false, data, dataLength));
  if (verdict == KeyVerdict.Wrong) return deny(exchange, Reason.Wrong);
  if (verdict != KeyVerdict.Genuine) return noKey(exchange, policy.keys, verdict);
  if (policy.covers == SignatureCoverage.Message) {
    const fresh = remember(policy.keyId, nonce, nonceLength, nowMs, signedMs, policy.clockSkewMs);
    if (fresh != Nonce.Fresh) return notFresh(exchange, fresh);
  }
  verified.add(1);
  return Verdict.Continue;
}

/** Whether there is exactly one header of the name; its value is then at the exchange's `valuePointer`. */
function only(exchange: Exchange, name: Bytes): bool {
  return (
    exchange.header(name.pointer, name.length) &&
    !exchange.hasTwice(name.pointer, name.length) &&
    exchange.header(name.pointer, name.length)
  );
}

/** Finds time and nonce; the time in milliseconds, or -1 if one of them is missing or malformed. */
function stampOf(exchange: Exchange, policy: SignaturePolicy): i64 {
  if (!only(exchange, policy.nonceHeader)) return -1;
  nonce = exchange.valuePointer;
  nonceLength = exchange.valueLength;
  if (nonceLength < MIN_NONCE_BYTES || nonceLength > MAX_NONCE_BYTES) return -1;
  if (!only(exchange, policy.timestampHeader)) return -1;
  timestamp = exchange.valuePointer;
  timestampLength = exchange.valueLength;
  return parseSigningTime(timestamp, timestampLength);
}

function notFresh(exchange: Exchange, nonce: Nonce): Verdict {
  if (nonce == Nonce.Known) return deny(exchange, Reason.Replayed);
  if (nonce == Nonce.Early) return deny(exchange, Reason.Early);
  if (nonce == Nonce.Full) replayStoreFull.add(1);
  else replayStoreFailed.add(1);
  return refuse(exchange, ErrorId.FIM_SIG_0003);
}
