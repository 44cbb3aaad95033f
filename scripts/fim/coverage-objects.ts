// Objects that `fim coverage` reads of a cluster. It has no rights of its own: what its user may not list is left out
// and named.
import { overridesSections, reaches } from '../../envoy/route/index.ts';
import { CodedError, messageOf } from '../../envoy/standalone/coded-error.ts';
import { LIST_PAGE_OBJECTS } from '../../istio/limits.ts';
import { keptForm, SYSTEM_NAMESPACES } from '../../istio/operator/baselines.ts';
import { ApiError, type KubeApi } from '../../istio/operator/kube/api.ts';
import type { KubeObject } from '../../istio/operator/kube/objects.ts';
import {
  apiVersionOf,
  ENVOY_FILTERS,
  FINANCIAL_BASELINES,
  FINANCIAL_ROUTES,
  GATEWAYS,
  ISTIO_GATEWAYS,
  NAMESPACES,
  PODS,
  SERVICES,
  WASM_PLUGINS,
  type Resource,
} from '../../istio/operator/kube/resources.ts';
import { MANAGED_BY_LABEL, MANAGER } from '../../istio/operator/plan/applied.ts';
import type { NamespaceObjects } from '../../istio/operator/plan/coverage-report.ts';
import { trimForeign, trimPlugin } from '../../istio/operator/plan/foreign.ts';

/** The operator does not read them: at its sidecars what they open is refused. */
const SIDECARS: Resource = {
  group: 'networking.istio.io',
  version: 'v1',
  plural: 'sidecars',
  kind: 'Sidecar',
  verbs: ['list'],
  scope: 'cluster',
  optional: true,
};

export interface ReadOptions {
  /** Undefined: all that have a route, and those that a baseline with overrides reaches. */
  namespaces: readonly string[] | undefined;
  rootNamespace: string;
}

/** A list in pages. A kind that the cluster does not have has no objects. */
async function list(
  api: KubeApi,
  resource: Resource,
  namespace: string | undefined,
  query: Record<string, string> = {},
): Promise<KubeObject[]> {
  const found: KubeObject[] = [];
  let rest: string | undefined;
  do {
    const page = { ...query, limit: String(LIST_PAGE_OBJECTS), ...(rest === undefined ? {} : { continue: rest }) };
    const reader = {
      // Items of a list need not say their kind.
      onItem: (text: string) =>
        void found.push({
          ...(JSON.parse(text) as KubeObject),
          apiVersion: apiVersionOf(resource),
          kind: resource.kind,
        }),
      onLongItem: () => undefined,
      namespace,
    };
    try {
      rest = (await api.list(resource, page, new AbortController().signal, reader)).metadata.continue;
    } catch (error) {
      if (error instanceof ApiError && error.status === 404 && resource.optional) return [];
      throw error;
    }
  } while (rest !== undefined && rest !== '');
  return found;
}

function byName(objects: readonly KubeObject[]): Map<string, KubeObject> {
  return new Map(objects.map((object) => [object.metadata.name, object] as const).sort(([a], [b]) => (a < b ? -1 : 1)));
}

/** Objects of a cluster, as far as they are the business of the namespaces that are asked for. */
export class CoverageObjects {
  /** Kinds that the user may not list, each with the namespace. */
  readonly unread: string[] = [];
  readonly namespaces: readonly string[];
  private readonly api: KubeApi;
  private baselines: readonly KubeObject[] = [];
  private labels: ReadonlyMap<string, KubeObject> = new Map();
  private gateways: readonly KubeObject[] = [];
  private rootForeign: readonly KubeObject[] = [];

  private constructor(api: KubeApi, namespaces: readonly string[]) {
    this.api = api;
    this.namespaces = namespaces;
  }

  /** Reads what is of the cluster. Errors: FIM-UP-0040. */
  static async read(api: KubeApi, { namespaces, rootNamespace }: ReadOptions): Promise<CoverageObjects> {
    // A user who asks for the whole cluster has to be able to read it.
    const mayLack = namespaces !== undefined;
    const found = new CoverageObjects(api, []);
    const [baselines, labels] = [
      await found.list(FINANCIAL_BASELINES, undefined, mayLack),
      await found.list(NAMESPACES, undefined, mayLack),
    ];
    found.baselines = baselines.flatMap((object) => {
      const kept = keptForm(object);
      return kept === undefined || !overridesSections(kept.resource)
        ? []
        : [{ ...object, spec: kept.spec as KubeObject['spec'] }];
    });
    found.labels = byName(labels);
    found.gateways = await found.list(ISTIO_GATEWAYS, undefined, mayLack);
    found.rootForeign = await found.foreign(rootNamespace, mayLack);
    const chosen = namespaces ?? (await found.concerned());
    return Object.assign(found, { namespaces: [...new Set(chosen)].sort() });
  }

  private async list(
    resource: Resource,
    namespace: string | undefined,
    mayLack: boolean,
    query: Record<string, string> = {},
  ): Promise<KubeObject[]> {
    try {
      return await list(this.api, resource, namespace, query);
    } catch (error) {
      if (!mayLack || !(error instanceof ApiError) || error.status !== 403)
        throw new CodedError('FIM-UP-0040', `${resource.plural}: ${messageOf(error)}`, error);
      this.unread.push(namespace === undefined ? resource.plural : `${resource.plural} of ${namespace}`);
      return [];
    }
  }

  /** EnvoyFilters and WasmPlugins of others in a namespace. */
  private async foreign(namespace: string, mayLack: boolean): Promise<KubeObject[]> {
    const filters = await this.list(ENVOY_FILTERS, namespace, mayLack, {
      labelSelector: `${MANAGED_BY_LABEL}!=${MANAGER}`,
    });
    const plugins = await this.list(WASM_PLUGINS, namespace, mayLack);
    return [...filters.map(trimForeign), ...plugins.map(trimPlugin)];
  }

  private baselinesOf(namespace: string): KubeObject[] {
    const labels = this.labels.get(namespace)?.metadata.labels ?? {};
    return this.baselines.filter((object) => {
      const kept = keptForm(object);
      return kept !== undefined && reaches(kept.resource, namespace, labels);
    });
  }

  private async concerned(): Promise<string[]> {
    const routes = await this.list(FINANCIAL_ROUTES, undefined, false);
    const reached = [...this.labels.keys()].filter(
      (name) => !SYSTEM_NAMESPACES.has(name) && this.baselinesOf(name).length > 0,
    );
    return [...routes.map(({ metadata }) => metadata.namespace ?? ''), ...reached];
  }

  /** Objects of a namespace. Errors: FIM-UP-0040. */
  async of(namespace: string, rootNamespace: string): Promise<NamespaceObjects> {
    const of = async (resource: Resource): Promise<Map<string, KubeObject>> =>
      byName(await this.list(resource, namespace, false));
    const own = namespace === rootNamespace ? [] : await this.foreign(namespace, true);
    return {
      routes: await of(FINANCIAL_ROUTES),
      pods: await of(PODS),
      services: await of(SERVICES),
      gateways: await of(GATEWAYS),
      istioGateways: await of(ISTIO_GATEWAYS),
      filters: await this.list(ENVOY_FILTERS, namespace, false, { labelSelector: `${MANAGED_BY_LABEL}=${MANAGER}` }),
      sidecars: byName(await this.list(SIDECARS, namespace, true)),
      baselines: this.baselinesOf(namespace),
      foreign: [...own, ...this.rootForeign],
      allGateways: this.gateways,
    };
  }
}
