import { KEY_LOOK_INTERVAL_MS } from '../limits.ts';
import { CodedError } from './coded-error.ts';
import type { OnEvent } from './events.ts';
import type { KeyFault } from './key-answer.ts';
import { type NeededKey, useOf } from './needed-keys.ts';
import type { Condition } from './policy.ts';

/** Answers what is wrong with keys, by `useOf`; null: nothing. What has no entry was not looked up. */
export type LookUp = (keys: readonly NeededKey[]) => Promise<Map<string, KeyFault | null>>;

/** The KMS does not respond, or fails. */
const AWAY = 'FIM-KMS-0001';
/** The KMS says that the key cannot be used. Modules give up what they hold. */
const GONE: ReadonlySet<string> = new Set(['FIM-KMS-0002', 'FIM-KMS-0007', 'FIM-KMS-0009']);
/** Consecutive look-ups without a response after which a held key counts as unavailable. */
const MISSES_OF_HELD = 2;
const REASONS: Partial<Record<string, string>> = {
  'FIM-KMS-0002': 'KeyNotFound',
  'FIM-KMS-0003': 'KeyUnreadable',
  'FIM-KMS-0007': 'KeyExpired',
  'FIM-KMS-0008': 'KmsDenied',
  'FIM-KMS-0009': 'KeyUnfit',
};

/** Known state of one use of a key. */
interface Known {
  /** Whether it was looked up for protecting messages. */
  protects: boolean;
  fault: KeyFault | null;
  /** It could be had once and did not go since, so modules hold it. */
  held: boolean;
  /** Looks in a row that had no answer. */
  misses: number;
  /** Number of the look. */
  look: number;
  /** Codes that were told since it was well. */
  told: Set<string>;
}

/**
 * Reports unavailable keys of the routes: a `warning` for each key and reason, `recovered` once it works again. Every
 * key is looked up when a route starts to use it, and every KEY_LOOK_INTERVAL_MS after that. So a key that is revoked
 * later is reported as well.
 */
export class KeyWatch {
  private readonly lookUp: LookUp;
  private readonly onEvent: OnEvent;
  private readonly reachable: () => Promise<boolean>;
  private keys: readonly NeededKey[] = [];
  private readonly known = new Map<string, Known>();
  private looks = 0;
  private timer: NodeJS.Timeout | undefined;
  private stopped = false;

  /**
   * `reachable`: whether the KMS answers at all. If not at the start, the stack reports that once instead of a fault for
   * each key.
   */
  constructor(lookUp: LookUp, reachable: () => Promise<boolean>, onEvent: OnEvent) {
    this.lookUp = lookUp;
    this.reachable = reachable;
    this.onEvent = onEvent;
  }

  /** Looks up keys that are not known to be available. Settles within the bounds of a look-up. */
  async check(keys: readonly NeededKey[]): Promise<void> {
    this.keys = keys;
    const wanted = new Set(keys.map(useOf));
    for (const use of this.known.keys()) if (!wanted.has(use)) this.known.delete(use);
    await this.look(keys.filter((key) => this.known.get(useOf(key))?.protects !== key.protects || this.faultOf(key)));
  }

  stop(): void {
    this.stopped = true;
    clearTimeout(this.timer);
  }

  /** One look at a time in the long run; an edit may add its own. */
  private async look(due: readonly NeededKey[]): Promise<void> {
    clearTimeout(this.timer);
    const look = ++this.looks;
    if (due.length > 0) {
      const found = await this.lookUp(due);
      const isAway = [...found.values()].some((fault) => fault?.code === AWAY);
      const toldElsewhere = look === 1 && isAway && !(await this.reachable());
      for (const [use, fault] of found) this.note(use, fault, look, toldElsewhere);
    }
    if (this.stopped || look !== this.looks || this.keys.length === 0) return;
    this.timer = setTimeout(() => void this.look(this.longestUnseen()).catch(() => {}), KEY_LOOK_INTERVAL_MS).unref();
  }

  /** All keys: a look that has no time for all of them begins with others each time. */
  private longestUnseen(): NeededKey[] {
    const seen = (key: NeededKey): number => this.known.get(useOf(key))?.look ?? 0;
    return this.keys.toSorted((a, b) => seen(a) - seen(b));
  }

  private faultOf(key: NeededKey): KeyFault | null {
    return this.known.get(useOf(key))?.fault ?? null;
  }

  private note(use: string, fault: KeyFault | null, look: number, toldElsewhere: boolean): void {
    const key = this.keys.find((named) => useOf(named) === use);
    const before = this.known.get(use);
    if (this.stopped || !key || (before && before.look > look)) return;
    const away = fault?.code === AWAY;
    const now: Known = {
      protects: key.protects,
      fault,
      held: fault === null || (!GONE.has(fault.code) && (before?.held ?? false)),
      misses: away ? (before?.misses ?? 0) + 1 : 0,
      look,
      told: before?.told ?? new Set(),
    };
    // Messages do not miss a key that is held: one look without an answer is no news.
    if (now.held && away && now.misses < MISSES_OF_HELD) now.fault = before!.fault;
    this.known.set(use, now);
    if (now.fault !== null) this.warn(key.id, now.fault, now, toldElsewhere && away);
    else if (now.told.size > 0) {
      now.told.clear();
      this.onEvent({ event: 'recovered', key: key.id });
    }
  }

  private warn(id: string, { code, detail }: KeyFault, { held, told }: Known, toldElsewhere: boolean): void {
    if (told.has(code)) return;
    told.add(code);
    if (toldElsewhere) return;
    const consequence = held ? 'it serves from memory, for a day at most' : 'requests that need it get 503';
    const { message } = new CodedError(code, `${id}: ${detail}: ${consequence}`);
    this.onEvent({ event: 'warning', code, message, key: id });
  }

  /** The conditions with what is known of the keys in `ResolvedRefs`. */
  resolve(conditions: readonly Condition[]): Condition[] {
    return conditions.map((condition) =>
      condition.type === 'ResolvedRefs' ? { ...condition, ...this.resolution(condition.route) } : condition,
    );
  }

  private resolution(route: string): Pick<Condition, 'status' | 'reason' | 'message'> {
    const needed = this.keys.filter(({ routes }) => routes.includes(route));
    const faulty = needed.find((key) => this.faultOf(key));
    if (faulty) {
      const { code, detail } = this.faultOf(faulty)!;
      return { status: 'False', reason: REASONS[code] ?? 'KmsUnreachable', message: `${code} ${faulty.id}: ${detail}` };
    }
    if (needed.some((key) => !this.known.has(useOf(key))))
      return { status: 'Unknown', reason: 'Pending', message: 'Not every key could be looked up yet.' };
    return {
      status: 'True',
      reason: 'ResolvedRefs',
      message: needed.length === 0 ? 'The route uses no key.' : 'Every key is available.',
    };
  }
}
