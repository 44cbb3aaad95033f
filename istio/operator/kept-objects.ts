// Kinds that the operator watches, and the parts of each object that it keeps: names, planning inputs, packed specs.
import { MAX_KEPT_BASELINES, MAX_KEPT_NAMESPACE_RESOURCES } from '../limits.ts';
import { trimAffected } from './affected-stage.ts';
import { trimBaseline } from './baselines.ts';
import { REVISION_LABEL, type Informers } from './cluster-view.ts';
import type { KubeApi } from './kube/api.ts';
import { Informer } from './kube/informer.ts';
import { NamespacedInformer } from './kube/namespaced-informer.ts';
import type { KubeObject } from './kube/objects.ts';
import { SpecStore } from './kube/packed.ts';
import {
  ENVOY_FILTERS,
  FINANCIAL_BASELINES,
  FINANCIAL_ROUTES,
  GATEWAYS,
  HTTP_ROUTES,
  ISTIO_GATEWAYS,
  NAMESPACES,
  PODS,
  SERVICES,
  VALIDATION_PROFILES,
  WASM_PLUGINS,
  type Resource,
} from './kube/resources.ts';
import { MANAGED_BY_LABEL, MANAGER } from './plan/applied.ts';
import { trimForeign, trimPlugin } from './plan/foreign.ts';
import { STANDING_LABEL } from './plan/standing.ts';
import { trimPod } from './proxies.ts';

/** Prefix of the annotations that the operator reads. */
const OWN_ANNOTATIONS = 'fim.financial/';

/** Other annotations are dropped: `kubectl apply` keeps copies there that are as large as the object. */
function ownAnnotations({ annotations }: KubeObject['metadata']): Record<string, string> | undefined {
  const own = Object.entries(annotations ?? {}).filter(([name]) => name.startsWith(OWN_ANNOTATIONS));
  return own.length === 0 ? undefined : Object.fromEntries(own);
}

function ownMetadata(metadata: KubeObject['metadata'], isOurs: boolean): KubeObject['metadata'] {
  const {
    name,
    namespace,
    uid,
    resourceVersion,
    generation,
    creationTimestamp,
    deletionTimestamp,
    labels,
    ownerReferences,
  } = metadata;
  const annotations = ownAnnotations(metadata);
  return {
    name,
    namespace,
    uid,
    resourceVersion,
    generation,
    creationTimestamp,
    ...(deletionTimestamp ? { deletionTimestamp } : {}),
    ...(annotations === undefined ? {} : { annotations }),
    ...(isOurs ? { labels, ownerReferences } : {}),
  };
}

/** Planning needs only name, labels and a few members of the spec of Gateways and Services. */
function trimTarget(object: KubeObject): KubeObject {
  const { name, namespace, uid, resourceVersion, labels } = object.metadata;
  const { gatewayClassName, selector, ports, listeners, servers } = object.spec ?? {};
  return {
    apiVersion: object.apiVersion,
    kind: object.kind,
    metadata: { name, namespace, uid, resourceVersion, labels },
    spec: { gatewayClassName, selector, ports, listeners, servers },
  };
}

/** Of an HTTPRoute, what it serves, and where; of it and of a Gateway, what is said of routes in its status. */
function trimAttached(object: KubeObject): KubeObject {
  const { hostnames, parentRefs, rules } = object.spec ?? {};
  const trimmed = trimTarget(object);
  const { generation } = object.metadata;
  const kept = ((rules ?? []) as { name?: string; matches?: unknown }[]).map(({ name, matches }) => ({
    name,
    matches,
  }));
  return {
    ...trimmed,
    metadata: { ...trimmed.metadata, generation },
    spec:
      object.kind === 'HTTPRoute'
        ? { hostnames, parentRefs, ...(rules === undefined ? {} : { rules: kept }) }
        : trimmed.spec,
    status: trimAffected(object),
  };
}

/** Of a namespace, what a baseline selects it by. */
function trimLabels({ apiVersion, kind, metadata: { name, uid, resourceVersion, labels } }: KubeObject): KubeObject {
  return { apiVersion, kind, metadata: { name, uid, resourceVersion, labels } };
}

