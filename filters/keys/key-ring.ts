// One key of the KMS in one VM: its versions, the fetches under way and the requests that wait for them.
import {
  ABSENT_KEY_MS,
  MAX_ABSENT_VERSIONS,
  MAX_KEY_AGE_MS,
  MAX_KEY_VERSIONS,
  MAX_KEY_WAITERS,
  MAX_KMS_BACKOFF_MS,
  MIN_KMS_BACKOFF_MS,
} from '../limits';
import { Bytes } from '../memory/bytes';
import { scratch } from '../memory/scratch';
import { Writer } from '../memory/writer';
import { CalloutHandler, sendGet } from '../runtime/callout';
import { KmsConfig } from '../runtime/config.gen';
import { Exchange } from '../runtime/exchange';
import { monotonicMillis, wallMillis } from '../runtime/host';
import { requestCollection } from '../runtime/garbage';
import { resume } from '../runtime/resume';

import { KeyVersion } from './key-version';
import { AnswerKind, KmsAnswer } from './kms-answer';
import { NEWEST, Waiter } from './waiter';
import { fetchFailed, fetchSucceeded, keyAbsent, keyReplaced, keyRotated, keyUnreadable, waitExpired, waitMillis } from './stats';

/** What `newest` and `numbered` found. */
export const enum KeyState {
  /** The key is in `found`. */
  Ready = 0,
  /** It is being fetched; the stream will be resumed. */
  Pending = 1,
  /** The KMS did not answer within the bound, or too many wait. */
  Unavailable = 2,
  /** The KMS says that there is no such key or version. */
  Absent = 3,
  /** Its time is over, or the KMS has not answered for so long that nobody knows: it serves no more. */
  Expired = 4,
}

/** Characters of `kms://`, which the KMS's own path does not have. */
const SCHEME_CHARS: u32 = 6;

const STATUS_OK: u32 = 200;
const STATUS_NOT_FOUND: u32 = 404;

const answer: KmsAnswer = new KmsAnswer();
const path: Writer = new Writer(scratch);

/** Stands for every version where waiters are chosen. */
const ANY: u32 = u32.MAX_VALUE;

/** A fetch of one version (or the newest), at most one of its kind at a time. */
class Fetch extends CalloutHandler {
  running: bool = false;
  version: u32 = NEWEST;
  /** Not before this time, after a failure. */
  retryAtMs: u64 = 0;
  private pauseMs: u64 = 0;

  ring: KeyRing | null = null;

  /** Sends the call if none is under way and the pause after a failure is over. */
  start(rootId: u32, streamId: u32, version: u32, nowMs: u64): void {
    if (this.running || nowMs < this.retryAtMs) return;
    const ring = this.ring;
    if (ring == null) return;
    const kms = ring.kms;
    path.begin(512);
    path.bytes(kms.pathPrefix.pointer, kms.pathPrefix.length);
    path.bytes(ring.id.pointer + SCHEME_CHARS, ring.id.length - SCHEME_CHARS);
    if (version != NEWEST) {
      path.ascii('?version=');
      path.decimal(version);
    }
    this.version = version;
    this.running = !path.overflowed && sendGet(rootId, streamId, kms.cluster, kms.authority, path.pointer, path.length, kms.timeoutMs, this);
    if (!this.running) this.pause(nowMs);
  }

  /** Doubles the pause before the next try; the clock's low bits spread the tries of many workers. */
  pause(nowMs: u64): void {
    this.pauseMs = min(max(this.pauseMs * 2, MIN_KMS_BACKOFF_MS), MAX_KMS_BACKOFF_MS);
    this.retryAtMs = nowMs + this.pauseMs + (nowMs * 31) % (this.pauseMs / 4 + 1);
  }

