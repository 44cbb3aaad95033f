// One key of the KMS in one VM: its versions, running fetches, and the times of requests to the KMS. Users of a key go
// through key-holder.ts.
import {
  ABSENT_KEY_MS,
  KEY_RECHECK_HOLD_MS,
  MAX_IDLE_VERSION_MS,
  MAX_KEY_AGE_MS,
  MAX_KEY_WAITERS,
  ROTATION_GRACE_MS,
} from '../limits';
import { Bytes } from '../memory/bytes';
import { CalloutRequest } from '../runtime/callout';
import { KmsConfig } from '../runtime/config.gen';
import { Caller } from '../runtime/caller';
import { monotonicMillis, wallMillis } from '../runtime/host';
import { BackEnd, StoredKeys, TransitKeys, isTransit } from './back-end';
import { Fetch, Fetcher, VersionFetches } from './fetch';
import { Freshness } from './freshness';
import { KeyReport } from './key-report';
import { KeyState } from './key-state';
import { KeyVersion } from './key-version';
import { KeyVersions } from './key-versions';
import { AnswerKind, KmsAnswer, isWrapped } from './kms-answer';
import { FailureBudget } from './pace';
import {
  fetchDenied,
  fetchFailed,
  fetchPutOff,
  fetchSucceeded,
  keyAbsent,
  keyExpired,
  keyUnreadable,
  waitExpired,
} from './stats';
import { NO_TIME } from './timestamp';
import { VersionNotes } from './version-notes';
import { NEWEST, Waiter } from './waiter';
import { Those, WaitingLine } from './waiting-line';

const STATUS_OK: u32 = 200;
const STATUS_UNAUTHORIZED: u32 = 401;
const STATUS_FORBIDDEN: u32 = 403;

const answer: KmsAnswer = new KmsAnswer();

export class KeyRing extends Fetcher {
  /** The key that was found. */
  found: KeyVersion | null = null;
  /** Monotonic time of the last use, milliseconds. */
  usedAtMs: u64 = 0;
  /** Whether the key store has dropped it. Then it gets no ticks, and holders must ask the store again. */
  dropped: bool = false;

