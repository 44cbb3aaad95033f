// One key of the KMS in one VM: its versions, the fetches under way and the requests that wait for them.
import { ABSENT_KEY_MS, KEY_RECHECK_HOLD_MS, MAX_KEY_AGE_MS, MAX_KEY_WAITERS, MIN_KEY_RECHECK_MS } from '../limits';
import { Bytes } from '../memory/bytes';
import { CalloutRequest } from '../runtime/callout';
import { KmsConfig } from '../runtime/config.gen';
import { Exchange } from '../runtime/exchange';
import { monotonicMillis, wallMillis } from '../runtime/host';
import { resume } from '../runtime/resume';
import { BackEnd, StoredKeys, TransitKeys, isTransit } from './back-end';
import { Fetch, Fetcher, VersionFetches } from './fetch';
import { KeyState } from './key-state';
import { KeyVersion } from './key-version';
import { KeyVersions } from './key-versions';
import { AnswerKind, KmsAnswer, isWrapped } from './kms-answer';
import { Backoff, soonest, spread } from './pace';
import { fetchDenied, fetchFailed, fetchSucceeded, keyAbsent, keyExpired, keyUnreadable, waitExpired, waitMillis } from './stats';
import { VersionNotes } from './version-notes';
import { NEWEST, Waiter, WaitingLine } from './waiter';

/** Who of those that wait is resumed. */
const enum Those {
  /** Who wait for one version. */
  OfVersion = 0,
  /** Who wait for the newest, and for its number. */
  OfNewest = 1,
  /** Who named a version above the newest before the KMS was asked for that. */
  Above = 2,
  /** Who have waited for too long. */
  Overdue = 3,
  /** Whom a version that is held can serve. */
  Served = 4,
  /** Whom a version that is held can serve, and who have waited long enough for a word of the KMS on it. */
  Patient = 5,
  All = 6,
}

const STATUS_OK: u32 = 200;
const STATUS_UNAUTHORIZED: u32 = 401;
const STATUS_FORBIDDEN: u32 = 403;

const answer: KmsAnswer = new KmsAnswer();

export class KeyRing extends Fetcher {
  /** The key that was found. */
  found: KeyVersion | null = null;
  /** Monotonic time of the last use, milliseconds. */
  usedAtMs: u64 = 0;
  /** The key store has let go of it: no tick comes, so who still holds it must ask the store anew. */
  dropped: bool = false;

  private readonly transit: TransitKeys | null;
  private readonly backEnd: BackEnd;
  private readonly versions: KeyVersions;
  private readonly notes: VersionNotes;
  private readonly line: WaitingLine = new WaitingLine();
  private readonly newestFetch: Fetch = new Fetch();
  private readonly fetches: VersionFetches = new VersionFetches();
  /** When the KMS last named the newest version, and when it was asked; 0: never. */
  private checkedAtMs: u64 = 0;
  private askedAtMs: u64 = 0;
  /** When to ask again. */
  private dueAtMs: u64 = 0;
  private usedSinceCheck: bool = false;
  /** Until then it is believed that there is no key, or no version to encrypt with. */
  private absentUntilMs: u64 = 0;
  private closedUntilMs: u64 = 0;
  /** The version to encrypt with has ended. */
  private ended: bool = false;
  private readonly backoff: Backoff = new Backoff();
  /** What those are told that are resumed just now and ask in vain; Pending: they may wait again; Ready: what is held serves them. */
  private verdict: KeyState = KeyState.Pending;

  /** `id`: `kms://path`. `kms`: settings of the configuration that asked last. `bits`: of data keys. */
  constructor(
    readonly id: Bytes,
    public kms: KmsConfig,
    readonly bits: u32,
  ) {
    super();
    const transit: TransitKeys | null = isTransit(id, kms) ? new TransitKeys(bits) : null;
    const notes = new VersionNotes();
    const backEnd: BackEnd = transit != null ? transit : new StoredKeys();
    this.transit = transit;
    this.backEnd = backEnd;
    this.versions = new KeyVersions(id, backEnd.capacity, transit != null, notes);
    this.notes = notes;
    this.newestFetch.owner = this;
    this.fetches.ownedBy(this);
  }

  /** The version to encrypt with. */
  newest(exchange: Exchange): KeyState {
    const nowMs = this.use();
    const key = this.versions.active;
    if (key != null && nowMs < key.expiresAtMs && this.isCurrent(this.checkedAtMs, nowMs)) return this.ready(key, nowMs);
    if (nowMs < this.absentUntilMs || nowMs < this.closedUntilMs) return this.ended ? KeyState.Expired : KeyState.Absent;
    if (this.backoff.failing && (this.ended || !this.versions.isEmpty)) return KeyState.Expired;
    return this.await(exchange, NEWEST, nowMs);
  }