  onAnswer(rootId: u32, status: u32, body: usize, bodyLength: u32): void {
    this.running = false;
    const ring = this.ring;
    if (ring == null) return;
    const nowMs = monotonicMillis();
    if (status == STATUS_OK && answer.readStored(body, bodyLength, wallMillis()) == AnswerKind.Key) {
      this.pauseMs = 0;
      this.retryAtMs = 0;
      const known = ring.take(answer, this.version, nowMs);
      answer.wipe(body, bodyLength);
      if (known) ring.wake(this.version, false);
      ring.fetchNumbered(rootId, nowMs);
      return;
    }
    answer.wipe(body, bodyLength);
    fetchFailed.add(1);
    if (status == STATUS_NOT_FOUND) {
      this.pauseMs = 0;
      ring.absent(this.version, nowMs);
      ring.wake(this.version, true);
      ring.fetchNumbered(rootId, nowMs);
      return;
    }
    if (status == STATUS_OK) keyUnreadable.add(1);
    this.pause(nowMs);
  }

  onLost(): void {
    this.running = false;
  }
}

export class KeyRing {
  /** The key that `newest` or `numbered` found. */
  found: KeyVersion | null = null;
  /** Monotonic time of the last use, milliseconds. */
  usedAtMs: u64 = 0;
  /** The key store has let go of it: no tick comes, so who still holds it must ask the store anew. */
  dropped: bool = false;

  /** Newest first; but the first is the one to encrypt with only if `checked`. */
  private versions: Array<KeyVersion> = [];
  /** The KMS was asked for the newest version, at `checkedAtMs`. */
  private checked: bool = false;
  private checkedAtMs: u64 = 0;
  private usedSinceCheck: bool = false;
  private absentUntilMs: u64 = 0;
  private absentVersions: StaticArray<u32> = new StaticArray<u32>(MAX_ABSENT_VERSIONS);
  private absentVersionsAtMs: StaticArray<u64> = new StaticArray<u64>(MAX_ABSENT_VERSIONS);
  private nextAbsent: i32 = 0;
  /** Who waits, first come first; records are pooled. */
  private first: Waiter | null = null;
  private last: Waiter | null = null;
  private spare: Waiter | null = null;
  private waiting: i32 = 0;
  /** Waiters are being told that their time is over. */
  private givingUp: bool = false;
  private readonly newestFetch: Fetch = new Fetch();
  private readonly numberedFetch: Fetch = new Fetch();

  /** `id`: `kms://path`. `kms`: settings of the configuration that asked last. */
  constructor(
    readonly id: Bytes,
    public kms: KmsConfig,
  ) {
    this.newestFetch.ring = this;
    this.numberedFetch.ring = this;
  }

  /** The version to encrypt with. */
  newest(exchange: Exchange): KeyState {
    const nowMs = monotonicMillis();
    this.usedAtMs = nowMs;
    this.usedSinceCheck = true;
    if (this.checked && this.versions.length > 0 && nowMs - this.checkedAtMs <= MAX_KEY_AGE_MS) {
      const key = this.versions[0];
      key.usedAtMs = nowMs;
      this.found = key;
      return KeyState.Ready;
    }
    if (nowMs < this.absentUntilMs) return KeyState.Absent;
    if (this.givingUp) return KeyState.Unavailable;
    return this.await(exchange, NEWEST, nowMs);
  }

  /** The version that a message names. */
  numbered(exchange: Exchange, version: u32): KeyState {
    const nowMs = monotonicMillis();
    this.usedAtMs = nowMs;
    this.usedSinceCheck = true;
    let asked = version;
    for (let i = 0; i < this.versions.length; i++) {
      const key = this.versions[i];
      if (key.version != version) continue;
      if (nowMs - max(key.checkedAtMs, this.checkedAtMs) <= MAX_KEY_AGE_MS) {
        key.usedAtMs = nowMs;
        this.found = key;
        return KeyState.Ready;
      }
      asked = NEWEST; // too long without a word from the KMS: it serves again once there is one
      break;
    }
    if (nowMs < this.absentUntilMs || this.isAbsent(version, nowMs)) return KeyState.Absent;
    if (this.givingUp) return KeyState.Unavailable;
    return this.await(exchange, asked, nowMs);
  }

