import { CodedError } from './coded-error.ts';
import type { EnvoyAdmin } from './envoy-admin.ts';
import type { OnEvent } from './events.ts';

/** Time between looks, milliseconds. */
const LOOK_MS = 1_000;

const HEALTHY = 'cluster.fim-limits.membership_healthy';
const PATTERN = String.raw`^cluster\.fim-limits\.membership_healthy$`;

/**
 * Tells when the service of global limits is not asked any more because it does not answer, and when it is asked again.
 * Requests tell it only where a limit denies meanwhile.
 */
export class LimitsWatch {
  private readonly admin: EnvoyAdmin;
  private readonly onEvent: OnEvent;
  private readonly service: string;
  private readonly timer: NodeJS.Timeout;
  private gone = false;
  /** Finding of the last look: one alone may be a moment's. */
  private seen = false;
  private looking: Promise<void> = Promise.resolve();

  /** `service`: its address, as it is told. */
  constructor(admin: EnvoyAdmin, service: string, onEvent: OnEvent) {
    this.admin = admin;
    this.service = service;
    this.onEvent = onEvent;
    this.timer = setInterval(() => void (this.looking = this.looking.then(() => this.look())), LOOK_MS).unref();
  }

  async stop(): Promise<void> {
    clearInterval(this.timer);
    await this.looking;
  }

  private async look(): Promise<void> {
    // A late admin interface says nothing about the service.
    const healthy = (await this.admin.stats(PATTERN).catch(() => undefined))?.get(HEALTHY);
    if (healthy === undefined) return;
    const gone = healthy === 0;
    const again = gone === this.seen;
    this.seen = gone;
    if (gone === this.gone || !again) return;
    this.gone = gone;
    const { code, message } = new CodedError('FIM-UP-0064', this.service);
    this.onEvent(this.gone ? { event: 'warning', code, message } : { event: 'recovered', service: this.service });
  }
}
