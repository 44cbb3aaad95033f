// Streamed bodies: the stage's part. The stage's own state of a stream precedes the state of sealing or opening.
import { KeyVerdict } from '../keys/key-holder';
import { Bytes, equalBytes } from '../memory/bytes';
import { decodeBase64Url, encodeBase64Url } from '../memory/base64url';
import { scratch } from '../memory/scratch';
import { Writer } from '../memory/writer';
import { MAX_CONTENT_TYPE_BYTES } from '../limits';
import { ErrorId } from '../errors.gen';
import { Exchange } from '../runtime/exchange';
import { CONTENT_TYPE } from '../runtime/names';
import { Verdict } from '../runtime/stage';
import { keyNumbered, keyUnwrapped } from './message-keys';
import { Opening } from './opening';
import { Piece } from './piece';
import { Sm4Policy } from './policy';
import { Parts, isHeaderText } from './protection';
import { cannotOpen, noKey, refuse } from './refusal';
import { decrypted, encrypted } from './stats';
import { SEAL_STATE_BYTES, sealPiece, sealedPieceRoom } from './stream-seal';
import {
  beginSegments,
  hasBegun,
  headerTaken,
  openSegments,
  sealSegments,
  segmentStateBytes,
  segmentsRoom,
  takeHeader,
  untakeHeader,
  wrappedAt,
  wrappedInHeader,
} from './stream-segments';

/** Parameter of the segmented profile's content type: the plaintext's type in base64url. */
const CTY: Bytes = Bytes.from(';cty=');

// State of the stage: version of the key (0: none yet), length of the content type, content type.
const VERSION: usize = 0;
const TYPE_BYTES: usize = 4;
const TYPE: usize = 16;
const OWN_BYTES: u32 = 16 + 256;

const parts: Parts = new Parts();
const piece: Piece = new Piece();
const typeLine: Writer = new Writer(scratch);

function stateOf(exchange: Exchange, sm4: Sm4Policy): usize {
  return exchange.slot(OWN_BYTES + (sm4.segmented ? segmentStateBytes(sm4.plan) : SEAL_STATE_BYTES));
}

/** Content type of segmented messages. It carries the plaintext's type, for a recipient that streams bodies. */
export function setSegmentedType(exchange: Exchange, profileType: Bytes, type: usize, typeLength: u32): void {
  typeLine.begin(profileType.length + MAX_CONTENT_TYPE_BYTES * 2 + 64);
  typeLine.bytes(profileType.pointer, profileType.length);
  if (typeLength > 0) {
    typeLine.bytes(CTY.pointer, CTY.length);
    const to = typeLine.reserve(MAX_CONTENT_TYPE_BYTES * 2);
    if (to != 0) typeLine.advance(encodeBase64Url(type, typeLength, to));
  }
  if (!typeLine.overflowed)
    exchange.setHeader(CONTENT_TYPE.pointer, CONTENT_TYPE.length, typeLine.pointer, typeLine.length);
}

/** Starts sealing, once the key of the stream is available. `type`: of the plaintext. */
export function beginSealing(exchange: Exchange, sm4: Sm4Policy, version: u32, type: usize, typeLength: u32): Verdict {
  const slot = stateOf(exchange, sm4);
  if (slot == 0) return refuse(exchange, ErrorId.FIM_SM4_0003);
  store<u32>(slot, version, VERSION);
  store<u32>(slot, typeLength, TYPE_BYTES);
  memory.copy(slot + TYPE, type, typeLength);
  exchange.willRewriteBody();
  const profile = sm4.profile;
  if (sm4.segmented) setSegmentedType(exchange, profile.contentType, type, typeLength);
  else
    exchange.setHeader(
      CONTENT_TYPE.pointer,
      CONTENT_TYPE.length,
      profile.contentType.pointer,
      profile.contentType.length,
    );
  return Verdict.Continue;
}

/** Seals a piece. */
export function sealChunk(exchange: Exchange, sm4: Sm4Policy, pointer: usize, length: u32, last: bool): Verdict {
  const slot = stateOf(exchange, sm4);
  if (slot == 0) return refuse(exchange, ErrorId.FIM_SM4_0003);
  const plan = sm4.plan;
  const verdict = keyNumbered(exchange, sm4, load<u32>(slot, VERSION), true);
  const key = sm4.keys.key;
  if (verdict == KeyVerdict.Wrong) return refuse(exchange, ErrorId.FIM_KMS_0007); // it was taken back while the body passed
  if (verdict != KeyVerdict.Genuine || key == null) return noKey(exchange, sm4.keys, verdict);
  const out = exchange.replaceChunk(
    sm4.segmented ? segmentsRoom(plan, length) : sealedPieceRoom(sm4.profile, plan, length),
  );
  piece.set(pointer, length);
  piece.last = last;
  piece.type.set(slot + TYPE, load<u32>(slot, TYPE_BYTES));
  const done = sm4.segmented
    ? sealSegments(plan, key, slot + OWN_BYTES, piece, out)
    : sealPiece(sm4, key, slot + OWN_BYTES, piece, out);
  if (!done) return refuse(exchange, ErrorId.FIM_SM4_0003);
  if (last) encrypted.add(1);
  return Verdict.Continue;
}

