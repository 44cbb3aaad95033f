// Requests to a KMS. Two back ends, as HashiCorp Vault and OpenBao serve them: KV version 2 (the KMS stores the key)
// and transit (the KMS generates a data key, returns it in clear and wrapped, and unwraps those of other senders).
import { MAX_DATA_KEYS, MAX_KEY_VERSIONS, MIN_DATA_KEY_RECHECK_MS } from '../limits';
import { Bytes, equalBytes } from '../memory/bytes';
import { scratch } from '../memory/scratch';
import { Writer } from '../memory/writer';
import { CalloutRequest } from '../runtime/callout';
import { KmsConfig } from '../runtime/config.gen';
import { requestCollection } from '../runtime/garbage';
import { AnswerKind, KmsAnswer } from './kms-answer';
import { Fetcher } from './fetch';
import { RefusedDataKeys } from './refused-data-keys';
import { NEWEST } from './waiter';

/** Length of `kms://`, which the KMS's own path lacks. */
const SCHEME_CHARS: u32 = 6;
const SLASH: u8 = 47;

const STATUS_BAD_REQUEST: u32 = 400;
const STATUS_NOT_FOUND: u32 = 404;

const path: Writer = new Writer(scratch);
const body: Writer = new Writer(scratch);

/** Whether an id belongs to the transit mount: `kms://MOUNT/NAME`. */
export function isTransit(id: Bytes, kms: KmsConfig): bool {
  const mount = kms.transitMount;
  const end = SCHEME_CHARS + mount.length;
  return (
    mount.length > 0 &&
    id.length > end + 1 &&
    load<u8>(id.pointer + end) == SLASH &&
    equalBytes(id.pointer + SCHEME_CHARS, mount.pointer, mount.length)
  );
}

/** Requests to one kind of KMS, and the meaning of its responses. */
export abstract class BackEnd {
  constructor(
    /** Versions that a VM holds. */
    readonly capacity: i32,
    /** Shortest time between two checks of an old version, milliseconds. */
    readonly leastRecheckMs: u64,
  ) {}

  abstract writeRequest(id: Bytes, kms: KmsConfig, version: u32, request: CalloutRequest): bool;
  /** Whether a response with this status may mean that the key, version or data key does not exist. */
  abstract mayBeAbsent(status: u32): bool;
  /** Whether the response means that. */
  abstract saysAbsent(status: u32, answer: KmsAnswer): bool;
  abstract read(answer: KmsAnswer, version: u32, pointer: usize, length: u32, wallMs: i64): AnswerKind;
}

/** KV version 2: `GET /v1/secret/data/PATH`, with `?version=N` for an old one. */
export class StoredKeys extends BackEnd {
  constructor() {
    super(MAX_KEY_VERSIONS, 0);
  }

  writeRequest(id: Bytes, kms: KmsConfig, version: u32, request: CalloutRequest): bool {
    path.begin(512);
    path.bytes(kms.pathPrefix.pointer, kms.pathPrefix.length);
    path.bytes(id.pointer + SCHEME_CHARS, id.length - SCHEME_CHARS);
    if (version != NEWEST) {
      path.ascii('?version=');
      path.decimal(version);
    }
    request.path = path.pointer;
    request.pathLength = path.length;
    return !path.overflowed;
  }

  mayBeAbsent(status: u32): bool {
    return status == STATUS_NOT_FOUND;
  }

  /**
   * An empty list of errors. "no handler for route" is the KMS's own trouble: an engine that is not mounted, or not
   * yet.
   */
  saysAbsent(status: u32, answer: KmsAnswer): bool {
    return answer.refuses && answer.errors == 0;
  }

  read(answer: KmsAnswer, version: u32, pointer: usize, length: u32, wallMs: i64): AnswerKind {
    return answer.readStored(pointer, length, wallMs);
  }
}

class DataKey {
  usedAtMs: u64 = 0;

  constructor(
    readonly wrapped: Bytes,
    readonly number: u32,
  ) {}
}