  /** The data key that a message carries as the KMS wrapped it; keys that the KMS itself stores have none. */
  unwrapped(exchange: Exchange, wrapped: usize, length: u32): KeyState {
    this.usedAtMs = monotonicMillis();
    return KeyState.Absent;
  }

  private await(exchange: Exchange, version: u32, nowMs: u64): KeyState {
    if (this.waiting >= MAX_KEY_WAITERS) return KeyState.Unavailable;
    this.append(exchange, version, nowMs);
    (version == NEWEST ? this.newestFetch : this.numberedFetch).start(exchange.rootId, exchange.contextId, version, nowMs);
    return KeyState.Pending;
  }

  private append(exchange: Exchange, version: u32, nowMs: u64): void {
    let waiter = this.spare;
    if (waiter == null) waiter = new Waiter();
    else this.spare = waiter.next;
    waiter.contextId = exchange.contextId;
    waiter.direction = exchange.direction;
    waiter.version = version;
    waiter.sinceMs = nowMs;
    this.enqueue(waiter);
  }

  private enqueue(waiter: Waiter): void {
    waiter.next = null;
    const last = this.last;
    if (last == null) this.first = waiter;
    else last.next = waiter;
    this.last = waiter;
    this.waiting++;
  }

  private isAbsent(version: u32, nowMs: u64): bool {
    for (let i = 0; i < MAX_ABSENT_VERSIONS; i++) {
      if (this.absentVersions[i] == version && nowMs - this.absentVersionsAtMs[i] < ABSENT_KEY_MS) return true;
    }
    return false;
  }

  /** Begins to fetch before the first message needs the key. */
  prepare(rootId: u32): void {
    this.usedAtMs = monotonicMillis();
    if (!this.checked) this.newestFetch.start(rootId, 0, NEWEST, this.usedAtMs);
  }

  /** Refreshes a key in use, retries what failed, ends waits that took too long, and forgets a key that nobody used for MAX_KEY_AGE_MS. */
  tick(rootId: u32): void {
    const nowMs = monotonicMillis();
    this.expireWaits(nowMs);
    if (this.versions.length > 0 && this.idle && nowMs - this.usedAtMs > MAX_KEY_AGE_MS) this.retire();
    let waiter = this.first;
    while (waiter != null && waiter.version != NEWEST) waiter = waiter.next;
    const due = this.versions.length > 0 && this.usedSinceCheck && (!this.checked || nowMs - this.checkedAtMs >= <u64>this.kms.refreshMs);
    if (waiter != null || due) this.newestFetch.start(rootId, 0, NEWEST, nowMs);
    this.fetchNumbered(rootId, nowMs);
  }

  /** Begins to fetch the version that the first of the waiting names: first come, first served, whatever versions others make up. */
  fetchNumbered(rootId: u32, nowMs: u64): void {
    let waiter = this.first;
    while (waiter != null && waiter.version == NEWEST) waiter = waiter.next;
    if (waiter != null) this.numberedFetch.start(rootId, 0, waiter.version, nowMs);
  }

  private expireWaits(nowMs: u64): void {
    const bound = <u64>this.kms.holdMs;
    if (nowMs > bound) waitExpired.add(this.release(ANY, nowMs - bound, true));
  }

  /** Keeps what the KMS gave for `asked`. False if it is not the version that was asked for. */
  take(fetched: KmsAnswer, asked: u32, nowMs: u64): bool {
    fetchSucceeded.add(1);
    if (asked != NEWEST && fetched.version != asked) {
      this.absent(asked, nowMs);
      return true;
    }
    if (asked == NEWEST) {
      this.checked = true;
      this.checkedAtMs = nowMs;
      this.usedSinceCheck = false;
    }
    for (let i = 0; i < this.versions.length; i++) {
      const known = this.versions[i];
      if (known.version != fetched.version) continue;
      if (known.holds(fetched.algorithm, fetched.material, fetched.materialLength)) return true;
      keyReplaced.add(1);
      known.retire();
      this.versions.splice(i, 1);
      break;
    }
    const kid = this.kidOf(fetched.version);
    if (kid == null) return false;
    const fresh = new KeyVersion(fetched.algorithm, fetched.version, kid, fetched.material, fetched.materialLength, nowMs);
    if (!fresh.usable) {
      keyUnreadable.add(1);
      fresh.retire();
      return false;
    }
    this.insert(fresh);
    return true;
  }

