// Clients of a mesh that say who they are: their `x-fim-client-*` headers are removed wherever a route is in force.
import { claimsFilterExcept, type EnvoyObject } from '../../../envoy/xds/index.ts';

export interface ClaimTerms {
  /** Matches of the connection manager, or of a filter in it. */
  at: (subFilter?: string) => EnvoyObject[];
  /** Name of the filter of a workload. */
  nameOf: (workload: string) => string;
  workload: string;
  /** Wider workloads, whose filter gives way: it would stand behind the one that says who the client is. */
  wider: readonly string[];
  /** SPIFFE ids whose headers are believed. */
  peers: readonly string[];
}

/** The filter is the first of all, before the one of national TLS. Patches come in this order. */
export function claimsPatches({ at, nameOf, workload, wider, peers }: ClaimTerms): EnvoyObject[] {
  const patch = (match: EnvoyObject, content: EnvoyObject): EnvoyObject => ({
    applyTo: 'HTTP_FILTER',
    match,
    patch: content,
  });
  return [
    ...wider.flatMap((other) => at(nameOf(other)).map((match) => patch(match, { operation: 'REMOVE' }))),
    ...at().map((match) =>
      patch(match, { operation: 'INSERT_FIRST', value: claimsFilterExcept(nameOf(workload), peers) }),
    ),
  ];
}
