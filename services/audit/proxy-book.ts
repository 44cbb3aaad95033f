// Which proxies of a mesh have records in the log since this process began. Their Envoys name themselves beside each
// batch; the name is in no record.
import { AUDIT_SOURCE_IDLE_MS, MAX_AUDIT_PROXIES } from '../limits.ts';

/** `POD.NAMESPACE`, as Kubernetes allows names. */
const NAME = /^[a-z0-9][-a-z0-9.]{0,316}$/;

/** One proxy, as reports say it. */
export interface SeenProxy {
  /** Milliseconds since its last record became durable. */
  age_ms: number;
  /** Records since this process began. */
  records: number;
}

export class ProxyBook {
  /** The one that was silent longest comes first. Times are of the process's own clock, milliseconds. */
  private readonly proxies = new Map<string, { at: number; records: number }>();

  /** Notes records that are durable. A name that is none is not noted. */
  note(name: string, records: number, now: number): void {
    if (!NAME.test(name)) return;
    const before = this.proxies.get(name)?.records ?? 0;
    this.proxies.delete(name);
    this.proxies.set(name, { at: now, records: before + records });
    for (const [oldest, { at }] of this.proxies) {
      if (this.proxies.size <= MAX_AUDIT_PROXIES && now - at <= AUDIT_SOURCE_IDLE_MS) break;
      this.proxies.delete(oldest);
    }
  }

  list(now: number): Record<string, SeenProxy> {
    return Object.fromEntries(
      [...this.proxies].map(([name, { at, records }]) => [
        name,
        { age_ms: Math.max(0, Math.round(now - at)), records },
      ]),
    );
  }
}
