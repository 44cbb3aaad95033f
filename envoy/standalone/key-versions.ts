import type { OnEvent } from './events.ts';

/** Tells when the KMS has a newer version of a key, or an older one again, than at the look before. */
export class KeyVersions {
  private readonly onEvent: OnEvent;
  private readonly known = new Map<string, number>();

  constructor(onEvent: OnEvent) {
    this.onEvent = onEvent;
  }

  /** The keys are those of the routes, so that their number is bounded by the policy's. */
  see(key: string, version: number): void {
    const before = this.known.get(key);
    this.known.set(key, version);
    if (before !== undefined && before !== version) this.onEvent({ event: 'rotated', key, version, before });
  }
}