  /** To open what names no version: the latest that is known (others may use it a look earlier); if it has ended or was taken back, the one before it. */
  latest(exchange: Exchange): KeyState {
    const state = this.newest(exchange);
    const key = this.versions.latest;
    if (state == KeyState.Ready) return key != null ? this.ready(key, this.usedAtMs) : state;
    if (state == KeyState.Pending || this.usedAtMs >= this.closedUntilMs) return state;
    const newest = this.versions.newestNumber;
    const before = newest > 1 ? this.held(exchange, newest - 1, this.usedAtMs) : KeyState.Absent;
    return before == KeyState.Absent ? KeyState.Retired : before;
  }

  /** Whether messages carry their data keys. */
  get hasDataKeys(): bool {
    return this.transit != null;
  }

  /** The version that a message names. */
  numbered(exchange: Exchange, version: u32): KeyState {
    if (this.transit != null) return KeyState.Absent;
    return this.held(exchange, version, this.use());
  }

  /** The data key that a message carries as the KMS wrapped it; keys that the KMS itself stores have none. */
  unwrapped(exchange: Exchange, wrapped: usize, length: u32): KeyState {
    const transit = this.transit;
    if (transit == null || !isWrapped(wrapped, length)) return KeyState.Absent;
    const nowMs = this.use();
    const number = transit.numberOf(wrapped, length, nowMs, this);
    return number == NEWEST ? KeyState.Unavailable : this.held(exchange, number, nowMs);
  }

  private use(): u64 {
    const nowMs = monotonicMillis();
    this.usedAtMs = nowMs;
    this.usedSinceCheck = true;
    return nowMs;
  }

  private held(exchange: Exchange, version: u32, nowMs: u64): KeyState {
    const key = this.versions.find(version);
    if (key != null) {
      if (nowMs >= key.expiresAtMs) return KeyState.Absent;
      if (this.isCurrent(key.checkedAtMs, nowMs)) return this.ready(key, nowMs);
      if (this.backoff.failing) return KeyState.Expired;
    } else if (nowMs < this.absentUntilMs || this.notes.isAbsent(version, nowMs)) return KeyState.Absent;
    return this.await(exchange, version, nowMs);
  }

  private ready(key: KeyVersion, nowMs: u64): KeyState {
    key.usedAtMs = nowMs;
    this.found = key;
    return KeyState.Ready;
  }

  /** Whether what the KMS said then still counts: for a while as long as it answers, and for MAX_KEY_AGE_MS while it does not. */
  private isCurrent(saidAtMs: u64, nowMs: u64): bool {
    if (saidAtMs == 0) return false;
    const patience = 2 * max(<u64>this.kms.refreshMs, this.backEnd.leastRecheckMs) + <u64>this.kms.timeoutMs;
    return nowMs - saidAtMs <= (this.backoff.failing || this.verdict == KeyState.Ready ? MAX_KEY_AGE_MS : patience);
  }

  private await(exchange: Exchange, version: u32, nowMs: u64): KeyState {
    if (this.verdict != KeyState.Pending) return this.verdict == KeyState.Ready ? KeyState.Unavailable : this.verdict;
    if (this.line.length >= MAX_KEY_WAITERS) return KeyState.Unavailable;
    this.line.add(exchange, version, nowMs);
    if (version == NEWEST || this.isAbove(version)) this.askNewest(exchange.rootId, exchange.contextId, nowMs);
    else this.askVersion(exchange.rootId, exchange.contextId, version, nowMs);
    return KeyState.Pending;
  }

  /** Whether only a look at the newest version can tell of this one. */
  private isAbove(version: u32): bool {
    return this.transit == null && (this.checkedAtMs == 0 || version >= this.versions.newestNumber);
  }

  private askNewest(rootId: u32, streamId: u32, nowMs: u64): void {
    if (this.newestFetch.running || !this.backoff.allows(nowMs)) return;
    if (this.askedAtMs != 0 && nowMs - this.askedAtMs < MIN_KEY_RECHECK_MS) return; // the next tick asks
    this.askedAtMs = nowMs;
    if (!this.newestFetch.start(this.kms, rootId, streamId, NEWEST, nowMs)) this.backoff.fail(nowMs);
  }

  /** Fetches a version if there is a place. While the KMS does not answer, one call at a time tries. */
  private askVersion(rootId: u32, streamId: u32, version: u32, nowMs: u64): void {
    if (!this.backoff.allows(nowMs) || (this.backoff.failing && this.isBusy)) return;
    const preferred = this.notes.wasGenuine(version) || this.versions.find(version) != null;
    if (!this.fetches.start(this.kms, rootId, streamId, version, preferred, nowMs)) this.backoff.fail(nowMs);
  }

