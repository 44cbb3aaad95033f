import { CodedError } from './coded-error.ts';
import type { EnvoyAdmin } from './envoy-admin.ts';
import type { OnEvent } from './events.ts';

/** Time between readings of the counters, milliseconds. */
const LOOK_MS = 1_000;
/** Time for which the same report is not repeated, milliseconds. */
const QUIET_MS = 60_000;

const UNJUDGED = /\.fim_seal\.rbac\.denied$/;
const COUNTERS = String.raw`^(http\.fim\.rbac\.fim_seal\.rbac\.denied|wasm\..*\.vm_reload_(success|failure|backoff))$`;

type Sign = 'FIM-UP-0030' | 'FIM-UP-0031';

/** Last report about one sign. */
interface Told {
  count: number;
  atMs: number;
}

/**
 * Reports when Envoy refuses requests because a required filter is missing or dead. Clients only see a 503, so nothing
 * else would say it. Each sign is reported at once, then at most once a minute.
 */
export class SealWatch {
  private readonly admin: EnvoyAdmin;
  private readonly onEvent: OnEvent;
  private readonly told = new Map<Sign, Told>();
  private readonly timer: NodeJS.Timeout;
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
    // A late admin interface says nothing about the filters.
    const stats = await this.admin.stats(COUNTERS).catch(() => undefined);
    if (stats === undefined) return;
    let unjudged = 0;
    let dead = 0;
    for (const [name, value] of stats) {
      if (UNJUDGED.test(name)) unjudged += value;
      else dead += value;
    }
    this.tell('FIM-UP-0030', unjudged, `${unjudged} since the start`);
    this.tell('FIM-UP-0031', dead, `${dead} reloads and requests that waited for one since the start`);
  }

  private tell(code: Sign, count: number, detail: string): void {
    const { count: before, atMs } = this.told.get(code) ?? { count: 0, atMs: -Infinity };
    if (count <= before || performance.now() - atMs < QUIET_MS) return;
    this.told.set(code, { count, atMs: performance.now() });
    this.onEvent({ event: 'warning', code, message: new CodedError(code, detail).message });
  }
}
