import { keyMessagesTotal } from '../metrics.gen';
import { Bytes } from '../memory/bytes';
import { scratch } from '../memory/scratch';
import { Writer } from '../memory/writer';
import { Counter } from '../runtime/metrics';
import { requestCollection } from '../runtime/garbage';
import { KeyVersion, NEVER } from './key-version';
import { KmsAnswer } from './kms-answer';
import { keyReplaced, keyRotated, keyUnreadable } from './stats';
import { NO_TIME } from './timestamp';
import { VersionNotes } from './version-notes';

const kid: Writer = new Writer(scratch);
const HASH: u8 = 35;

/** Versions of one key that a VM holds. */
export class KeyVersions {
  /** Version to encrypt with. Null: none. */
  active: KeyVersion | null = null;
  /** Highest number first. */
  private list: Array<KeyVersion> = [];
  /** Number that the KMS last named as the newest. */
  private named: u32 = 0;
  private readonly messages: Counter;

  /** `dataKeys`: each one serves as soon as it has been generated. */
  constructor(
    private readonly id: Bytes,
    private readonly capacity: i32,
    private readonly dataKeys: bool,
    private readonly notes: VersionNotes,
  ) {
    this.messages = new Counter(keyMessagesTotal(String.UTF8.decodeUnsafe(id.pointer + 6, id.length - 6)));
    this.messages.define();
  }

  get isEmpty(): bool {
    return this.list.length == 0;
  }

  /** Number that the KMS last named as the newest. */
  get newestNumber(): u32 {
    return this.named;
  }

  /** Version with the highest held number, whether it encrypts yet or not. */
  get latest(): KeyVersion | null {
    return this.list.length == 0 ? null : this.list[0];
  }

  find(number: u32): KeyVersion | null {
    for (let i = 0; i < this.list.length; i++) if (this.list[i].number == number) return this.list[i];
    return null;
  }

  /**
   * Stores a version that the KMS has just returned. Null if it is no key of its algorithm. Another key under a known
   * number replaces the old one.
   */
  put(answer: KmsAnswer, number: u32, wrapped: Bytes, nowMs: u64, wallMs: i64): KeyVersion | null {
    let key = this.find(number);
    if (key != null && !key.holds(answer.algorithm, answer.material, answer.materialLength)) {
      keyReplaced.add(1);
      this.drop(number);
      key = null;
    }
    if (key == null) key = this.make(answer, number, wrapped, nowMs);
    if (key == null) return null;
    key.checkedAtMs = nowMs;
    key.madeAt = answer.madeAt;
    key.expiresAtMs = answer.expiresAt == NO_TIME ? NEVER : nowMs + <u64>max<i64>(answer.expiresAt - wallMs, 0);
    return key;
  }

  private make(answer: KmsAnswer, number: u32, wrapped: Bytes, nowMs: u64): KeyVersion | null {
    kid.begin(640);
    kid.bytes(this.id.pointer, this.id.length);
    kid.byte(HASH);
    kid.decimal(answer.kidVersion(wrapped));
    if (kid.overflowed) return null;
    const name = Bytes.copy(kid.pointer, kid.length);
    const key = new KeyVersion(answer.algorithm, number, name, answer.material, answer.materialLength, nowMs, wrapped);
    if (!key.usable) {
      keyUnreadable.add(1);
      key.retire();
      return null;
    }
    key.counter = this.messages;
    this.insert(key);
    return key;
  }

  /** Inserts by number, highest first. Retires one if there are too many. */
  private insert(key: KeyVersion): void {
    const list = this.list;
    let at = 0;
    while (at < list.length && list[at].number > key.number) at++;
    list.push(key);
    for (let i = list.length - 1; i > at; i--) list[i] = list[i - 1];
    list[at] = key;
    if (list.length > this.capacity) this.makeRoom(key);
    requestCollection();
  }

  /**
   * Retires the least recently used version, unproven ones first. Never the one to encrypt with or `fresh`, which
   * messages wait for.
   */
  private makeRoom(fresh: KeyVersion): void {
    const list = this.list;
    let oldest = -1;
    for (let i = 0; i < list.length; i++) {
      if (list[i] == fresh || list[i] == this.active || (!this.dataKeys && list[i].number == this.named)) continue;
      if (oldest < 0 || goesBefore(list[i], list[oldest])) oldest = i;
    }
    if (oldest < 0) return;
    if (list[oldest].proven) this.notes.noteGenuine(list[oldest].number);
    list[oldest].retire();
    list.splice(oldest, 1);
  }

  /**
   * The KMS names `key` as the newest. Versions with higher numbers are gone. It encrypts from the next look-up on,
   * when all VMs that look up at the same pace have it; until then the previously named one does. False if it is not in
   * use yet.
   */
  confirmNewest(key: KeyVersion): bool {
    const before: KeyVersion | null = this.dataKeys ? null : this.find(this.named);
    const active = this.active;
    this.named = key.number;
    if (!this.dataKeys) while (this.list.length > 0 && this.list[0].number > key.number) this.drop(this.list[0].number);
    let next = key;
    if (active != null && before != null && !before.retired) next = before;
    if (active != null && active != next) keyRotated.add(1);
    this.active = next;
    return next == key;
  }

  /** The KMS names a newest version that is gone or has expired. Nothing is encrypted, and older versions are read. */
  closeAt(number: u32): void {
    this.named = number;
    while (this.list.length > 0 && this.list[0].number >= number) this.drop(this.list[0].number);
    this.active = null;
  }

  /** Overwrites a version. */
  drop(number: u32): void {
    for (let i = 0; i < this.list.length; i++) {
      const key = this.list[i];
      if (key.number != number) continue;
      if (key == this.active) this.active = null;
      key.retire();
      this.list.splice(i, 1);
      requestCollection();
      return;
    }
  }

  /** Overwrites expired versions. True if the one to encrypt with was among them and no other replaces it. */
  retireEnded(nowMs: u64): bool {
    const had = this.active != null;
    for (let i = this.list.length - 1; i >= 0; i--)
      if (nowMs >= this.list[i].expiresAtMs) this.drop(this.list[i].number);
    if (had && this.active == null && !this.dataKeys) this.active = this.find(this.named);
    return had && this.active == null;
  }

  /**
   * Overwrites old versions that were unused for `forMs`. One that the KMS has destroyed meanwhile is never looked up
   * again, and must not stay.
   */
  retireIdle(forMs: u64, nowMs: u64): void {
    for (let i = this.list.length - 1; i >= 0; i--) {
      const key = this.list[i];
      if (key == this.active || (!this.dataKeys && key.number == this.named) || nowMs - key.usedAtMs < forMs) continue;
      if (key.proven) this.notes.noteGenuine(key.number);
      this.drop(key.number);
    }
  }

  /** Overwrites all versions. */
  retireAll(): void {
    for (let i = 0; i < this.list.length; i++) this.list[i].retire();
    this.list = [];
    this.active = null;
    this.named = 0;
    requestCollection();
  }

  /** An old version that was used since the KMS last confirmed it, at least `periodMs` ago. */
  unchecked(periodMs: u64, nowMs: u64): KeyVersion | null {
    for (let i = 0; i < this.list.length; i++) {
      const key = this.list[i];
      if (key.number == this.named && !this.dataKeys) continue;
      if (key.usedAtMs > key.checkedAtMs && nowMs - key.checkedAtMs >= periodMs) return key;
    }
    return null;
  }
}

function goesBefore(a: KeyVersion, b: KeyVersion): bool {
  return a.proven == b.proven ? a.usedAtMs < b.usedAtMs : !a.proven;
}
