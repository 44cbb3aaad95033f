// Beside the stages: takes up what changes of the platform's baselines, and tells each what it reaches.
import { canonicalJson, isBaselineRoute } from '../../envoy/route/index.ts';
import { Baselines, type KnownBaseline } from './baselines.ts';
import type { CheckedRoute, ClusterView } from './cluster-view.ts';
import type { EventSink } from './events.ts';
import type { KeyBinding } from './key-binding.ts';
import type { KubeApi } from './kube/api.ts';
import { FINANCIAL_BASELINES } from './kube/resources.ts';
import type { ModuleSource } from './module-source.ts';
import { baselineStatusOf, type BaselineStatus, type ReachedRoute } from './plan/baseline-status.ts';
import type { RouteFacts } from './plan/route-facts.ts';
import { conditionsOf, type Condition, type RouteStatus } from './plan/status.ts';
import { FIELD_MANAGER } from './workload-stage.ts';

export interface BaselineStageParts {
  view: ClusterView;
  api: KubeApi;
  modules: Pick<ModuleSource, 'current'>;
  binding: KeyBinding;
  events: EventSink;
  rootNamespace: string;
  /** Facts about a route. Undefined while its namespace is not planned and built. */
  facts: (key: string) => RouteFacts | undefined;
}

export class BaselineStage {
  readonly known: Baselines;
  private readonly parts: BaselineStageParts;

  constructor(parts: BaselineStageParts) {
    this.parts = parts;
    this.known = new Baselines(parts.view, () => parts.modules.current?.examine);
  }

  /** Takes up changes of baselines. True if routes have to be planned again. */
  look(): boolean {
    const isOther = this.known.refresh();
    if (isOther) this.parts.binding.reserved = this.known.keys();
    return isOther;
  }

  /** Namespaces that may get a route of their own, whatever else there is in them. */
  namespaces(): string[] {
    return this.known.overrides ? this.parts.view.informers.labels.names() : [];
  }

  /** Whether a namespace has, or is to have, anything in force. */
  concerns(namespace: string): boolean {
    return this.parts.view.namespaces.has(namespace) || this.known.routeOf(namespace) !== undefined;
  }

  /** Writes the statuses that have changed. */
  async reconcile(): Promise<undefined> {
    const { api, events } = this.parts;
    for (const [name, known] of this.known.all) {
      const { object } = known;
      const before = object.status as unknown as BaselineStatus | undefined;
      const status = baselineStatusOf(this.factsOf(name, known), before, new Date());
      if (before !== undefined && canonicalJson(before) === canonicalJson(status)) continue;
      const { apiVersion, kind, metadata } = object;
      await api.applyStatus(
        FINANCIAL_BASELINES,
        {
          apiVersion,
          kind,
          metadata: { name, uid: metadata.uid },
          status: status as unknown as Record<string, unknown>,
        },
        FIELD_MANAGER,
      );
      for (const condition of changed(before?.conditions, status.conditions)) events.tell(object, condition);
    }
  }

  private factsOf(
    name: string,
    { object, errors, isOver, inForce }: KnownBaseline,
  ): Parameters<typeof baselineStatusOf>[0] {
    const { view, rootNamespace } = this.parts;
    const reached = view.informers.labels
      .names()
      .filter((namespace) => view.isOwn(namespace) && this.known.of(namespace).some((one) => one.name === name));
    const routes = [...view.namespaces].flatMap(([, { checked }]) =>
      [...checked]
        .filter(([, route]) => route.baselines.includes(name))
        .flatMap(([key, route]) => this.routeOf(key, route)),
    );
    const overrides = inForce !== undefined && inForce.resource.spec.overrides !== undefined;
    return {
      ...this.doorsOf(overrides && !isOver ? name : undefined),
      generation: object.metadata.generation,
      errors,
      isOver,
      inForce,
      namespaces: reached.length,
      routes,
      root: overrides && reached.includes(rootNamespace) ? rootNamespace : undefined,
    };
  }

  /** Ports and listeners where its overrides have to hold, and what others change there. */
  private doorsOf(name: string | undefined): Pick<Parameters<typeof baselineStatusOf>[0], 'doors' | 'altered'> {
    const [judged, open, altered] = [new Set<string>(), new Set<string>(), new Set<string>()];
    for (const [namespace, { checked }] of name === undefined ? [] : this.parts.view.namespaces)
      for (const [key, route] of checked) {
        if (!route.baselines.includes(name ?? '')) continue;
        // A route whose own status says that all is well there has nothing to add to the gateways' ports.
        if (!isBaselineRoute(key) && !this.isTold(key)) continue;
        const facts = this.parts.facts(key);
        for (const door of facts?.coverage.judged ?? []) judged.add(`${namespace} ${door}`);
        for (const door of facts?.coverage.open ?? []) open.add(`${namespace} ${door}`);
        for (const { kind, text } of facts?.foreign ?? []) if (kind === 'alters') altered.add(text);
      }
    return { doors: { judged: [...judged].sort(), open: [...open].sort() }, altered: [...altered].sort() };
  }

  /** Whether a route's status tells of ports that are not covered, or of EnvoyFilters of others. */
  private isTold(key: string): boolean {
    const is = (type: string, status: string) => (one: Condition) => one.type === type && one.status === status;
    const conditions = this.conditionsOfRoute(key) ?? [];
    return conditions.some(is('Covered', 'False')) || conditions.some(is('ForeignPatches', 'True'));
  }

  /** State of a route; nothing, where another serves its requests or no proxy is meant. */
  private routeOf(key: string, { object, head, errors }: CheckedRoute): ReachedRoute[] {
    const isRest = isBaselineRoute(key);
    const name = isRest ? `${object.metadata.namespace} (requests without a route)` : key;
    if (head === undefined)
      return [{ name, programmed: 'False', refused: errors.map(({ code, path }) => `${code} ${path}`).join(', ') }];
    const conditions = isRest ? this.conditionsOfRest(key) : this.conditionsOfRoute(key);
    const find = (type: string): { status: Condition['status']; reason: string } | undefined =>
      conditions?.find((condition) => condition.type === type);
    const accepted = find('Accepted');
    if (accepted?.reason === 'Conflicted') return [];
    const programmed = find('Programmed');
    if (isRest && accepted?.status === 'False') return [{ name, programmed: 'False', refused: accepted.reason }];
    // Nothing could run it there, or fail to.
    if (programmed?.reason === 'NoProxies') return [];
    const isStuck = programmed?.status === 'False' && programmed.reason !== 'Pending';
    return [{ name: isStuck ? `${name} (${programmed.reason})` : name, programmed: programmed?.status ?? 'Unknown' }];
  }

  private conditionsOfRest(key: string): ReturnType<typeof conditionsOf> | undefined {
    const facts = this.parts.facts(key);
    return facts === undefined ? undefined : conditionsOf(facts);
  }

  private conditionsOfRoute(key: string): Condition[] | undefined {
    const object = this.parts.view.informers.routes.get(key);
    const { conditions } = (object?.status ?? {}) as Partial<RouteStatus>;
    return conditions?.filter(({ observedGeneration }) => observedGeneration === object?.metadata.generation);
  }
}

function changed(before: readonly Condition[] | undefined, after: readonly Condition[]): Condition[] {
  return after.filter((condition) => {
    const old = before?.find(({ type }) => type === condition.type);
    return old?.status !== condition.status || old.reason !== condition.reason;
  });
}
