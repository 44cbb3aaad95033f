// Namespaces whose proxies have the filter before there is a route. The first filter of a listener makes a new
// listener, whose predecessor serves the connections that it has without a policy until it is drained; where a filter
// stands, the first route is an edit, which open connections obey at once.
import type { KubeObject } from '../kube/objects.ts';
import { GATEWAY_NAME_LABEL, isGateway, isWaypoint, type Selection, type TargetFacts } from './selection.ts';

/** Label of a namespace: `gateways`, or `all` for the sidecars behind its Services too. */
export const STANDING_LABEL = 'fim.financial/standing';

/** The selections whose filter stands without routes. */
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
