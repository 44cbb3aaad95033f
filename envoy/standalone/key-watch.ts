import { KEY_RETRY_MS } from '../limits.ts';
import { CodedError } from './coded-error.ts';
import type { OnEvent } from './events.ts';
import type { KeyFault } from './key-answer.ts';
import type { NeededKey } from './needed-keys.ts';
import type { Condition } from './policy.ts';

/** Returns the fault of each key, or null for none, by id. A key without entry was not looked up. */
export type LookUp = (keys: readonly NeededKey[]) => Promise<Map<string, KeyFault | null>>;

/** The KMS does not answer, or fails. */
const AWAY = 'FIM-KMS-0001';
const REASONS: Partial<Record<string, string>> = {
  'FIM-KMS-0002': 'KeyNotFound',
  'FIM-KMS-0003': 'KeyUnreadable',
  'FIM-KMS-0007': 'KeyExpired',
  'FIM-KMS-0008': 'KmsDenied',
  'FIM-KMS-0009': 'KeyUnfit',
};

/**
 * Reports unavailable keys of the routes: a `warning` for each key and reason, `recovered` once it works. An available
 * key is not looked up again, since the modules then do. A faulty key is looked up every KEY_RETRY_MS.
 */
export class KeyWatch {
  private readonly lookUp: LookUp;
  private readonly onEvent: OnEvent;
  private readonly reachable: () => Promise<boolean>;
  /** Code last reported for each key. */
  private readonly told = new Map<string, string>();
  private keys: readonly NeededKey[] = [];
  private readonly known = new Map<string, KeyFault | null>();
  private retry: NodeJS.Timeout | undefined;
  private stopped = false;

  /**
   * `reachable`: whether the KMS answers at all. If not, the controller reports that once instead of a fault for each
   * key.
   */
  constructor(lookUp: LookUp, reachable: () => Promise<boolean>, onEvent: OnEvent) {
    this.lookUp = lookUp;
    this.reachable = reachable;
    this.onEvent = onEvent;
  }

  /** Looks up keys that are not known to be available. Settles within the bounds of a look-up. */
  async check(keys: readonly NeededKey[]): Promise<void> {
    clearTimeout(this.retry);
    this.keys = keys;
    const wanted = new Set(keys.map(({ id }) => id));
    for (const id of this.known.keys()) if (!wanted.has(id)) this.forget(id);
    const due = keys.filter(({ id }) => !this.isFine(id));
    if (due.length > 0) await this.look(due);
    if (this.stopped || keys.every(({ id }) => this.isFine(id))) return;
    this.retry = setTimeout(() => void this.check(this.keys).catch(() => {}), KEY_RETRY_MS).unref();
  }

  private async look(due: readonly NeededKey[]): Promise<void> {
    const found = await this.lookUp(due);
    const away = [...found.values()].some((fault) => fault?.code === AWAY) && !(await this.reachable());
    for (const [id, fault] of found) this.note(id, fault, !away || fault?.code !== AWAY);
  }

  stop(): void {
    this.stopped = true;
    clearTimeout(this.retry);
  }

  private forget(id: string): void {
    this.known.delete(id);
    this.told.delete(id);
  }

  private isFine(id: string): boolean {
    return this.known.get(id) === null;
  }

  private note(id: string, fault: KeyFault | null, telling: boolean): void {
    if (this.stopped || !this.keys.some((key) => key.id === id)) return;
    this.known.set(id, fault);
    if (fault === null) {
      if (this.told.delete(id)) this.onEvent({ event: 'recovered', key: id });
      return;
    }
    if (!telling || this.told.get(id) === fault.code) return;
    this.told.set(id, fault.code);
    const { code, message } = new CodedError(fault.code, `${id}: ${fault.detail}: requests that need it get 503`);
    this.onEvent({ event: 'warning', code, message, key: id });
  }

  /** The conditions, with the state of the keys in `ResolvedRefs`. */
  resolve(conditions: readonly Condition[]): Condition[] {
    return conditions.map((condition) =>
      condition.type === 'ResolvedRefs' ? { ...condition, ...this.resolution(condition.route) } : condition,
    );
  }

  private resolution(route: string): Pick<Condition, 'status' | 'reason' | 'message'> {
    const needed = this.keys.filter(({ routes }) => routes.includes(route));
    const faulty = needed.find(({ id }) => this.known.get(id));
    if (faulty) {
      const { code, detail } = this.known.get(faulty.id)!;
      return { status: 'False', reason: REASONS[code] ?? 'KmsUnreachable', message: `${code} ${faulty.id}: ${detail}` };
    }
    if (needed.some(({ id }) => !this.known.has(id)))
      return { status: 'Unknown', reason: 'Pending', message: 'Not every key could be looked up yet.' };
    return {
      status: 'True',
      reason: 'ResolvedRefs',
      message: needed.length === 0 ? 'The route names nothing that must be looked up.' : 'Every key can be had.',
    };
  }
}