  private get isBusy(): bool {
    return this.newestFetch.running || this.fetches.isBusy;
  }

  /** Nothing is under way: the ring may be dropped. */
  get idle(): bool {
    return this.line.length == 0 && !this.isBusy;
  }

  uses(number: u32): bool {
    return this.versions.find(number) != null || this.line.waitsFor(number);
  }

  writeRequest(version: u32, request: CalloutRequest): bool {
    return this.backEnd.writeRequest(this.id, this.kms, version, request);
  }

  /** Begins to fetch before the first message needs the key. */
  prepare(rootId: u32): void {
    this.usedAtMs = monotonicMillis();
    if (this.checkedAtMs == 0) this.askNewest(rootId, 0, this.usedAtMs);
  }

  /** Refreshes a key in use, retries what failed, ends waits that took too long, and forgets what has ended or nobody used for MAX_KEY_AGE_MS. */
  tick(rootId: u32): void {
    const nowMs = monotonicMillis();
    const bound = <u64>this.kms.holdMs;
    if (nowMs > bound) waitExpired.add(this.release(Those.Overdue, nowMs - bound, KeyState.Unavailable));
    if (this.backoff.failing) this.serveHeld();
    if (nowMs > KEY_RECHECK_HOLD_MS) this.release(Those.Patient, nowMs - KEY_RECHECK_HOLD_MS, KeyState.Ready);
    if (!this.versions.isEmpty && this.idle && nowMs - this.usedAtMs > MAX_KEY_AGE_MS) this.retire();
    if (this.versions.retireEnded(nowMs)) this.end();
    const due = this.checkedAtMs != 0 && (this.ended || !this.versions.isEmpty) && this.usedSinceCheck && nowMs >= this.dueAtMs;
    if (due || this.someoneWaitsForNewest()) this.askNewest(rootId, 0, nowMs);
    const old = this.versions.unchecked(max(<u64>this.kms.refreshMs * 3 / 4, this.backEnd.leastRecheckMs), nowMs);
    if (old != null) this.askVersion(rootId, 0, old.number, nowMs);
    this.askVersions(rootId, nowMs);
  }

  private someoneWaitsForNewest(): bool {
    let waiter = this.line.first;
    while (waiter != null && waiter.version != NEWEST && !this.isAbove(waiter.version)) waiter = waiter.next;
    return waiter != null;
  }

  /** Fetches for those that wait, first come first served. */
  private askVersions(rootId: u32, nowMs: u64): void {
    let waiter = this.line.first;
    // A call that fails at once resumes streams, which changes the line: the next tick goes on.
    while (waiter != null && this.backoff.allows(nowMs)) {
      const next: Waiter | null = waiter.next;
      if (waiter.version != NEWEST && !this.isAbove(waiter.version)) this.askVersion(rootId, 0, waiter.version, nowMs);
      waiter = next;
    }
  }

  onFetched(fetch: Fetch, rootId: u32, status: u32, body: usize, bodyLength: u32): void {
    const nowMs = monotonicMillis();
    const wallMs = wallMillis();
    const version = fetch.version;
    const mayBeAbsent = this.backEnd.saysAbsent(status);
    const kind = status == STATUS_OK || mayBeAbsent ? this.backEnd.read(answer, version, body, bodyLength, wallMs) : AnswerKind.Unreadable;
    const absent = mayBeAbsent && answer.refuses;
    let key: KeyVersion | null = null;
    if (status == STATUS_OK && kind == AnswerKind.Key) key = this.keyOf(version, nowMs, wallMs);
    const named = answer.version;
    answer.wipe(body, bodyLength);
    if (key == null && kind != AnswerKind.Gone && kind != AnswerKind.Expired && !absent) {
      this.notUnderstood(version, status, nowMs);
      return;
    }
    this.backoff.recover();
    if (key != null) this.take(key, version, nowMs);
    else this.lose(version, kind, named, nowMs);
    this.askVersions(rootId, nowMs);
  }

  /** The version that was fetched, held already or made anew; null if it is no key or not what was asked for. */
  private keyOf(asked: u32, nowMs: u64, wallMs: i64): KeyVersion | null {
    let number = answer.version;
    const transit = this.transit;
    if (transit != null) number = asked == NEWEST ? transit.numberOf(answer.wrapped, answer.wrappedLength, nowMs, this) : asked;
    if (number == NEWEST || (asked != NEWEST && number != asked)) return null;
    return this.versions.put(answer, number, transit == null ? Bytes.EMPTY : transit.wrapped(number), nowMs, wallMs);
  }

