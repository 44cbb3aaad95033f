// Namespaces whose proxies have the filter before any route exists. Adding a filter makes a new listener, and the old
// one serves its open connections without a policy until it has drained. With a standing filter, the first route is
// only an edit that open connections obey at once.
import type { KubeObject } from '../kube/objects.ts';
import { GATEWAY_NAME_LABEL, isGateway, isWaypoint, type Selection, type TargetFacts } from './selection.ts';

/** Label of a namespace. `gateways` covers gateways only, `all` also the sidecars behind its Services. */
export const STANDING_LABEL = 'fim.financial/standing';

/** Selections whose filter stands without routes. */
export function standingSelections(namespace: KubeObject | undefined, facts: TargetFacts): Selection[] {
  const asked = namespace?.metadata.labels?.[STANDING_LABEL];
  if (asked !== 'gateways' && asked !== 'all') return [];
  const gateways = [...facts.gateways]
    .filter(([, gateway]) => !isWaypoint(gateway))
    .map(([name]): Selection => ({ lattice: 'gateway', terms: { [GATEWAY_NAME_LABEL]: name } }));
  const selectors =
    asked === 'all'
      ? [...facts.services.values()].map((service) => (service.spec?.selector ?? {}) as Record<string, string>)
      : [];
  const sidecars = selectors
    .filter((terms) => Object.keys(terms).length > 0 && !isGateway(terms, facts))
    .map((terms): Selection => ({ lattice: 'sidecar', terms }));
  return [{ lattice: 'gateway', terms: {} }, ...gateways, ...sidecars];
}
