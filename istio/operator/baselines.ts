// The platform's baselines: which are valid, which reach a namespace, and what stays in force of one that is not valid
// any more. The last valid form stands in the status, so that a restart does not lose it.
import {
  canonicalHash,
  baselineRoute,
  BASELINE_ROUTE,
  overridesSections,
  checkBaseline,
  keyIdsOf,
  reaches,
  translate,
  withinBounds,
  type BaselineResource,
  type Refusal,
  type RouteIssue,
} from '../../envoy/route/index.ts';
import { RouteSource } from '../../envoy/route/source.ts';
import { MAX_BASELINE_BYTES } from '../../envoy/limits.ts';
import type { ClusterView } from './cluster-view.ts';
import type { KubeObject } from './kube/objects.ts';

/** Namespaces of Kubernetes itself, which have no gateways: nothing is put there. */
export const SYSTEM_NAMESPACES: ReadonlySet<string> = new Set(['kube-system', 'kube-public', 'kube-node-lease']);

/** One baseline, and what is in force of it. */
export interface KnownBaseline {
  object: KubeObject;
  /** Mistakes of the newest form. */
  errors: RouteIssue[];
  /** Whether there are too many older ones. */
  isOver: boolean;
  /** Generation and form in force. Undefined: none ever was. */
  inForce: { generation: number; resource: BaselineResource; spec: unknown } | undefined;
}

/** Record of the form in force. */
interface KeptForm {
  generation?: number;
  spec?: string;
}

function valueOf({ apiVersion, kind, metadata, spec }: KubeObject): unknown {
  const { name, creationTimestamp, generation } = metadata;
  return {
    apiVersion,
    kind,
    metadata: { name, ...(creationTimestamp === undefined ? {} : { creationTimestamp }), generation: generation ?? 0 },
    spec,
  };
}

/** A baseline that is larger than any valid one keeps its place without its spec. */
export function trimBaseline(object: KubeObject): KubeObject {
  const { name, uid, resourceVersion, generation, creationTimestamp, deletionTimestamp } = object.metadata;
  const bytes = Buffer.byteLength(JSON.stringify(object.spec ?? {}));
  return {
    apiVersion: object.apiVersion,
    kind: object.kind,
    metadata: {
      name,
      uid,
      resourceVersion,
      generation,
      creationTimestamp,
      ...(deletionTimestamp ? { deletionTimestamp } : {}),
    },
    spec: bytes > 2 * MAX_BASELINE_BYTES ? { bytes } : object.spec,
    status: object.status,
  };
}

export class Baselines {
  private readonly view: ClusterView;
  private readonly examine: () => ((json: string) => Refusal | undefined) | undefined;
  private known = new Map<string, KnownBaseline & { version: string }>();

  /** `examine`: the module's verdict on a configuration. Undefined while there is no module. */
  constructor(view: ClusterView, examine: () => ((json: string) => Refusal | undefined) | undefined) {
    this.view = view;
    this.examine = examine;
  }

  get all(): ReadonlyMap<string, KnownBaseline> {
    return this.known;
  }

  /** Looks at all baselines again. True if what is in force has changed. */
  refresh(): boolean {
    const before = this.identity();
    const objects = [...this.view.informers.baselines.in('').values()].filter(
      ({ metadata }) => !metadata.deletionTimestamp,
    );
    const next = new Map(
      objects.map((object) => {
        const { name, uid = '', generation = 0 } = object.metadata;
        const version = `${uid} ${generation}`;
        const former = this.known.get(name);
        if (former?.version === version) return [name, { ...former, object }];
        const isSame = former?.object.metadata.uid === object.metadata.uid;
        return [name, { ...this.judge(object, isSame ? former?.inForce : undefined), version }];
      }),
    );
    const { over } = withinBounds([...next.values()].flatMap(({ inForce }) => inForce?.resource ?? []));
    for (const one of next.values()) one.isOver = one.inForce !== undefined && over.includes(one.inForce.resource);
    this.known = next;
    return this.identity() !== before;
  }

  /** Baselines that reach a namespace, oldest first. */
  of(namespace: string): BaselineResource[] {
    const labels = this.view.informers.labels.get(namespace)?.metadata.labels ?? {};
    return this.inForce.filter((baseline) => reaches(baseline, namespace, labels));
  }

