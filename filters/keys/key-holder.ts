// The only way to use a key: holder of its ring, choice of version, and verdict.
import { ErrorId } from '../errors.gen';
import { MAX_VERSIONS_TRIED } from '../limits';
import { Bytes } from '../memory/bytes';
import { KmsConfig } from '../runtime/config.gen';
import { Exchange } from '../runtime/exchange';
import { UNNUMBERED } from '../runtime/stream-note';
import { KeyRing } from './key-ring';
import { KeyState, errorOf, isOutage } from './key-state';
import { keyRing } from './key-store';
import { KeyVersion } from './key-version';
import { KEYS } from './waiting-line';

/** Result of using a key. */
export const enum KeyVerdict {
  /** The version is in `key`. If a message was tested, it is genuine under it. */
  Genuine = 0,
  /**
   * The message is at fault: it is genuine under no version that counts, or names a version that does not exist (`key`
   * is then null).
   */
  Wrong = 1,
  /** The key is being fetched. Return `Wait`; the stream will be resumed. */
  Wait = 2,
  /** The service is at fault. `error` is the reason. */
  Unavailable = 3,
}

/** Test of a version against the current message, which a stage supplies. */
export abstract class KeyTest {
  /** Whether the version fits the algorithm. */
  abstract fits(key: KeyVersion): bool;
  /** Whether the message is genuine under it. */
  abstract isGenuine(key: KeyVersion): bool;
}

/**
 * A key that a route uses. Its ring is looked up at the first message, because the key store outlives configurations.
 */
export class KeyHolder {
  /** The version, after `Genuine`. The last one tried, after `Wrong`. */
  key: KeyVersion | null = null;
  /** Error after `Unavailable`: a code of the KMS, the same for all users of the key. */
  error: ErrorId = ErrorId.None;
  private ring: KeyRing | null = null;
  private waits: bool = true;

  /**
   * `id`: `kms://path`. `bits`: of data keys that a transit engine generates. `observable`: under `Observe` the user's
   * verdict holds up nothing, so it never waits.
   */
  constructor(
    readonly id: Bytes,
    private readonly bits: u32 = 128,
    private readonly observable: bool = false,
  ) {}

  private ringOf(kms: KmsConfig): KeyRing {
    const known = this.ring;
    if (known != null && !known.dropped) return known;
    const ring = keyRing(this.id, kms, this.bits);
    this.ring = ring;
    return ring;
  }

  /** Starts fetching. `protects`: whether messages will be encrypted or signed. */
  prepare(kms: KmsConfig, rootId: u32, protects: bool): void {
    this.ringOf(kms).prepare(rootId, protects);
  }

  private bind(exchange: Exchange): KeyRing | null {
    const kms = exchange.kms;
    this.key = null;
    this.error = ErrorId.FIM_KMS_0001;
    this.waits = !(this.observable && exchange.observes);
    return kms == null ? null : this.ringOf(kms);
  }

  /** Finds the version to encrypt or sign with. */
  newest(exchange: Exchange, test: KeyTest): KeyVerdict {
    const ring = this.bind(exchange);
    return ring == null
      ? KeyVerdict.Unavailable
      : this.noted(exchange, this.take(exchange, ring, ring.newest(exchange.caller, this.waits), test));
  }

  /** Finds the version that a message names. */
  numbered(exchange: Exchange, version: u32, test: KeyTest): KeyVerdict {
    const ring = this.bind(exchange);
    return ring == null
      ? KeyVerdict.Unavailable
      : this.noted(exchange, this.take(exchange, ring, ring.numbered(exchange.caller, version, this.waits), test));
  }

  /** Finds the data key that a message carries. */
  unwrapped(exchange: Exchange, wrapped: usize, length: u32, test: KeyTest): KeyVerdict {
    const ring = this.bind(exchange);
    return ring == null
      ? KeyVerdict.Unavailable
      : this.noted(
          exchange,
          this.take(exchange, ring, ring.unwrapped(exchange.caller, wrapped, length, this.waits), test),
        );
  }

  /**
   * Tests a message that names no version. Tries the newest, then the previous one, then older ones that were
   * superseded a short time ago. If the KMS currently does not return a version, the service is at fault and not the
   * message.
   */
  judge(exchange: Exchange, test: KeyTest): KeyVerdict {
    const ring = this.bind(exchange);
    if (ring == null) return KeyVerdict.Unavailable;
    const first = this.take(exchange, ring, ring.latest(exchange.caller, this.waits), test);
    let key = this.key;
    if (first != KeyVerdict.Genuine || key == null) return first;
    if (this.proves(key, test)) return this.noted(exchange, first);
    for (let tried = 1; tried < MAX_VERSIONS_TRIED && key.number > 1 && (tried == 1 || ring.isRecent(key)); tried++) {
      const state = ring.numbered(exchange.caller, key.number - 1, this.waits);
      if (state == KeyState.Pending) return this.wait(exchange);
      if (isOutage(state)) return this.fail(state);
      const before = ring.found;
      if (state != KeyState.Ready || before == null) break;
      key = before;
      if (test.fits(key) && this.proves(key, test)) return this.noted(exchange, KeyVerdict.Genuine);
    }
    return KeyVerdict.Wrong;
  }

  /** Tests a message under the version in `key`. */
  test(test: KeyTest): KeyVerdict {
    const key = this.key;
    return key != null && this.proves(key, test) ? KeyVerdict.Genuine : KeyVerdict.Wrong;
  }

  private proves(key: KeyVersion, test: KeyTest): bool {
    this.key = key;
    if (!test.isGenuine(key)) return false;
    key.proven = true;
    return true;
  }

  private take(exchange: Exchange, ring: KeyRing, state: KeyState, test: KeyTest): KeyVerdict {
    if (state == KeyState.Pending) return this.wait(exchange);
    if (state == KeyState.Absent || state == KeyState.Retired) return KeyVerdict.Wrong;
    const key = ring.found;
    if (state != KeyState.Ready || key == null) return this.fail(state);
    this.key = key;
    if (test.fits(key)) return KeyVerdict.Genuine;
    this.error = ErrorId.FIM_KMS_0009;
    return KeyVerdict.Unavailable;
  }

  /** The version that was found is one that the message's record names. */
  private noted(exchange: Exchange, verdict: KeyVerdict): KeyVerdict {
    const key = this.key;
    if (verdict == KeyVerdict.Genuine && key != null)
      exchange.noteKey(this.id, key.wrapped.length == 0 ? key.number : UNNUMBERED);
    return verdict;
  }

  /** The ring resumes the message. */
  private wait(exchange: Exchange): KeyVerdict {
    exchange.resumer = KEYS;
    return KeyVerdict.Wait;
  }

  private fail(state: KeyState): KeyVerdict {
    this.error = errorOf(state);
    return KeyVerdict.Unavailable;
  }
}