/**
 * Starts opening, segment by segment. The plaintext's content type must be announced now, and is compared with the
 * authenticated one later.
 */
export function beginOpening(exchange: Exchange, sm4: Sm4Policy): Verdict {
  const slot = stateOf(exchange, sm4);
  if (slot == 0) return refuse(exchange, ErrorId.FIM_SM4_0003);
  if (load<u32>(slot, TYPE_BYTES) == 0) store<u32>(slot, announcedType(exchange, slot + TYPE), TYPE_BYTES);
  const typeLength = load<u32>(slot, TYPE_BYTES);
  const type = sm4.contentType;
  exchange.willRewriteBody();
  exchange.setHeader(
    CONTENT_TYPE.pointer,
    CONTENT_TYPE.length,
    typeLength > 0 ? slot + TYPE : type.pointer,
    typeLength > 0 ? typeLength : type.length,
  );
  return Verdict.Continue;
}

/** Length of the content type in the parameter `cty`, written to `to`. 0: none. */
function announcedType(exchange: Exchange, to: usize): u32 {
  if (!exchange.header(CONTENT_TYPE.pointer, CONTENT_TYPE.length)) return 0;
  const value = exchange.valuePointer;
  const length = exchange.valueLength;
  for (let i: u32 = 0; i + CTY.length < length; i++) {
    if (!CTY.equals(value + i, CTY.length)) continue;
    const from = value + i + CTY.length;
    const characters = length - i - CTY.length;
    if (characters > 340) return 0; // MAX_CONTENT_TYPE_BYTES in base64url
    const bytes = decodeBase64Url(from, characters, to);
    return bytes > 0 && isHeaderText(to, bytes) ? bytes : 0;
  }
  return 0;
}

/** Whether the announced content type equals the one in the message's header. */
function isAnnounced(sm4: Sm4Policy, slot: usize): bool {
  const type = sm4.contentType;
  const announced = load<u32>(slot, TYPE_BYTES);
  const sent = announced > 0 ? slot + TYPE : type.pointer;
  const sentLength = announced > 0 ? announced : type.length;
  const said = parts.typeLength > 0 ? parts.type : type.pointer;
  const saidLength = parts.typeLength > 0 ? parts.typeLength : type.length;
  return sentLength == saidLength && equalBytes(sent, said, sentLength);
}

/** Key that the header in the state names or carries. */
function keyOfHeader(exchange: Exchange, sm4: Sm4Policy, state: usize, version: u32): KeyVerdict {
  const length = wrappedInHeader(state);
  if (length > 0) return keyUnwrapped(exchange, sm4, wrappedAt(state), length);
  return keyNumbered(exchange, sm4, version, false);
}

/** Opens the segments that a piece completes. */
export function openChunk(exchange: Exchange, sm4: Sm4Policy, pointer: usize, length: u32, last: bool): Verdict {
  const slot = stateOf(exchange, sm4);
  if (slot == 0) return refuse(exchange, ErrorId.FIM_SM4_0003);
  const state = slot + OWN_BYTES;
  if (!hasBegun(state)) {
    const opening = takeHeader(sm4.plan, state, pointer, length, parts);
    if (opening != Opening.Done) return cannotOpen(exchange, opening);
    if (parts.version == 0) {
      if (last) return cannotOpen(exchange, Opening.Malformed);
      exchange.replaceChunk(16);
      return Verdict.Continue;
    }
    if (!isAnnounced(sm4, slot)) return cannotOpen(exchange, Opening.Forged);
    store<u32>(slot, parts.version, VERSION);
  }
  const taken = hasBegun(state) ? 0 : headerTaken;
  const verdict = keyOfHeader(exchange, sm4, state, load<u32>(slot, VERSION));
  const key = sm4.keys.key;
  if (verdict != KeyVerdict.Genuine || key == null) {
    if (!hasBegun(state)) untakeHeader(state);
    return noKey(exchange, sm4.keys, verdict);
  }
  if (!hasBegun(state)) beginSegments(sm4.plan, state);
  const out = exchange.replaceChunk(length + segmentStateBytes(sm4.plan));
  piece.set(pointer + taken, length - taken);
  piece.last = last;
  const opening = openSegments(sm4.plan, key, state, piece, out);
  if (opening != Opening.Done) return cannotOpen(exchange, opening);
  if (last) decrypted.add(1);
  return Verdict.Continue;
}
