// Beside the stages: tells Gateways and HTTPRoutes in their own status that routes act on them, and takes it back.
import type { ClusterView } from './cluster-view.ts';
import { ApiError, type KubeApi } from './kube/api.ts';
import type { KubeObject } from './kube/objects.ts';
import { GATEWAYS, HTTP_ROUTES } from './kube/resources.ts';
import { AFFECTED_CONDITION, affectedBy } from './plan/affected.ts';

/** Another than for objects: what it applies is one condition of a Gateway's status. */
const FIELD_MANAGER = 'fim-operator-affected';

interface Condition {
  type: string;
  message: string;
  observedGeneration?: number;
}

interface Parent {
  controllerName: string;
  conditions: Condition[];
}

/** Reduces the status of a Gateway or an HTTPRoute to the conditions about routes. */
export function trimAffected({ status }: KubeObject): KubeObject['status'] {
  const { conditions = [], parents } = (status ?? {}) as { conditions?: Condition[]; parents?: Parent[] };
  const own = conditions.filter(({ type }) => type === AFFECTED_CONDITION);
  return {
    ...(own.length > 0 ? { conditions: own } : {}),
    ...(parents === undefined
      ? {}
      : {
          parents: parents.map(({ controllerName, conditions: said = [] }) => ({
            controllerName,
            conditions: said.filter(({ type }) => type === AFFECTED_CONDITION),
          })),
        }),
  };
}

/** Whether something is said there of routes, by whom matters not. */
export function isAffected({ status }: KubeObject): boolean {
  const { conditions = [], parents = [] } = (status ?? {}) as { conditions?: Condition[]; parents?: Parent[] };
  return conditions.length > 0 || parents.some((parent) => parent.conditions.length > 0);
}

export interface AffectedStageParts {
  view: ClusterView;
  api: KubeApi;
  controllerName: string;
}

export class AffectedStage {
  private readonly parts: AffectedStageParts;

  constructor(parts: AffectedStageParts) {
    this.parts = parts;
  }

  /** Brings the statuses of a namespace's Gateways and HTTPRoutes to what is planned. */
  async reconcile(namespace: string): Promise<undefined> {
    const { view } = this.parts;
    const state = view.namespaces.get(namespace);
    const served = [...(state?.checked.values() ?? [])].flatMap(({ head }) =>
      head !== undefined && state?.grouping.workloadsOf.has(head.key) ? [head] : [],
    );
    const facts = view.facts(namespace);
    const { gateways, httpRoutes } = affectedBy(served, state?.grouping.places ?? new Map(), facts);
    for (const [name, gateway] of facts.gateways) await this.ofGateway(gateway, gateways.get(name));
    for (const [name, route] of facts.httpRoutes ?? []) await this.ofHttpRoute(route, httpRoutes.get(name));
  }

  private condition({ metadata: { generation } }: KubeObject, message: string): Record<string, unknown> {
    return {
      type: AFFECTED_CONDITION,
      status: 'True',
      reason: 'Affected',
      message,
      ...(generation === undefined ? {} : { observedGeneration: generation }),
      lastTransitionTime: new Date().toISOString().replace(/\.\d+Z$/, 'Z'),
    };
  }

  /** Applied as one entry of a map: what others say stays, and what is not applied any more goes. */
  private async ofGateway(gateway: KubeObject, message: string | undefined): Promise<void> {
    const { conditions = [] } = (gateway.status ?? {}) as { conditions?: Condition[] };
    const [found] = conditions;
    if (isSame(found, message, gateway)) return;
    const { apiVersion, kind } = gateway;
    const { name, namespace, uid } = gateway.metadata;
    const status = message === undefined ? {} : { conditions: [this.condition(gateway, message)] };
    await this.parts.api.applyStatus(
      GATEWAYS,
      { apiVersion, kind, metadata: { name, namespace, uid }, status },
      FIELD_MANAGER,
    );
  }

  /** The list of an HTTPRoute belongs to all its controllers: one entry is put in or taken out, if it is as it was. */
  private async ofHttpRoute(route: KubeObject, message: string | undefined): Promise<void> {
    const { api, controllerName } = this.parts;
    const { parents } = (route.status ?? {}) as { parents?: Parent[] };
    const index = parents?.findIndex((parent) => parent.controllerName === controllerName) ?? -1;
    if (isSame(parents?.[index]?.conditions[0], message, route)) return;
    const [parentRef] = (route.spec?.parentRefs ?? []) as object[];
    if (message !== undefined && parentRef === undefined) return;
    const version = { op: 'test', path: '/metadata/resourceVersion', value: route.metadata.resourceVersion };
    const at = `/status/parents/${index}`;
    const own = { op: 'test', path: `${at}/controllerName`, value: controllerName };
    const entry =
      message === undefined ? undefined : { parentRef, controllerName, conditions: [this.condition(route, message)] };
    const patch =
      entry === undefined
        ? [own, { op: 'remove', path: at }]
        : index >= 0
          ? [own, { op: 'replace', path: at, value: entry }]
          : parents === undefined
            ? [version, { op: 'add', path: '/status', value: { parents: [entry] } }]
            : [version, { op: 'add', path: '/status/parents/-', value: entry }];
    await api.patchStatus(HTTP_ROUTES, route, patch, FIELD_MANAGER).catch((error: unknown) => {
      // It has changed since: the change that comes plans it again.
      if (!(error instanceof ApiError && [404, 409, 422].includes(error.status))) throw error;
    });
  }
}

function isSame(found: Condition | undefined, message: string | undefined, { metadata }: KubeObject): boolean {
  return found === undefined
    ? message === undefined
    : found.message === message && found.observedGeneration === metadata.generation;
}