  private take(key: KeyVersion, asked: u32, nowMs: u64): void {
    fetchSucceeded.add(1);
    if (asked != NEWEST) {
      this.release(Those.OfVersion, asked, KeyState.Pending);
      return;
    }
    this.checkedAtMs = nowMs;
    this.ended = false;
    this.dueAtMs = nowMs + spread(soonest(<u64>this.kms.refreshMs, key.expiresAtMs, nowMs));
    this.usedSinceCheck = !this.versions.confirmNewest(key); // a new version is looked at once more
    this.release(Those.OfNewest, key.number, KeyState.Pending);
    this.release(Those.Above, key.number, KeyState.Absent);
  }

  /** There is no such key or version, or not any more. `named`: the version that the KMS says has gone or ended, 0 if it named none. */
  private lose(asked: u32, kind: AnswerKind, named: u32, nowMs: u64): void {
    keyAbsent.add(1);
    if (kind == AnswerKind.Expired) keyExpired.add(1);
    if (asked != NEWEST) {
      this.versions.drop(asked);
      this.notes.noteAbsent(asked, nowMs);
      this.release(Those.OfVersion, asked, KeyState.Absent); // a message under a version that has ended is refused like any other that does not open
      return;
    }
    if (kind != AnswerKind.Gone && kind != AnswerKind.Expired) {
      this.absentUntilMs = nowMs + ABSENT_KEY_MS;
      this.retire();
      this.release(Those.All, 0, KeyState.Absent);
      return;
    }
    // The newest version is gone and those before it may still be read, but nothing is to be encrypted any more.
    this.checkedAtMs = nowMs;
    this.closedUntilMs = nowMs + ABSENT_KEY_MS;
    this.ended = kind == AnswerKind.Expired;
    this.versions.closeAt(named);
    this.notes.noteAbsent(named, nowMs);
    this.release(Those.OfNewest, named, KeyState.Pending); // `newest` refuses now, and who opens may go on to wait for the version before
    this.release(Those.Above, named, KeyState.Absent);
  }

  /** An answer that is no key. For one version it is final; for the newest, and if there was no answer, the KMS is asked again after a pause. */
  private notUnderstood(version: u32, status: u32, nowMs: u64): void {
    fetchFailed.add(1);
    if (status == STATUS_UNAUTHORIZED || status == STATUS_FORBIDDEN) fetchDenied.add(1);
    if (status == STATUS_OK) keyUnreadable.add(1);
    if (status == STATUS_OK && version != NEWEST) this.release(Those.OfVersion, version, KeyState.Unavailable);
    else {
      this.backoff.fail(nowMs);
      this.serveHeld();
    }
  }

  /** While the KMS does not answer, who can be served from what is held need not wait for it. Never from a call of a stream: it would be resumed within it. */
  private serveHeld(): void {
    if (this.line.length > 0 && !this.versions.isEmpty) this.release(Those.Served, 0, KeyState.Pending);
  }

  private end(): void {
    this.ended = true;
    keyExpired.add(1);
  }

  /** Overwrites all versions. */
  retire(): void {
    this.versions.retireAll();
    this.checkedAtMs = 0;
    this.found = null;
  }

  private isChosen(waiter: Waiter, those: Those, value: u64): bool {
    switch (those) {
      case Those.OfVersion:
        return waiter.version == value;
      case Those.OfNewest:
        return waiter.version == NEWEST || waiter.version == value;
      case Those.Above:
        return this.transit == null && waiter.version > value && waiter.sinceMs <= this.askedAtMs;
      case Those.Overdue:
        return waiter.sinceMs <= value;
      case Those.Served:
        return this.holds(waiter);
      case Those.Patient:
        return waiter.sinceMs <= value && this.holds(waiter);
      default:
        return true;
    }
  }

  private holds(waiter: Waiter): bool {
    return waiter.version == NEWEST ? this.versions.active != null || this.ended : this.versions.find(waiter.version) != null;
  }

  /** Resumes some of those that wait; answers how many. Resuming may add new ones, unless `verdict` says what they get. */
  private release(those: Those, value: u64, verdict: KeyState): u32 {
    const nowMs = monotonicMillis();
    let going: Waiter | null = null;
    let end: Waiter | null = null;
    let waiter = this.line.takeAll();
    while (waiter != null) {
      const next: Waiter | null = waiter.next;
      if (!this.isChosen(waiter, those, value)) this.line.append(waiter);
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
      this.line.recycle(going);
      this.verdict = verdict;
      resume(contextId, direction);
      count++;
      going = next;
    }
    this.verdict = KeyState.Pending;
    return count;
  }
}