  private kidOf(version: u32): Bytes | null {
    const kid = path;
    kid.begin(512);
    kid.bytes(this.id.pointer, this.id.length);
    kid.byte(35); // '#'
    kid.decimal(version);
    return kid.overflowed ? null : Bytes.copy(kid.pointer, kid.length);
  }

  /** Newest first; of too many, one is retired. */
  private insert(version: KeyVersion): void {
    const versions = this.versions;
    let at = 0;
    while (at < versions.length && versions[at].version > version.version) at++;
    if (at == 0 && versions.length > 0) keyRotated.add(1);
    versions.push(version);
    for (let i = versions.length - 1; i > at; i--) versions[i] = versions[i - 1];
    versions[at] = version;
    if (versions.length > MAX_KEY_VERSIONS) this.makeRoom(version);
    requestCollection();
  }

  /** Retires the version unused for longest; neither the newest nor `fresh`, which messages wait for. */
  private makeRoom(fresh: KeyVersion): void {
    const versions = this.versions;
    let oldest = 0;
    for (let i = 1; i < versions.length; i++) {
      if (versions[i] != fresh && (oldest == 0 || versions[i].usedAtMs <= versions[oldest].usedAtMs)) oldest = i;
    }
    versions[oldest].retire();
    versions.splice(oldest, 1);
  }

  /** The KMS does not have the version; without any version the key is gone, and nothing is kept of it. */
  absent(version: u32, nowMs: u64): void {
    keyAbsent.add(1);
    if (version != NEWEST) {
      this.absentVersions[this.nextAbsent] = version;
      this.absentVersionsAtMs[this.nextAbsent] = nowMs;
      this.nextAbsent = (this.nextAbsent + 1) % MAX_ABSENT_VERSIONS;
      return;
    }
    this.absentUntilMs = nowMs + ABSENT_KEY_MS;
    this.retire();
  }

  /** Overwrites all versions. */
  retire(): void {
    for (let i = 0; i < this.versions.length; i++) this.versions[i].retire();
    this.versions = [];
    this.checked = false;
    this.found = null;
  }

  get idle(): bool {
    return this.waiting == 0 && !this.newestFetch.running && !this.numberedFetch.running;
  }

  /** Resumes what waits for a version. `giveUp`: it will not come. */
  wake(version: u32, giveUp: bool): void {
    this.release(version, u64.MAX_VALUE, giveUp);
  }

  /** Resumes who waits for `version` (ANY: whichever) since `sinceMs` or longer; answers how many. Resuming may add new waiters. */
  private release(version: u32, sinceMs: u64, giveUp: bool): u32 {
    const nowMs = monotonicMillis();
    let waiter = this.first;
    this.first = null;
    this.last = null;
    this.waiting = 0;
    let going: Waiter | null = null;
    let end: Waiter | null = null;
    while (waiter != null) {
      const next: Waiter | null = waiter.next;
      if ((version != ANY && waiter.version != version) || waiter.sinceMs > sinceMs) this.enqueue(waiter);
      else {
        waiter.next = null;
        if (end == null) going = waiter;
        else end.next = waiter;
        end = waiter;
      }
      waiter = next;
    }
    let count: u32 = 0;
    while (going != null) {
      const next: Waiter | null = going.next;
      const contextId = going.contextId;
      const direction = going.direction;
      waitMillis.record(nowMs - going.sinceMs);
      going.next = this.spare;
      this.spare = going;
      this.givingUp = giveUp;
      resume(contextId, direction);
      count++;
      going = next;
    }
    this.givingUp = false;
    return count;
  }
}
