// The text that a signature covers, of the message at hand.
import { MAX_SIGNED_PARTS } from '../limits';
import { HASH_BYTES, Hash } from '../crypto/hash';
import { Sha256 } from '../crypto/sha256';
import { Sm3 } from '../crypto/sm3';
import { encodeBase64 } from '../memory/base64';
import { Bytes } from '../memory/bytes';
import { scratch } from '../memory/scratch';
import { Writer } from '../memory/writer';
import { Exchange } from '../runtime/exchange';
import { AUTHORITY, METHOD, PATH } from '../runtime/names';
import { SignatureDigest, SignaturePartKind } from './config.gen';
import { isOnePlace } from './divisions';
import { SignedFields, Text, pathBytes } from './fields';
import { Guard, Part } from './part';

const STATUS: Bytes = Bytes.from(':status');
/** `:authority` under its HTTP/1 name. */
const HOST: Bytes = Bytes.from('host');
const FIRST_BYTES: usize = 1024;

const text: Writer = new Writer(scratch);
const sm3: Sm3 = new Sm3();
const sha256: Sha256 = new Sha256();
const DIGEST: usize = memory.data(32, 16);
const DIGEST_TEXT: usize = memory.data(128, 16);

/** Time and nonce of the message at hand: where their texts stand. */
export class SigningStamp {
  timestamp: usize = 0;
  timestampLength: u32 = 0;
  nonce: usize = 0;
  nonceLength: u32 = 0;
}

/** Begins of the parts of the text. */
const begins: StaticArray<u32> = new StaticArray<u32>(MAX_SIGNED_PARTS);
let madePointer: usize = 0;
let madeLength: u32 = 0;

/** The last text that `writeSignedText` made. */
export function signedPointer(): usize {
  return madePointer;
}

export function signedLength(): u32 {
  return madeLength;
}

/** Writes the text of the message at hand. A body that is the only part stays where it is. */
export function writeSignedText(
  exchange: Exchange,
  parts: StaticArray<Part>,
  fields: SignedFields,
  stamp: SigningStamp,
  digest: SignatureDigest,
  body: usize,
  length: u32,
): Text {
  if (parts.length == 1 && parts[0].kind == SignaturePartKind.Body && digest == SignatureDigest.None) {
    madePointer = body;
    madeLength = length;
    return Text.Done;
  }
  text.begin(FIRST_BYTES);
  for (let i = 0; i < parts.length; i++) {
    const part = unchecked(parts[i]);
    unchecked((begins[i] = text.length));
    if (part.kind >= SignaturePartKind.Member) {
      const answer = fields.write(exchange, part, text);
      if (answer != Text.Done) return answer;
    } else if (part.kind >= SignaturePartKind.Body) writeBody(part.kind, body, length);
    else writeHead(exchange, part, stamp);
  }
  if (text.overflowed) return Text.NoMemory;
  if (!isDividedOnce(parts)) return Text.Unreadable;
  if (digest != SignatureDigest.None) {
    const hash: Hash = digest == SignatureDigest.Sm3Hex ? sm3 : sha256;
    hash.hash(text.pointer, text.length, DIGEST);
    text.begin(HASH_BYTES * 2);
    text.hex(DIGEST, HASH_BYTES);
    if (text.overflowed) return Text.NoMemory;
  }
  madePointer = text.pointer;
  madeLength = text.length;
  return Text.Done;
}

/** Whether no other message has this text: `divisions.ts`. */
function isDividedOnce(parts: StaticArray<Part>): bool {
  for (let i = 0; i < parts.length; i++) {
    const part = unchecked(parts[i]);
    if (part.guard == Guard.None) continue;
    const end = i + 1 < parts.length ? unchecked(begins[i + 1]) : text.length;
    if (!isOnePlace(part, text.pointer, unchecked(begins[i]), end)) return false;
  }
  return true;
}

function writeHead(exchange: Exchange, part: Part, stamp: SigningStamp): void {
  switch (part.kind) {
    case SignaturePartKind.Constant:
      text.bytes(part.text.pointer, part.text.length);
      break;
    case SignaturePartKind.Method:
      header(exchange, METHOD);
      break;
    case SignaturePartKind.Status:
      header(exchange, STATUS);
      break;
    case SignaturePartKind.Header:
      header(exchange, HOST.equals(part.text.pointer, part.text.length) ? AUTHORITY : part.text);
      break;
    case SignaturePartKind.Timestamp:
      text.bytes(stamp.timestamp, stamp.timestampLength);
      break;
    case SignaturePartKind.Nonce:
      text.bytes(stamp.nonce, stamp.nonceLength);
      break;
    default:
      path(exchange, part.kind);
  }
}

function header(exchange: Exchange, name: Bytes): void {
  if (exchange.header(name.pointer, name.length)) text.bytes(exchange.valuePointer, exchange.valueLength);
}

function path(exchange: Exchange, kind: SignaturePartKind): void {
  const found = exchange.header(PATH.pointer, PATH.length);
  const from = exchange.valuePointer;
  const length = found ? exchange.valueLength : 0;
  const mark = pathBytes(from, length);
  if (kind == SignaturePartKind.PathAndQuery) text.bytes(from, length);
  else if (kind == SignaturePartKind.Path) text.bytes(from, mark);
  else if (mark < length) text.bytes(from + mark + 1, length - mark - 1);
}

function writeBody(kind: SignaturePartKind, body: usize, length: u32): void {
  if (kind == SignaturePartKind.Body) return text.bytes(body, length);
  const isSm3 = kind == SignaturePartKind.BodySm3Hex || kind == SignaturePartKind.BodySm3Base64;
  const hash: Hash = isSm3 ? sm3 : sha256;
  hash.hash(body, length, DIGEST);
  if (kind == SignaturePartKind.BodySm3Hex || kind == SignaturePartKind.BodySha256Hex)
    return text.hex(DIGEST, HASH_BYTES);
  text.bytes(DIGEST_TEXT, encodeBase64(DIGEST, HASH_BYTES, DIGEST_TEXT));
}
