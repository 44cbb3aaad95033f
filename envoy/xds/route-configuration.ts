import type { HeaderMatchConfig, MatchConfig, PathMatchConfig, PluginConfig } from '../route/index.ts';
import { MAX_ENVOY_BUFFER_BYTES } from '../limits.ts';
import type { EnvoyObject } from './envoy-object.ts';

/** Name under which the listener asks for the routes. */
export const ROUTE_CONFIGURATION = 'fim';
/** One filter for each encoding that Envoy can open (RFC 9110, 8.4.1; RFC 7932). */
export const DECOMPRESSOR_FILTERS = { gzip: 'fim.decompressor.gzip', brotli: 'fim.decompressor.brotli' } as const;
export const UPSTREAM_CLUSTER = 'upstream';

/** A filter's own switch per route: the decompressor stands in the chain, and is off where this is set. */
const DISABLED: EnvoyObject = { '@type': 'type.googleapis.com/envoy.config.route.v3.FilterConfig', disabled: true };

/**
 * Envoy's routes. All lead to the one upstream; they differ in whether Envoy decompresses bodies before the plugin sees them. Only if a route asks for that
 * are the routes of the plugin mirrored, in the same order and with the same matches; else there is one for all requests.
 */
export function routeResource(config: PluginConfig): EnvoyObject {
  const mirrored = config.routes.some((route) => route.body?.compressed === 'Decompress');
  const routes = mirrored ? config.routes.map((route) => toUpstream(matchOf(route.match), route.body?.compressed === 'Decompress')) : [];
  return {
    version_info: String(config.generation ?? 0),
    resources: [
      {
        '@type': 'type.googleapis.com/envoy.config.route.v3.RouteConfiguration',
        name: ROUTE_CONFIGURATION,
        virtual_hosts: [{ name: 'all', domains: ['*'], routes: [...routes, toUpstream({ prefix: '/' }, false)] }],
      },
    ],
  };
}

function toUpstream(match: EnvoyObject, decompress: boolean): EnvoyObject {
  return {
    match,
    // Streams live as long as bytes flow (the listener's idle time-out); a whole-stream time-out would cut server-sent events.
    route: { cluster: UPSTREAM_CLUSTER, timeout: '0s' },
    request_body_buffer_limit: MAX_ENVOY_BUFFER_BYTES,
    ...(decompress ? {} : { typed_per_filter_config: Object.fromEntries(Object.values(DECOMPRESSOR_FILTERS).map((filter) => [filter, DISABLED])) }),
  };
}

function matchOf(match: MatchConfig | undefined): EnvoyObject {
  const headers: EnvoyObject[] = [];
  const hosts = match?.hosts?.filter((host) => host !== '*') ?? [];
  if (hosts.length > 0 && hosts.length === match?.hosts?.length) headers.push(regexHeader(':authority', hosts.map(hostPattern).join('|')));
  const methods = match?.methods ?? [];
  if (methods.length > 0) headers.push(regexHeader(':method', methods.map(escape).join('|')));
  for (const header of match?.headers ?? []) headers.push(headerMatch(header));
  return { ...pathMatch(match?.path), ...(headers.length > 0 ? { headers } : {}) };
}

/** `*.x` stands for one or more labels; case and port do not count. */
function hostPattern(host: string): string {
  const name = host.startsWith('*.') ? `[^:]+\\.${escape(host.slice(2))}` : escape(host);
  return `(?i:${name})(?::[0-9]+)?`;
}

function pathMatch(path: PathMatchConfig | undefined): EnvoyObject {
  if (!path) return { prefix: '/' };
  if (path.type === 'Exact') return { path: path.value };
  if (path.type === 'Pattern') return { safe_regex: { regex: path.value } };
  const prefix = path.value.replace(/\/+$/, '');
  return prefix === '' ? { prefix: '/' } : { path_separated_prefix: prefix };
}

function headerMatch(header: HeaderMatchConfig): EnvoyObject {
  if (header.type === 'Present') return { name: header.name, present_match: true };
  if (header.type === 'Pattern') return regexHeader(header.name, header.value ?? '');
  return { name: header.name, string_match: { exact: header.value ?? '' } };
}

function regexHeader(name: string, regex: string): EnvoyObject {
  return { name, string_match: { safe_regex: { regex } } };
}

function escape(text: string): string {
  return text.replace(/[.*+?^${}()|[\]\\]/g, '\\$&');
}