  /** Keys that baselines name. They are the platform's, and no namespace's to claim. */
  keys(): Set<string> {
    const found = this.inForce.flatMap(({ spec }) =>
      [spec.overrides, spec.defaults].flatMap((part) =>
        keyIdsOf({
          sections: Object.fromEntries(Object.entries(part ?? {}).map(([name, value]) => [name, { value, path: [] }])),
          spec: part?.tls === undefined ? {} : { tls: part.tls },
        }),
      ),
    );
    return new Set(found);
  }

  /**
   * Object that stands for the requests of a namespace without a route. Undefined where no baseline overrides, or where
   * there is nothing that could be a gateway.
   */
  routeOf(namespace: string): KubeObject | undefined {
    if (SYSTEM_NAMESPACES.has(namespace) || !this.of(namespace).some(overridesSections)) return undefined;
    const { gateways, istioGateways, pods } = this.view.facts(namespace);
    if (gateways.size + istioGateways.size + (pods?.size ?? 0) === 0) return undefined;
    return {
      apiVersion: 'fim.financial/v1',
      kind: 'FinancialRoute',
      metadata: {
        name: BASELINE_ROUTE,
        namespace,
        uid: BASELINE_ROUTE,
        generation: 1,
        creationTimestamp: new Date(0).toISOString(),
      },
      spec: {},
    };
  }

  /** Whether any baseline may put a route into a namespace. */
  get overrides(): boolean {
    return this.inForce.some(({ spec }) => spec.overrides !== undefined);
  }

  private get inForce(): BaselineResource[] {
    return withinBounds(
      [...this.known.values()].flatMap(({ inForce, isOver }) =>
        inForce === undefined || isOver ? [] : inForce.resource,
      ),
    ).kept;
  }

  private identity(): string {
    return canonicalHash(this.inForce.map(({ name, created, spec }) => [name, String(created), spec]));
  }

  private judge(object: KubeObject, former: KnownBaseline['inForce']): KnownBaseline {
    const { bytes } = (object.spec ?? {}) as { bytes?: number };
    const { baseline, errors } = checkBaseline(valueOf(object), new RouteSource(''));
    const found =
      bytes === undefined
        ? errors
        : [
            {
              code: 'FIM-CFG-1002' as const,
              path: '$.spec',
              message: `It has ${bytes} bytes, of ${MAX_BASELINE_BYTES}.`,
              file: '',
            },
          ];
    const refused = baseline === undefined ? [] : this.refusals(baseline);
    if (baseline !== undefined && refused.length === 0)
      return {
        object,
        errors: [],
        isOver: false,
        inForce: { generation: object.metadata.generation ?? 0, resource: baseline, spec: object.spec },
      };
    return { object, errors: [...found, ...refused], isOver: false, inForce: former ?? keptForm(object) };
  }

  /** The module's word against a baseline. */
  private refusals(baseline: BaselineResource): RouteIssue[] {
    const examine = this.examine();
    const errors: RouteIssue[] = [];
    for (const part of ['overrides', 'defaults'] as const) {
      if (baseline.spec[part] === undefined) continue;
      const alone: BaselineResource = { ...baseline, spec: { overrides: baseline.spec[part] } };
      const route = baselineRoute('default', [alone], errors);
      if (route === undefined || examine === undefined) continue;
      const { pluginConfigs, locate } = translate([route], { layout: 'fused' });
      const refusal = examine(pluginConfigs[0]?.json ?? '');
      if (refusal === undefined) continue;
      const issue = locate(refusal.code, refusal.pointer);
      errors.push({ ...issue, path: issue.path.replace('$.spec.overrides', `$.spec.${part}`) });
    }
    return errors;
  }
}

/** The form in force that the status records. */
export function keptForm(object: KubeObject): KnownBaseline['inForce'] {
  const { generation, spec } = ((object.status as { inForce?: KeptForm } | undefined)?.inForce ?? {}) as KeptForm;
  if (generation === undefined || spec === undefined) return undefined;
  try {
    const kept: unknown = JSON.parse(spec);
    const { baseline } = checkBaseline(valueOf({ ...object, spec: kept as KubeObject['spec'] }), new RouteSource(''));
    return baseline === undefined ? undefined : { generation, resource: { ...baseline, generation }, spec: kept };
  } catch {
    return undefined;
  }
}
