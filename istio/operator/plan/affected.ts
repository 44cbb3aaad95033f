// Tells Gateways and HTTPRoutes of the routes that are for them, in their own status (GEP-713): whoever reads
// a Gateway sees that a policy acts there.
import { isBaselineRoute } from '../../../envoy/route/index.ts';
import { MAX_NAMED_ROUTES } from '../../limits.ts';
import { isWaypoint, type TargetFacts } from './selection.ts';
import type { Place } from './targets.ts';
import type { RouteHead } from './workloads.ts';

/** True is not a mistake: it only tells. It stands there only where it is True. */
export const AFFECTED_CONDITION = 'fim.financial/FinancialPolicyAffected';

/** The texts of the condition, by the name of the object. */
export interface Affected {
  gateways: Map<string, string>;
  httpRoutes: Map<string, string>;
}

/** Policies that act on requests that no route concerns. */
const BASELINES = 'the FinancialBaselines of the namespace';

/** `served`: routes that have proxies. */
export function affectedBy(
  served: readonly Pick<RouteHead, 'key' | 'spec'>[],
  places: ReadonlyMap<string, readonly Place[]>,
  facts: TargetFacts,
): Affected {
  const gateways = new Map<string, string[]>();
  const httpRoutes = new Map<string, string[]>();
  const note = (where: Map<string, string[]>, name: string, text: string): void => {
    const texts = where.get(name) ?? [];
    if (!texts.includes(text)) where.set(name, [...texts, text]);
  };
  for (const { key, spec } of served) {
    if (spec.selector !== undefined) continue;
    if (spec.targetRefs === undefined) {
      const text = isBaselineRoute(key) ? BASELINES : key;
      for (const [name, gateway] of facts.gateways) if (!isWaypoint(gateway)) note(gateways, name, text);
      continue;
    }
    for (const { ref, selection, problem } of places.get(key) ?? []) {
      if (selection === undefined || problem !== undefined) continue;
      const text = ref.sectionName === undefined ? key : `${key} (${ref.sectionName})`;
      if (ref.kind === 'Gateway') note(gateways, ref.name, text);
      if (ref.kind === 'HTTPRoute') note(httpRoutes, ref.name, text);
    }
  }
  const said = (texts: readonly string[]): string => {
    const routes = texts.filter((text) => text !== BASELINES).sort();
    const more = routes.length - MAX_NAMED_ROUTES;
    const named = `FinancialRoute ${routes.slice(0, MAX_NAMED_ROUTES).join(', ')}${more > 0 ? ` and ${more} more` : ''}`;
    const all = [...(routes.length > 0 ? [named] : []), ...(routes.length < texts.length ? [BASELINES] : [])];
    return `Affected by ${all.join(' and ')}.`;
  };
  const all = (where: Map<string, string[]>): Map<string, string> =>
    new Map([...where].map(([name, texts]) => [name, said(texts)]));
  return { gateways: all(gateways), httpRoutes: all(httpRoutes) };
}