type OnChange = (namespace: string, before: KubeObject | undefined, after: KubeObject | undefined) => void;

export interface FollowOptions {
  api: KubeApi;
  /** The only namespaces to be followed; undefined: all. */
  only: readonly string[] | undefined;
  onChange: {
    routes: OnChange;
    objects: OnChange;
    pods: OnChange;
    foreign: OnChange;
    namespaces: OnChange;
    revisions: OnChange;
    baselines: OnChange;
    /** Namespaces, by their labels. */
    labels: OnChange;
    /** Gateways and HTTPRoutes. */
    attached: OnChange;
    istioGateways: OnChange;
    others: OnChange;
  };
  /** Receives the time that an object of a namespace took to process, milliseconds. */
  onWork: (namespace: string, milliseconds: number) => void;
  onFailure: (resource: string, reason: string, message: string) => void;
}

/** Informers of all kinds. They send no request before they run. */
export function makeInformers({ api, only, onChange, onWork, onFailure }: FollowOptions): Informers {
  const make = (
    resource: Resource,
    told: OnChange,
    rest: Partial<ConstructorParameters<typeof Informer>[0]>,
  ): Informer => {
    const options: ConstructorParameters<typeof Informer>[0] = {
      api,
      resource,
      onFailure,
      onWork,
      onChange: (_, before, after) => told((after ?? before)?.metadata.namespace ?? '', before, after),
      ...rest,
    };
    // Namespaces themselves cannot be listed by some of them.
    return only === undefined
      ? new Informer(options)
      : new NamespacedInformer(options, resource.clusterScoped ? [] : only);
  };
  const kept = (store: SpecStore, isOurs: boolean): Partial<ConstructorParameters<typeof Informer>[0]> => ({
    trim: (object, before) => store.take(object, ownMetadata(object.metadata, isOurs), before),
    release: (object) => store.release(object),
    wantsRelist: () => store.hasRoomAgain,
  });
  const specs = new SpecStore(true);
  const bounded = { ...kept(specs, false), mostInNamespace: MAX_KEPT_NAMESPACE_RESOURCES };
  return {
    routes: make(FINANCIAL_ROUTES, onChange.routes, bounded),
    profiles: make(VALIDATION_PROFILES, onChange.others, bounded),
    envoyFilters: make(ENVOY_FILTERS, onChange.objects, {
      ...kept(new SpecStore(false), true),
      labelSelector: `${MANAGED_BY_LABEL}=${MANAGER}`,
    }),
    gateways: make(GATEWAYS, onChange.attached, { trim: trimAttached }),
    istioGateways: make(ISTIO_GATEWAYS, onChange.istioGateways, { trim: trimTarget }),
    httpRoutes: make(HTTP_ROUTES, onChange.attached, { trim: trimAttached }),
    services: make(SERVICES, onChange.others, { trim: trimTarget }),
    pods: make(PODS, onChange.pods, { trim: trimPod }),
    foreign: make(ENVOY_FILTERS, onChange.foreign, {
      trim: trimForeign,
      labelSelector: `${MANAGED_BY_LABEL}!=${MANAGER}`,
      mostInNamespace: MAX_KEPT_NAMESPACE_RESOURCES,
    }),
    plugins: make(WASM_PLUGINS, onChange.foreign, {
      trim: trimPlugin,
      mostInNamespace: MAX_KEPT_NAMESPACE_RESOURCES,
    }),
    namespaces: make(NAMESPACES, onChange.namespaces, { trim: trimTarget, labelSelector: STANDING_LABEL }),
    revisions: make(NAMESPACES, onChange.revisions, { trim: trimTarget, labelSelector: REVISION_LABEL }),
    baselines: make(FINANCIAL_BASELINES, onChange.baselines, {
      trim: trimBaseline,
      mostInNamespace: MAX_KEPT_BASELINES,
    }),
    labels: make(NAMESPACES, onChange.labels, { trim: trimLabels }),
  };
}
