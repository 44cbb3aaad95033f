// A service's name as proxies look it up: in full, so that nobody completes it. A pod completes names by the
// search list of its namespace, and whoever may make Services or pods there decides what a short one means.
import { hostOf } from '../../../envoy/xds/index.ts';

/** Why proxies cannot look a host up without a search list. Undefined: they can. */
export function shortName(url: URL): string | undefined {
  const host = hostOf(url);
  if (host.includes(':') || host === 'localhost' || host.endsWith('.') || host.split('.').length > 2) return undefined;
  return `${host} would be completed by each namespace, which may have a Service or a pod of that name: say NAME.NAMESPACE.svc, or the whole name with a dot at its end`;
}

/**
 * An Envoy cluster that Istio makes of Services, ServiceEntries and DestinationRules, which a namespace may write for
 * itself.
 */
export function isOfIstio(cluster: string): boolean {
  return cluster.includes('|');
}

/**
 * Name that proxies look up for a service of the platform, without a search list. `clusterDomain`: domain of the cluster's
 * Services.
 */
export function serviceAddress(url: URL, clusterDomain: string): string {
  const host = hostOf(url).replace(/\.$/, '');
  return host.endsWith('.svc') ? `${host}.${clusterDomain}` : host;
}