  private readonly transit: TransitKeys | null;
  private readonly backEnd: BackEnd;
  private readonly versions: KeyVersions;
  private readonly notes: VersionNotes;
  private readonly freshness: Freshness;
  private readonly line: WaitingLine;
  private readonly report: KeyReport;
  private readonly newestFetch: Fetch = new Fetch();
  private readonly fetches: VersionFetches = new VersionFetches();
  private readonly failures: FailureBudget = new FailureBudget();

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
    const versions = new KeyVersions(id, backEnd.capacity, transit != null, notes);
    const freshness = new Freshness();
    this.freshness = freshness;
    this.transit = transit;
    this.backEnd = backEnd;
    this.versions = versions;
    this.notes = notes;
    this.line = new WaitingLine(versions, freshness, transit != null);
    this.report = new KeyReport(id);
    this.newestFetch.owner = this;
    this.fetches.ownedBy(this);
  }

  /**
   * Finds the version to encrypt with. `waits`: whether the stream may be held. If not, the held version serves while
   * the KMS is asked.
   */
  newest(caller: Caller, waits: bool): KeyState {
    const nowMs = this.use();
    const key = this.versions.active;
    if (key != null && nowMs < key.expiresAtMs) {
      if (this.isCurrent(this.freshness.checkedAtMs, nowMs)) return this.ready(key, nowMs);
      if (!waits && this.isOfToday(this.freshness.checkedAtMs, nowMs)) {
        this.askNewest(caller.rootId, caller.contextId, nowMs);
        return this.ready(key, nowMs);
      }
    }
    const said = this.freshness.key.at(nowMs);
    if (said != KeyState.Ready) return this.refused(caller, said, nowMs);
    if (this.freshness.backoff.failing && (this.freshness.ended || !this.versions.isEmpty)) return KeyState.Expired;
    return this.await(caller, NEWEST, waits, nowMs);
  }

  /**
   * Finds the version to open messages without version: the latest known one (other VMs may use it one look-up
   * earlier), or the previous one if that has expired or was revoked.
   */
  latest(caller: Caller, waits: bool): KeyState {
    const state = this.newest(caller, waits);
    const key = this.versions.latest;
    if (state == KeyState.Ready) return key != null ? this.ready(key, this.usedAtMs) : state;
    if (state == KeyState.Pending || !this.freshness.isClosed(this.usedAtMs)) return state;
    const newest = this.versions.newestNumber;
    const before = newest > 1 ? this.held(caller, newest - 1, waits, this.usedAtMs) : KeyState.Absent;
    return before == KeyState.Absent ? KeyState.Retired : before;
  }

  /** The version that a message names. */
  numbered(caller: Caller, version: u32, waits: bool): KeyState {
    if (this.transit != null) return KeyState.Absent;
    return this.held(caller, version, waits, this.use());
  }

  /** The data key that a message carries as the KMS wrapped it; keys that the KMS itself stores have none. */
  unwrapped(caller: Caller, wrapped: usize, length: u32, waits: bool): KeyState {
    const transit = this.transit;
    if (transit == null || !isWrapped(wrapped, length)) return KeyState.Absent;
    const nowMs = this.use();
    if (transit.refused.has(wrapped, length, nowMs)) return KeyState.Absent;
    const number = transit.numberOf(wrapped, length, nowMs, this);
    return number == NEWEST ? KeyState.Unavailable : this.held(caller, number, waits, nowMs);
  }

  /** Whether a version took over so recently that senders may still use the previous one. */
  isRecent(key: KeyVersion): bool {
    if (key.madeAt == NO_TIME) return false;
    const window = <i64>(2 * <u64>this.kms.refreshMs + ROTATION_GRACE_MS);
    return abs<i64>(wallMillis() - key.madeAt) <= window;
  }

  private use(): u64 {
    const nowMs = monotonicMillis();
    this.usedAtMs = nowMs;
    this.freshness.use(nowMs);
    return nowMs;
  }

  private held(caller: Caller, version: u32, waits: bool, nowMs: u64): KeyState {
    const key = this.versions.find(version);
    if (key != null) {
      if (nowMs >= key.expiresAtMs) return KeyState.Absent;
      if (this.isCurrent(key.checkedAtMs, nowMs) || (!waits && this.isOfToday(key.checkedAtMs, nowMs)))
        return this.ready(key, nowMs);
      if (this.freshness.backoff.failing) return KeyState.Expired;
    } else {
      const noted = this.notes.stateOf(version, nowMs);
      if (noted != KeyState.Ready) return noted;
      const above = this.isAbove(version);
      const said = above ? this.freshness.key.at(nowMs) : this.freshness.versions.at(nowMs);
      if (said == KeyState.Denied || said == KeyState.Unreadable || said == KeyState.Missing)
        return above ? this.refused(caller, said, nowMs) : said;
    }
    return this.await(caller, version, waits, nowMs);
  }

  private ready(key: KeyVersion, nowMs: u64): KeyState {
    key.usedAtMs = nowMs;
    this.found = key;
    return KeyState.Ready;
  }

  /** A failure that waiting will not change: told at once, while the KMS is asked on the side at the pace of its failures. */
  private refused(caller: Caller, said: KeyState, nowMs: u64): KeyState {
    if (said == KeyState.Denied || said == KeyState.Unreadable) this.askNewest(caller.rootId, caller.contextId, nowMs);
    return said;
  }

  private isCurrent(saidAtMs: u64, nowMs: u64): bool {
    if (this.line.verdict == KeyState.Ready) return this.isOfToday(saidAtMs, nowMs);
    return this.freshness.isCurrent(
      saidAtMs,
      nowMs,
      2 * max(<u64>this.kms.refreshMs, this.backEnd.leastRecheckMs) + <u64>this.kms.timeoutMs,
    );
  }

  private isOfToday(saidAtMs: u64, nowMs: u64): bool {
    return saidAtMs != 0 && nowMs - saidAtMs <= MAX_KEY_AGE_MS;
  }

  private await(caller: Caller, version: u32, waits: bool, nowMs: u64): KeyState {
    const verdict = this.line.verdict;
    if (verdict != KeyState.Pending) return verdict == KeyState.Ready ? KeyState.Unavailable : verdict;
    if (waits) {
      if (this.line.length >= MAX_KEY_WAITERS) return KeyState.Unavailable;
      this.line.add(caller, version, nowMs);
    }
    if (version == NEWEST || this.isAbove(version)) this.askNewest(caller.rootId, caller.contextId, nowMs);
    else this.askVersion(caller.rootId, caller.contextId, version, nowMs);
    return waits ? KeyState.Pending : KeyState.Unavailable;
  }

  /** Whether only a look-up of the newest version can tell about this one. */
  private isAbove(version: u32): bool {
    return this.transit == null && (this.freshness.checkedAtMs == 0 || version >= this.versions.newestNumber);
  }

  private askNewest(rootId: u32, streamId: u32, nowMs: u64): void {
    if (this.newestFetch.running || !this.freshness.mayAsk(nowMs)) return; // the next tick asks
    this.freshness.askedAtMs = nowMs;
    if (!this.newestFetch.start(this.kms, rootId, streamId, NEWEST, nowMs)) this.freshness.backoff.fail(nowMs);
  }

  /**
   * Fetches a version if there is a place. While the KMS does not answer, one call at a time tries. A version that was
   * never genuine waits while too many of its kind did not exist.
   */
  private askVersion(rootId: u32, streamId: u32, version: u32, nowMs: u64): void {
    const backoff = this.freshness.backoff;
    if (!backoff.allows(nowMs) || (backoff.failing && this.isBusy) || this.fetches.fetches(version)) return;
    const preferred = this.notes.wasGenuine(version) || this.versions.find(version) != null;
    if (!preferred && !this.failures.allows(nowMs, this.fetches.underWay)) {
      fetchPutOff.add(1);
      return;
    }
    if (!this.fetches.start(this.kms, rootId, streamId, version, preferred, nowMs)) backoff.fail(nowMs);
  }

  private get isBusy(): bool {
    return this.newestFetch.running || this.fetches.underWay > 0;
  }

  /** Whether nothing is running, so that the ring may be dropped. */
  get idle(): bool {
    return this.line.length == 0 && !this.isBusy;
  }

  uses(number: u32): bool {
    return this.versions.find(number) != null || this.line.waitsFor(number);
  }

  writeRequest(version: u32, request: CalloutRequest): bool {
    return this.backEnd.writeRequest(this.id, this.kms, version, request);
  }

  /**
   * Starts fetching before the first message needs the key. `protects`: for messages that are only opened, a transit
   * engine need not generate a data key.
   */
  prepare(rootId: u32, protects: bool): void {
    this.usedAtMs = monotonicMillis();
    if (this.freshness.checkedAtMs == 0 && (protects || this.transit == null)) this.askNewest(rootId, 0, this.usedAtMs);
  }

  /**
   * Refreshes a key in use, retries failures, ends overdue waits, and drops versions that have expired or were unused
   * for MAX_KEY_AGE_MS.
   */
  tick(rootId: u32): void {
    const nowMs = monotonicMillis();
    const bound = <u64>this.kms.holdMs;
    if (nowMs > bound) waitExpired.add(this.line.release(Those.Overdue, nowMs - bound, KeyState.Unavailable));
    if (this.freshness.backoff.failing) this.serveHeld();
    if (nowMs > KEY_RECHECK_HOLD_MS) this.line.release(Those.Patient, nowMs - KEY_RECHECK_HOLD_MS, KeyState.Ready);
    if (!this.versions.isEmpty && this.idle && nowMs - this.usedAtMs > MAX_KEY_AGE_MS) this.retire();
    if (this.versions.retireEnded(nowMs)) this.end(nowMs);
    if (!this.freshness.backoff.failing) this.versions.retireIdle(MAX_IDLE_VERSION_MS, nowMs);
    const due = this.freshness.isDue(nowMs, this.kms.refreshMs) && (this.freshness.ended || !this.versions.isEmpty);
    if (due || this.someoneWaitsForNewest()) this.askNewest(rootId, 0, nowMs);
    const old = this.versions.unchecked(max((<u64>this.kms.refreshMs * 3) / 4, this.backEnd.leastRecheckMs), nowMs);
    if (old != null) this.askVersion(rootId, 0, old.number, nowMs);
    this.askVersions(rootId, nowMs);
  }

  private someoneWaitsForNewest(): bool {
    let waiter = this.line.first;
    while (waiter != null && waiter.version != NEWEST && !this.isAbove(waiter.version)) waiter = waiter.next;
    return waiter != null;
  }

  /** Fetches for waiters in order of arrival. */
  private askVersions(rootId: u32, nowMs: u64): void {
    let waiter = this.line.first;
    // A call that fails at once resumes streams, which changes the line. The next tick continues.
    while (waiter != null && this.freshness.backoff.allows(nowMs)) {
      const next: Waiter | null = waiter.next;
      if (waiter.version != NEWEST && !this.isAbove(waiter.version)) this.askVersion(rootId, 0, waiter.version, nowMs);
      waiter = next;
    }
  }

  onFetched(fetch: Fetch, rootId: u32, status: u32, body: usize, bodyLength: u32): void {
    const nowMs = monotonicMillis();
    const wallMs = wallMillis();
    const version = fetch.version;
    const mayBeAbsent = this.backEnd.mayBeAbsent(status);
    const kind =
      status == STATUS_OK || mayBeAbsent
        ? this.backEnd.read(answer, version, body, bodyLength, wallMs)
        : AnswerKind.Unreadable;
    const absent = mayBeAbsent && this.backEnd.saysAbsent(status, answer);
    let key: KeyVersion | null = null;
    if (status == STATUS_OK && kind == AnswerKind.Key) key = this.keyOf(version, nowMs, wallMs);
    const named = answer.version;
    answer.wipe(body, bodyLength);
    if (key != null) this.take(key, version, nowMs);
    else if (absent || kind == AnswerKind.Gone || kind == AnswerKind.Expired) this.lose(version, kind, named, nowMs);
    else {
      this.fail(version, status, nowMs);
      return;
    }
    this.askVersions(rootId, nowMs);
  }

  /** The fetched version, held already or new. Null if it is no key or not the requested one. */
  private keyOf(asked: u32, nowMs: u64, wallMs: i64): KeyVersion | null {
    let number = answer.version;
    const transit = this.transit;
    if (transit != null)
      number = asked == NEWEST ? transit.numberOf(answer.wrapped, answer.wrappedLength, nowMs, this) : asked;
    if (number == NEWEST || (asked != NEWEST && number != asked)) return null;
    return this.versions.put(answer, number, transit == null ? Bytes.EMPTY : transit.wrapped(number), nowMs, wallMs);
  }

  private take(key: KeyVersion, asked: u32, nowMs: u64): void {
    this.freshness.backoff.recover();
    fetchSucceeded.add(1);
    if (asked != NEWEST) {
      this.freshness.versions.clear();
      this.line.release(Those.OfVersion, asked, KeyState.Pending);
      return;
    }
    this.report.found(nowMs);
    const confirmed = this.versions.confirmNewest(key);
    this.freshness.named(nowMs, this.kms.refreshMs, key.expiresAtMs, confirmed);
    this.line.release(Those.OfNewest, key.number, KeyState.Pending);
    this.line.release(Those.Above, key.number, KeyState.Absent);
  }

  /**
   * The key or version does not exist, or no longer. `named`: the version that the KMS reports as gone or expired; 0 if
   * it named none.
   */
  private lose(asked: u32, kind: AnswerKind, named: u32, nowMs: u64): void {
    this.freshness.backoff.recover();
    keyAbsent.add(1);
    if (kind == AnswerKind.Expired) keyExpired.add(1);
    if (asked != NEWEST) {
      if (this.versions.find(asked) == null) this.failures.spend();
      this.versions.drop(asked);
      this.notes.note(asked, KeyState.Absent, nowMs);
      const transit = this.transit;
      if (transit != null) transit.refuse(asked, nowMs);
      this.line.release(Those.OfVersion, asked, KeyState.Absent); // a message under a version that has ended is refused like any other that does not open
      return;
    }
    if (kind != AnswerKind.Gone && kind != AnswerKind.Expired) {
      this.report.lost(KeyState.Missing, nowMs);
      this.freshness.key.note(KeyState.Missing, nowMs + ABSENT_KEY_MS);
      this.retire();
      this.line.release(Those.All, 0, KeyState.Missing);
      return;
    }
    // The newest version is gone. Previous ones may still be read, but nothing is encrypted any more.
    const state: KeyState = kind == AnswerKind.Expired ? KeyState.Expired : KeyState.Revoked;
    this.report.lost(state, nowMs);
    this.freshness.closed(state, nowMs, this.kms.refreshMs);
    this.versions.closeAt(named);
    this.notes.note(named, KeyState.Absent, nowMs);
    this.line.release(Those.OfNewest, named, KeyState.Pending); // `newest` refuses now, and who opens may go on to wait for the version before
    this.line.release(Those.Above, named, KeyState.Absent);
  }

  /**
   * The response is no key, or there is none. For one version an unreadable response is final; otherwise the KMS is
   * asked again after a pause.
   */
  private fail(version: u32, status: u32, nowMs: u64): void {
    fetchFailed.add(1);
    let state: KeyState = KeyState.Unavailable;
    if (status == STATUS_UNAUTHORIZED || status == STATUS_FORBIDDEN) {
      state = KeyState.Denied;
      fetchDenied.add(1);
    } else if (status == STATUS_OK) {
      state = KeyState.Unreadable;
      keyUnreadable.add(1);
    }
    if (version == NEWEST) this.failNewest(state, nowMs);
    else if (state == KeyState.Unreadable) {
      this.freshness.backoff.recover();
      this.failures.spend();
      this.notes.note(version, state, nowMs);
      this.line.release(Those.OfVersion, version, state);
    } else {
      this.freshness.backoff.fail(nowMs);
      if (state == KeyState.Denied) {
        this.freshness.versions.note(state, this.freshness.believedUntil(nowMs, this.kms.timeoutMs));
        this.line.release(Those.OfVersions, 0, state);
      } else this.serveHeld();
    }
  }

  private failNewest(state: KeyState, nowMs: u64): void {
    this.freshness.backoff.fail(nowMs);
    this.report.lost(state, nowMs);
    if (state == KeyState.Unavailable) {
      this.serveHeld();
      return;
    }
    this.freshness.refused(state, nowMs, this.kms.timeoutMs);
    // Waiters for an older version, or for an unwrapped data key, have calls of their own.
    this.line.release(Those.OfLater, this.versions.newestNumber, state);
  }

  /**
   * Serves waiters from held versions while the KMS does not answer. Never from a call of a stream, which would be
   * resumed inside that call.
   */
  private serveHeld(): void {
    if (!this.versions.isEmpty) this.line.release(Those.Served, 0, KeyState.Pending);
  }

  private end(nowMs: u64): void {
    this.freshness.ended = true;
    this.report.lost(KeyState.Expired, nowMs);
    keyExpired.add(1);
  }

  /** Overwrites all versions. */
  retire(): void {
    this.versions.retireAll();
    this.freshness.checkedAtMs = 0;
    this.found = null;
  }
}