/**
 * Transit: `POST /v1/MOUNT/datakey/plaintext/NAME` for a key to encrypt with, `POST /v1/MOUNT/decrypt/NAME` for one
 * that a message carries. This VM numbers data keys itself.
 */
export class TransitKeys extends BackEnd {
  readonly refused: RefusedDataKeys = new RefusedDataKeys();
  private readonly known: Array<DataKey> = [];
  private lastNumber: u32 = NEWEST;

  /** `bits`: length of requested data keys, 128 (SM4) or 256 (AES-256). */
  constructor(readonly bits: u32) {
    super(MAX_DATA_KEYS, MIN_DATA_KEY_RECHECK_MS);
  }

  /** Number of a wrapped data key, assigned at the first call. 0: all numbers are in use. */
  numberOf(wrapped: usize, length: u32, nowMs: u64, inUse: Fetcher): u32 {
    const known = this.known;
    for (let i = 0; i < known.length; i++) {
      if (!known[i].wrapped.equals(wrapped, length)) continue;
      known[i].usedAtMs = nowMs;
      return known[i].number;
    }
    if (known.length >= 2 * MAX_DATA_KEYS && !this.forgetOne(inUse)) return NEWEST;
    const key = new DataKey(Bytes.copy(wrapped, length), ++this.lastNumber);
    key.usedAtMs = nowMs;
    known.push(key);
    return key.number;
  }

  /** Makes room by forgetting the least recently used one that is neither held nor waited for. */
  private forgetOne(inUse: Fetcher): bool {
    let oldest = -1;
    for (let i = 0; i < this.known.length; i++) {
      if ((oldest < 0 || this.known[i].usedAtMs < this.known[oldest].usedAtMs) && !inUse.uses(this.known[i].number))
        oldest = i;
    }
    if (oldest < 0) return false;
    this.known.splice(oldest, 1);
    requestCollection();
    return true;
  }

  /** Wrapped form of a number. Empty if it was forgotten. */
  wrapped(number: u32): Bytes {
    for (let i = 0; i < this.known.length; i++) if (this.known[i].number == number) return this.known[i].wrapped;
    return Bytes.EMPTY;
  }

  writeRequest(id: Bytes, kms: KmsConfig, version: u32, request: CalloutRequest): bool {
    const start = SCHEME_CHARS + kms.transitMount.length + 1;
    path.begin(512);
    path.ascii('/v1/');
    path.bytes(kms.transitMount.pointer, kms.transitMount.length);
    path.ascii(version == NEWEST ? '/datakey/plaintext/' : '/decrypt/');
    path.bytes(id.pointer + start, id.length - start);
    body.begin(512);
    if (version == NEWEST) {
      body.ascii('{"bits":');
      body.decimal(this.bits);
    } else {
      const wrapped = this.wrapped(version);
      if (wrapped.length == 0) return false;
      body.ascii('{"ciphertext":"');
      body.jsonText(wrapped.pointer, wrapped.length);
      body.ascii('"');
    }
    body.ascii('}');
    request.path = path.pointer;
    request.pathLength = path.length;
    request.body = body.pointer;
    request.bodyLength = body.length;
    return !path.overflowed && !body.overflowed;
  }

  mayBeAbsent(status: u32): bool {
    return status == STATUS_NOT_FOUND || status == STATUS_BAD_REQUEST;
  }

  /**
   * Vault answers 400 with reasons both for a ciphertext that it cannot open and for a missing key. A 404 with reasons
   * means an engine that is not mounted.
   */
  saysAbsent(status: u32, answer: KmsAnswer): bool {
    return answer.refuses && (status == STATUS_BAD_REQUEST || answer.errors == 0);
  }

  /** Records a data key that the KMS did not unwrap, so that it is not requested again for a while. */
  refuse(number: u32, nowMs: u64): void {
    const wrapped = this.wrapped(number);
    if (wrapped.length > 0) this.refused.note(wrapped.pointer, wrapped.length, nowMs);
  }

  read(answer: KmsAnswer, version: u32, pointer: usize, length: u32, wallMs: i64): AnswerKind {
    return answer.readTransit(pointer, length, version == NEWEST);
  }
}
