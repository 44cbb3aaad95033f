// Renders the objects that the operator would make on an empty cluster. `fim render` and the golden tests use it.
import {
  asksAudit,
  asksFleet,
  type KmsConfig,
  type RouteIssue,
  type RouteResource,
} from '../../../envoy/route/index.ts';
import type { KubeObject } from '../kube/objects.ts';
import { APPLIED_ANNOTATION } from './applied.ts';
import { build, type Examine } from './build.ts';
import { CLUSTER_DOMAIN, waypointChains, workloadObject, type ModuleReference } from './envoy-filter.ts';
import { auditObject, kmsObject, limitsObject, type KmsAccess, type ServiceAccess } from './services.ts';
import { sealObject } from './seal.ts';
import { sealScope } from './seal-scope.ts';
import { SERVICE_TERM, type TargetFacts, type TargetProblem } from './selection.ts';
import { matchesAt } from './targets.ts';
import { groupRoutes } from './workloads.ts';

export interface RenderInput {
  resources: readonly RouteResource[];
  /** Objects of a namespace besides routes. */
  facts: (namespace: string) => TargetFacts;
  module: ModuleReference;
  examine: Examine;
  kms: KmsConfig;
  /** Undefined: the key service gets no cluster. */
  kmsAccess: KmsAccess | undefined;
  /** Undefined: there is no collector of audit records, and routes that ask for some are refused. */
  audit?: ServiceAccess;
  /** Undefined: no service counts global limits, and routes that have some are refused. */
  limits?: URL;
  version: string;
}

export interface Rendered {
  objects: KubeObject[];
  /** Routes, or parts of them, that no object contains. */
  refused: RouteIssue[];
  conflicts: { route: string; message: string }[];
  problems: { route: string; problem: TargetProblem }[];
}

/** Objects of all namespaces, sorted by name, in their first generation and with the operator's defaults. */
export function render({
  resources,
  facts,
  module,
  examine,
  kms,
  kmsAccess,
  audit,
  limits,
  version,
}: RenderInput): Rendered {
  const result: Rendered = { objects: [], refused: [], conflicts: [], problems: [] };
  const namespaces = Map.groupBy(resources, (resource) => resource.namespace);
  for (const [namespace, routes] of [...namespaces].sort(([a], [b]) => (a < b ? -1 : 1))) {
    const found = facts(namespace);
    const grouping = groupRoutes(namespace, routes, found);
    for (const [route, problems] of grouping.problems)
      result.problems.push(...problems.map((problem) => ({ route, problem })));
    const byKey = new Map(routes.map((route) => [route.key, route]));
    let [usesKeys, audits, asks] = [false, false, false];
    for (const workload of [...grouping.workloads.values()].sort((a, b) => (a.name < b.name ? -1 : 1))) {
      const made = build({
        routes: workload.routes.flatMap(({ key }) => {
          const route = byKey.get(key);
          const matches = matchesAt(grouping.places.get(key) ?? [], workload.selection);
          return route === undefined ? [] : [{ ...route, ...(matches === undefined ? {} : { matches }) }];
        }),
        unservable: new Map(),
        objects: new Map(),
        applied: undefined,
        examine,
        kms,
        collects: audit !== undefined,
        countsGlobally: limits !== undefined,
      });
      result.refused.push(...[...made.refused.values()].flat());
      for (const [route, drafts] of Object.entries(made.conditions)) {
        for (const draft of drafts)
          if (draft.reason === 'Conflicted' && draft.type !== 'Programmed')
            result.conflicts.push({ route, message: draft.message });
      }
      if (made.members.size === 0) continue;
      usesKeys ||= made.config.kms !== undefined;
      audits ||= asksAudit({ ...made.config });
      asks ||= asksFleet({ ...made.config });
      const service = found.services.get(workload.selection.terms[SERVICE_TERM] ?? '');
      const chains = service === undefined ? undefined : waypointChains(service, CLUSTER_DOMAIN);
      const object = workloadObject(
        workload,
        { config: made.config, hash: made.hash, generation: 1, appliedAt: 0, module, version },
        { chains, countsGlobally: limits !== undefined },
      );
      delete object.metadata.annotations?.[APPLIED_ANNOTATION];
      result.objects.push(object);
      result.objects.push(
        sealObject(workload, sealScope(made.config.routes), version, { chains, refusesOthers: true }),
      );
    }
    if (usesKeys && kmsAccess !== undefined) result.objects.push(kmsObject(namespace, kmsAccess, version));
    if (audits && audit !== undefined) result.objects.push(auditObject(namespace, audit, version));
    if (asks && limits !== undefined) result.objects.push(limitsObject(namespace, limits, version));
  }
  return result;
}
