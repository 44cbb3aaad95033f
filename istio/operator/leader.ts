// Leader election by a Lease that the leader renews. A leader that cannot renew in time stops, so that two never work
// at once.
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
  /** Reason why this process must not lead now. Undefined if it may. A leader with a reason gives the lease back. */
  unfit?: () => string | undefined;
  onLeading: () => void;
  /** Called when the lease is lost or must be given back. The process must stop its work and then abort the signal. */
  onLost: (reason: string) => void;
  onFailure?: (message: string) => void;
}

/** Current time in the MicroTime format of Kubernetes. */
function microTime(): string {
  return new Date().toISOString().replace('Z', '000Z');
}

export class Leader {
  private readonly options: LeaderOptions;
  private lease: KubeObject | undefined;
  /**
   * Version of the lease at its last observed change, and the local time of that change. Clocks of other machines are
   * not compared.
   */
  private seen = { version: '', at: -Infinity };
  private renewedAt = -Infinity;
  leading = false;

  constructor(options: LeaderOptions) {
    this.options = options;
  }

  /** Takes part in the election until the signal aborts, then gives the lease back. Never throws. */
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
      // The lease is given back only when running work has ended. No other replica may begin before.
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

  /** Lets another replica lead at once. */
  private async release(): Promise<void> {
    this.leading = false;
    if (this.lease === undefined) return;
    const freed = this.object((this.lease.spec ?? {}) as LeaseSpec, this.lease);
    freed.spec = { ...freed.spec, holderIdentity: '', leaseDurationSeconds: 1 };
    await this.options.api.update(LEASES, freed).catch((error: Error) => this.options.onFailure?.(error.message));
  }
}
