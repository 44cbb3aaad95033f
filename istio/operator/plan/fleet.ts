// Global limits in a mesh: Envoy's own rate-limit filters behind FIM, which ask the platform's service.
import { dropQuestions, limitFilters, limitReplies, type EnvoyObject } from '../../../envoy/xds/index.ts';

export interface FleetTerms {
  /** Matches of the connection manager, or of a filter in it. */
  at: (subFilter?: string) => EnvoyObject[];
  /** Name of FIM's filter of a workload. */
  nameOf: (workload: string) => string;
  router: string;
  workload: string;
  /** Wider workloads, whose filters give way: a request is counted once. */
  wider: readonly string[];
  /** Whether the workload has global limits. */
  asks: boolean;
}

const PARTS = ['forged', 'open', 'closed', 'asked'];

/** The filters, and the removal of those of wider workloads. Questions of clients are removed before all others. */
export function fleetPatches({ at, nameOf, router, workload, wider, asks }: FleetTerms): EnvoyObject[] {
  const filter = (match: EnvoyObject, content: EnvoyObject): EnvoyObject => ({
    applyTo: 'HTTP_FILTER',
    match,
    patch: content,
  });
  const prefix = (name: string): string => `${nameOf(name)}.limits`;
  const removed = wider.flatMap((other) =>
    PARTS.flatMap((part) => at(`${prefix(other)}.${part}`).map((match) => filter(match, { operation: 'REMOVE' }))),
  );
  if (!asks) return removed;
  const value = { typed_config: { '@type': MANAGER, local_reply_config: limitReplies() } };
  return [
    ...removed,
    ...at().map((match) =>
      filter(match, { operation: 'INSERT_FIRST', value: dropQuestions(`${prefix(workload)}.forged`) }),
    ),
    ...limitFilters(undefined, prefix(workload)).flatMap((one) =>
      at(router).map((match) => filter(match, { operation: 'INSERT_BEFORE', value: one })),
    ),
    ...at().map((match): EnvoyObject => ({
      applyTo: 'NETWORK_FILTER',
      match,
      patch: { operation: 'MERGE', value },
    })),
  ];
}

const MANAGER = 'type.googleapis.com/envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager';
