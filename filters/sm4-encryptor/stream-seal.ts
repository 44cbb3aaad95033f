// Seals a streamed body in constant memory: one GCM message in any of its profiles. The stream's slot holds the state.
import { GCM_PIECES_BYTES, gcmPiecesBegin, gcmPiecesEncrypt, gcmPiecesFinish } from '../crypto/gcm-pieces';
import { KeyVersion } from '../keys/key-version';
import { base64Length, encodeBase64 } from '../memory/base64';
import { base64UrlLength, encodeBase64Url } from '../memory/base64url';
import { encodeHex } from '../memory/hex';
import { scratch } from '../memory/scratch';
import { Span } from '../memory/span';
import { Writer } from '../memory/writer';
import { Piece } from './piece';
import { Sm4Policy } from './policy';
import { Encoding, Protection, WireProfile } from './protection';
import { LONGEST_IV_BYTES, LONGEST_TAG_BYTES } from './suite';

/** Plaintext that waits until it fills a unit of whole cipher blocks and whole base64 groups. */
const UNIT_BYTES: u32 = 48;
/** Bytes that the vector code of base64 may write after the end. */
const SLACK_BYTES: usize = 64;

// Layout of the state.
const STARTED: usize = 0;
const HELD_BYTES: usize = 4;
const CIPHER: usize = 16;
const HELD: usize = CIPHER + GCM_PIECES_BYTES;
/** Size of the state, bytes. */
export const SEAL_STATE_BYTES: u32 = <u32>HELD + UNIT_BYTES;

/** Longest output for a piece. */
export function sealedPieceRoom(profile: WireProfile, plan: Protection, length: u32): u32 {
  return (
    <u32>profile.room(plan, 64) +
    (profile.encoding == Encoding.Hex ? 2 * (length + UNIT_BYTES) : base64Length(length + UNIT_BYTES)) +
    <u32>SLACK_BYTES
  );
}

/** Seals the next piece to `out`. False: no randomness or memory, or the message is longer than GCM permits. */
export function sealPiece(sm4: Sm4Policy, key: KeyVersion, state: usize, piece: Piece, out: Writer): bool {
  const gcm = sm4.plan.suite.gcm(key);
  if (gcm == null || !begin(sm4, key, state, piece.type, out)) return false;
  const held = load<u32>(state, HELD_BYTES);
  const all = held + piece.length;
  const text = scratch.allocate(<usize>all + LONGEST_TAG_BYTES);
  if (text == 0) return false;
  memory.copy(text, state + HELD, held);
  memory.copy(text + held, piece.pointer, piece.length);
  const ready = piece.last ? all : all - (all % UNIT_BYTES);
  memory.copy(state + HELD, text + ready, all - ready);
  store<u32>(state, all - ready, HELD_BYTES);
  if (ready > 0 && !gcmPiecesEncrypt(gcm, state + CIPHER, text, text, ready)) return false;
  if (!piece.last) return encode(sm4.profile.encoding, text, ready, out);
  gcmPiecesFinish(gcm, state + CIPHER, text + ready);
  return finish(sm4, piece.type, text, ready, out);
}

/** Begins the message before its first piece. */
function begin(sm4: Sm4Policy, key: KeyVersion, state: usize, type: Span, out: Writer): bool {
  if (load<u32>(state, STARTED) != 0) return true;
  const profile = sm4.profile;
  const suite = sm4.plan.suite;
  const gcm = suite.gcm(key);
  const iv = scratch.allocate(LONGEST_IV_BYTES);
  if (gcm == null || iv == 0 || !suite.nextIv(key, iv)) return false;
  if (!profile.head(sm4.plan, key, type, iv, out)) return false;
  gcmPiecesBegin(gcm, iv, suite.ivBytes, profile.aad, profile.aadLength, state + CIPHER);
  store<u32>(state, 1, STARTED);
  return true;
}

/** Writes the last ciphertext, and the tag that stands behind it. */
function finish(sm4: Sm4Policy, type: Span, ciphertext: usize, length: u32, out: Writer): bool {
  const encoding = sm4.profile.encoding;
  if (encoding == Encoding.Base64Whole) return encode(encoding, ciphertext, length + sm4.plan.suite.tagBytes, out);
  if (!encode(encoding, ciphertext, length, out)) return false;
  sm4.profile.tail(sm4.plan, type, ciphertext + length, out);
  return !out.overflowed;
}

function encode(encoding: Encoding, from: usize, length: u32, out: Writer): bool {
  if (length == 0) return !out.overflowed;
  switch (encoding) {
    case Encoding.Bytes:
      out.bytes(from, length);
      break;
    case Encoding.Hex: {
      const to = out.reserve(<usize>length * 2);
      if (to == 0) return false;
      encodeHex(from, length, to);
      out.advance(<usize>length * 2);
      break;
    }
    case Encoding.Base64Url: {
      const to = out.reserve(<usize>base64UrlLength(length) + SLACK_BYTES);
      if (to == 0) return false;
      out.advance(encodeBase64Url(from, length, to));
      break;
    }
    default: {
      const to = out.reserve(<usize>base64Length(length) + SLACK_BYTES);
      if (to == 0) return false;
      out.advance(encodeBase64(from, length, to));
    }
  }
  return !out.overflowed;
}
