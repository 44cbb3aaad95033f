import type { Door } from './door.ts';
import type { OnEvent } from './events.ts';

/** Time between looks, milliseconds. */
const LOOK_MS = 1_000;

/** A breaker as the modules tell it. `set`: who has set it by hand. */
export interface BreakerSaid {
  route: string;
  state: 'Normal' | 'Degraded' | 'Open' | 'HalfOpen' | 'Unknown';
  set: 'No' | 'Command' | 'Resource';
  /** Answers in the window, and how many of them were faults. */
  requests?: number;
  faults?: number;
  waitsMs?: number;
}

/** Tells how breakers turn, by a look each second. A turn that is turned back within it is not seen. */
export class BreakerWatch {
  private readonly door: Door;
  private readonly onEvent: OnEvent;
  private readonly known = new Map<string, string>();
  private timer: NodeJS.Timeout | undefined;
  private stopped = false;

  constructor(door: Door, onEvent: OnEvent) {
    this.door = door;
    this.onEvent = onEvent;
  }

  /** Begins to look, and ends by itself where no route has a breaker. Call it after each change of the policy. */
  look(): void {
    clearTimeout(this.timer);
    void this.ask().then((some) => {
      if (some && !this.stopped) this.timer = setTimeout(() => this.look(), LOOK_MS).unref();
    });
  }

  stop(): void {
    this.stopped = true;
    clearTimeout(this.timer);
  }

  /** Whether there are breakers. A proxy that does not answer says nothing about them. */
  private async ask(): Promise<boolean> {
    const said = await this.door.ask<{ breakers: BreakerSaid[] }>({ path: '/breaker/status' }).catch(() => null);
    if (said === null || this.stopped) return !this.stopped;
    for (const breaker of said.breakers) if (breaker.state !== 'Unknown') this.see(breaker);
    return said.breakers.length > 0;
  }

  private see({ route, state, set, requests, faults }: BreakerSaid): void {
    const [before = 'Normal No', now] = [this.known.get(route), `${state} ${set}`];
    this.known.set(route, now);
    if (now === before) return;
    const counts = requests === undefined ? {} : { requests, faults: faults ?? 0 };
    this.onEvent({ event: 'breaker', route, state, before: before.split(' ')[0]!, set, ...counts });
  }
}
