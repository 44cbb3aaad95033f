// Beside the stages: the clusters of the platform's services, in each namespace that needs them.
import type { CheckedRoute, ClusterView } from './cluster-view.ts';
import type { KubeApi } from './kube/api.ts';
import type { KubeObject } from './kube/objects.ts';
import { ENVOY_FILTERS } from './kube/resources.ts';
import {
  appliedOf,
  AUDIT_OBJECT,
  KMS_OBJECT,
  LIMITS_OBJECT,
  MANAGED_BY_LABEL,
  MANAGER,
  workloadOf,
  type Needs,
} from './plan/applied.ts';
import { isAsWanted } from './plan/envoy-filter.ts';
import { auditObject, kmsObject, limitsObject, type KmsAccess, type ServiceAccess } from './plan/services.ts';

export interface ServiceStageParts {
  view: ClusterView;
  api: KubeApi;
  /** Undefined if the cluster exists already or there is no key service. */
  kms: KmsAccess | undefined;
  /** Undefined: there is no collector of audit records. */
  audit: ServiceAccess | undefined;
  /** Undefined: no service counts global limits. */
  limits: URL | undefined;
  version: string;
  /** DNS domain of the cluster's Services, such as `cluster.local`. */
  clusterDomain: string;
  apply: (wanted: KubeObject) => Promise<KubeObject>;
}

interface Service {
  object: string;
  /** Undefined: there is no such service. */
  wanted: ((namespace: string) => KubeObject) | undefined;
  isUsed: (namespace: string) => boolean;
}

/** Objects of the services that a route needs. */
export function servicesOf({ keyIds, needs }: CheckedRoute): string[] {
  return [
    ...(keyIds.length > 0 ? [KMS_OBJECT] : []),
    ...(needs.audit ? [AUDIT_OBJECT] : []),
    ...(needs.limits ? [LIMITS_OBJECT] : []),
  ];
}

export class ServiceStage {
  private readonly parts: ServiceStageParts;
  private readonly services: readonly Service[];

  constructor(parts: ServiceStageParts) {
    this.parts = parts;
    const { kms, audit, limits, version, clusterDomain } = parts;
    this.services = [
      {
        object: KMS_OBJECT,
        wanted: kms && ((namespace) => kmsObject(namespace, kms, version, clusterDomain)),
        isUsed: (namespace) => this.usesKeys(namespace),
      },
      {
        object: AUDIT_OBJECT,
        wanted: audit && ((namespace) => auditObject(namespace, audit, version, clusterDomain)),
        isUsed: (namespace) => this.needs(namespace, 'audit'),
      },
      {
        object: LIMITS_OBJECT,
        wanted: limits && ((namespace) => limitsObject(namespace, limits, version, clusterDomain)),
        isUsed: (namespace) => this.needs(namespace, 'limits'),
      },
    ];
  }

  /**
   * Gives a namespace the clusters that its routes or its configurations in force need, and removes the others. `changed`:
   * the objects whose error has changed. `error`: the last one, when all have been tried.
   */
  async reconcile(namespace: string): Promise<{ changed: string[]; error?: Error }> {
    const { serviceErrors } = this.parts.view;
    const changed: string[] = [];
    let failed: Error | undefined;
    for (const service of this.services) {
      const key = `${namespace}/${service.object}`;
      const before = serviceErrors.get(key);
      try {
        await this.settle(namespace, service);
        serviceErrors.delete(key);
      } catch (error) {
        failed = error as Error;
        serviceErrors.set(key, failed.message);
      }
      if (serviceErrors.get(key) !== before) changed.push(service.object);
    }
    return { changed, ...(failed === undefined ? {} : { error: failed }) };
  }

  private async settle(namespace: string, { object, wanted, isUsed }: Service): Promise<void> {
    const { view, api, apply } = this.parts;
    const found = view.informers.envoyFilters.get(`${namespace}/${object}`);
    if (wanted === undefined || !isUsed(namespace)) {
      if (found !== undefined && found.metadata.labels?.[MANAGED_BY_LABEL] === MANAGER)
        await api.delete(ENVOY_FILTERS, found);
      return;
    }
    const made = wanted(namespace);
    if (!isAsWanted(made, found)) await apply(made);
  }

  private usesKeys(namespace: string): boolean {
    return (
      this.routes(namespace).some(({ keyIds }) => keyIds.length > 0) ||
      this.inForce(namespace).some(
        ({ tlcpHash, routes }) => tlcpHash !== undefined || [...routes.values()].flat(2).length > 0,
      )
    );
  }

  private needs(namespace: string, what: keyof Needs): boolean {
    return [...this.routes(namespace), ...this.inForce(namespace)].some(({ needs }) => needs[what]);
  }

  private routes(namespace: string): CheckedRoute[] {
    return [...(this.parts.view.namespaces.get(namespace)?.checked.values() ?? [])];
  }

  private inForce(namespace: string): ReturnType<typeof appliedOf>[] {
    return [...this.parts.view.informers.envoyFilters.in(namespace).values()]
      .filter((object) => workloadOf(object.metadata.name) !== undefined)
      .map(appliedOf);
  }
}
