import { CodedError } from './coded-error.ts';
import type { EnvoyAdmin } from './envoy-admin.ts';
import type { OnEvent } from './events.ts';

/** Time between readings of the counters, milliseconds. */
const LOOK_MS = 1_000;
/** Time for which it is not told again, milliseconds. */
const QUIET_MS = 60_000;
const PREFIX = 'wasmcustom.fim.tlcp.revocation.';
const COUNTERS = String.raw`^wasmcustom\.fim\.tlcp\.revocation\.(refused|accepted|last_good)$`;

/**
 * Reports certificates of clients whose revocation could not be looked up, and what became of them by the declared
 * fallback: at once, then at most once a minute.
 */
export class RevocationWatch {
  private readonly admin: EnvoyAdmin;
  private readonly onEvent: OnEvent;
  private readonly timer: NodeJS.Timeout;
  private told = 0;
  private atMs = -Infinity;
  private looking: Promise<void> = Promise.resolve();

  constructor(admin: EnvoyAdmin, onEvent: OnEvent) {
    this.admin = admin;
    this.onEvent = onEvent;
    this.timer = setInterval(() => void (this.looking = this.looking.then(() => this.look())), LOOK_MS).unref();
  }

  async stop(): Promise<void> {
    clearInterval(this.timer);
    await this.looking;
  }

  private async look(): Promise<void> {
    if (performance.now() - this.atMs < QUIET_MS) return;
    const stats = await this.admin.stats(COUNTERS).catch(() => undefined);
    if (stats === undefined) return;
    const of = (name: string): number => stats.get(`${PREFIX}${name}`) ?? 0;
    const [refused, accepted, lastGood] = [of('refused'), of('accepted'), of('last_good')];
    const sum = refused + accepted + lastGood;
    if (sum <= this.told) return;
    this.told = sum;
    this.atMs = performance.now();
    const detail = `since the start ${refused} refused, ${accepted} accepted, ${lastGood} accepted by what was last heard`;
    this.onEvent({ event: 'warning', code: 'FIM-UP-0034', message: new CodedError('FIM-UP-0034', detail).message });
  }
}
