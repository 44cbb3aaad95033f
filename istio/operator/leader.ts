// One of several replicas leads, by a Lease that it renews. A leader that cannot renew in time stops: it never works
// beside another.
import { setTimeout as pause } from 'node:timers/promises';
import { LEASE_RENEW_MS, LEASE_RETRY_MS, LEASE_SECONDS } from '../limits.ts';
import { ApiError, type KubeApi } from './kube/api.ts';
import type { KubeObject } from './kube/objects.ts';
import { apiVersionOf, LEASES } from './kube/resources.ts';

interface LeaseSpec {
  holderIdentity?: string;
  leaseDurationSeconds?: number;
  acquireTime?: string;
  renewTime?: string;
  leaseTransitions?: number;
}

export interface LeaderOptions {
  api: KubeApi;
  namespace: string;
  name: string;
  /** Unique among the replicas. */
  identity: string;
  /** Why this process must not lead now; undefined: it may. One that leads and must not gives the lease back. */
  unfit?: () => string | undefined;
  onLeading: () => void;
  /** The lease is lost, or to be given back: this process must stop working, and then abort the signal. */
  onLost: (reason: string) => void;
  onFailure?: (message: string) => void;
}

/** Time as Kubernetes writes it, with microseconds. */
function microTime(): string {
  return new Date().toISOString().replace('Z', '000Z');
}

export class Leader {
  private readonly options: LeaderOptions;
  private lease: KubeObject | undefined;
  /**
   * Version of the lease as it was last seen changed, and when that was, by this process's clock: clocks of machines
   * differ.
   */
  private seen = { version: '', at: -Infinity };
  private renewedAt = -Infinity;
  leading = false;

  constructor(options: LeaderOptions) {
    this.options = options;
  }

  /** Takes part until the signal aborts; then gives the lease back. Never throws. */
  async run(signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      try {
        await this.turn();
      } catch (error) {
        this.options.onFailure?.((error as Error).message);
      }
      if (this.leading && performance.now() - this.renewedAt > LEASE_SECONDS * 1000 - LEASE_RENEW_MS) {
        this.leading = false;
        this.options.onLost('the lease could not be renewed in time');
        return;
      }
      await pause(this.leading ? LEASE_RENEW_MS : LEASE_RETRY_MS, undefined, { signal }).catch(() => undefined);
    }
    if (this.leading) await this.release();
  }

  private async turn(): Promise<void> {
    const { api, namespace, name, identity, unfit } = this.options;
    const now = performance.now();
    const reason = unfit?.();
    if (reason !== undefined) {
      // The lease is given back when the work in hand has ended: until then nobody else may begin.
      if (this.leading) this.options.onLost(reason);
      return;
    }
    try {
      this.lease = await api.get(LEASES, namespace, name);
    } catch (error) {
      if (!(error instanceof ApiError && error.status === 404)) throw error;
      this.took(await api.create(LEASES, this.object({ leaseTransitions: 0 }, undefined)), now);
      return;
    }
    const spec = (this.lease.spec ?? {}) as LeaseSpec;
    const version = this.lease.metadata.resourceVersion ?? '';
    if (version !== this.seen.version) this.seen = { version, at: now };
    const isOwn = spec.holderIdentity === identity;
    if (this.leading && !isOwn) {
      this.leading = false;
      this.options.onLost(`${spec.holderIdentity ?? 'another'} leads`);
      return;
    }
    const expired = now - this.seen.at > (spec.leaseDurationSeconds ?? LEASE_SECONDS) * 1000;
    if (isOwn || !spec.holderIdentity || expired)
      this.took(await api.update(LEASES, this.object(spec, this.lease)), now);
  }

  private took(lease: KubeObject, at: number): void {
    this.lease = lease;
    this.seen = { version: lease.metadata.resourceVersion ?? '', at };
    this.renewedAt = at;
    if (this.leading) return;
    this.leading = true;
    this.options.onLeading();
  }

  private object(before: LeaseSpec, lease: KubeObject | undefined): KubeObject {
    const { namespace, name, identity } = this.options;
    const isNew = before.holderIdentity !== identity;
    const spec: LeaseSpec = {
      holderIdentity: identity,
      leaseDurationSeconds: LEASE_SECONDS,
      acquireTime: isNew ? microTime() : (before.acquireTime ?? microTime()),
      renewTime: microTime(),
      leaseTransitions: (before.leaseTransitions ?? 0) + (isNew && lease !== undefined ? 1 : 0),
    };
    const resourceVersion = lease?.metadata.resourceVersion;
    return {
      apiVersion: apiVersionOf(LEASES),
      kind: LEASES.kind,
      metadata: { name, namespace, ...(resourceVersion === undefined ? {} : { resourceVersion }) },
      spec: spec as Record<string, unknown>,
    };
  }

  /** Lets another lead at once. */
  private async release(): Promise<void> {
    this.leading = false;
    if (this.lease === undefined) return;
    const freed = this.object((this.lease.spec ?? {}) as LeaseSpec, this.lease);
    freed.spec = { ...freed.spec, holderIdentity: '', leaseDurationSeconds: 1 };
    await this.options.api.update(LEASES, freed).catch((error: Error) => this.options.onFailure?.(error.message));
  }
}
