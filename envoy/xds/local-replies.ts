import type { ErrorCode } from '../route/index.ts';
import { ERRORS, FLEET_HEADERS } from '../route/index.ts';
import { MAX_FLEET_LIMITS } from '../limits.ts';
import type { EnvoyObject } from './envoy-object.ts';
import { OUTDATED_DETAILS } from './ordinary-tls.ts';
import { SEAL_DETAILS } from './seal.ts';

const CEL = 'type.googleapis.com/envoy.extensions.access_loggers.filters.cel.v3.ExpressionFilter';
/** Envoy's response code details when a dead Wasm VM refuses a stream. */
const DEAD_VM = 'wasm_fail_stream';
/** Envoy's response flag for a filter without an accepted configuration. */
const NO_CONFIGURATION = 'NFCF';
/** Replies that do not originate in Envoy: a route's own text, the upstream's refusal of a WebSocket. */
const NOT_ENVOYS = ['direct_response', 'websocket_handshake_unsuccessful'];

export interface LocalReplyTerms {
  /**
   * `All`: every error of Envoy gets a code. `Seal`: only requests that FIM has not judged, for proxies with filters of
   * others.
   */
  of: 'All' | 'Seal';
}

/**
 * Turns Envoy's error replies into problem documents with the titles of the error table, and without any value of a
 * message. Replies of the modules name their code in the details and pass unchanged.
 */
export function localReplies({ of }: LocalReplyTerms): EnvoyObject {
  const unjudged = mapper(
    'FIM-RT-0020',
    either(
      flags(NO_CONFIGURATION),
      details(`response.code_details == '${SEAL_DETAILS}' || response.code_details == '${DEAD_VM}'`),
    ),
    ERRORS['FIM-RT-0020'].status,
  );
  if (of === 'Seal') return { mappers: [unjudged] };
  const asItIs = {
    filter: details(
      [
        `response.code_details.startsWith('FIM-')`,
        ...NOT_ENVOYS.map((name) => `response.code_details == '${name}'`),
      ].join(' || '),
    ),
  };
  return {
    mappers: [
      asItIs,
      unjudged,
      mapper('FIM-RT-0056', details(`response.code_details == '${OUTDATED_DETAILS}'`), ERRORS['FIM-RT-0056'].status),
      mapper('FIM-LIM-0001', details(`response.code_details == 'request_rate_limited'`)),
      mapper('FIM-LIM-0003', details(`response.code_details == 'rate_limiter_error'`)),
      mapper('FIM-RT-0026', either(flags('OM', 'UO'), details(`response.code_details.startsWith('overload')`))),
      mapper('FIM-RT-0021', flags('UF', 'UH', 'NC')),
      mapper('FIM-RT-0022', flags('UC', 'UR', 'LR', 'UPE')),
      mapper('FIM-RT-0023', either(flags('UT'), status('EQ', 504))),
      mapper('FIM-RT-0024', status('EQ', 408)),
      mapper('FIM-RT-0025', either(status('EQ', 413), status('EQ', 431))),
      mapper('FIM-RT-0027', status('EQ', 404)),
      mapper('FIM-RT-0029', status('GE', 500)),
      mapper('FIM-RT-0028', status('GE', 400)),
    ],
  };
}

/** Replies of the service that counts global limits, where other filters may ask such a service, too. */
export function limitReplies(): EnvoyObject {
  const ours = Array.from(
    { length: MAX_FLEET_LIMITS },
    (_, slot) => `'${FLEET_HEADERS.terms}${slot + 1}' in request.headers`,
  );
  const asked = (what: string): EnvoyObject => details(`response.code_details == '${what}' && (${ours.join(' || ')})`);
  return {
    mappers: [
      mapper('FIM-LIM-0001', asked('request_rate_limited')),
      mapper('FIM-LIM-0003', asked('rate_limiter_error')),
    ],
  };
}

/** Members as in the modules' replies, in the same order. `overridden`: status that replaces Envoy's. */
function mapper(code: ErrorCode, filter: EnvoyObject, overridden?: number): EnvoyObject {
  const { title, titleZh } = ERRORS[code];
  const text = JSON.stringify({ type: `urn:fim:error:${code}`, title, titleZh, status: 0, code })
    .replaceAll('%', '%%')
    .replace('"status":0', '"status":%RESPONSE_CODE%');
  return {
    filter,
    ...(overridden === undefined ? {} : { status_code: overridden }),
    body_format_override: {
      text_format_source: { inline_string: `${text}\n` },
      content_type: 'application/problem+json',
    },
  };
}

function details(expression: string): EnvoyObject {
  return {
    extension_filter: {
      name: 'envoy.access_loggers.extension_filters.cel',
      typed_config: { '@type': CEL, expression },
    },
  };
}

function flags(...names: string[]): EnvoyObject {
  return { response_flag_filter: { flags: names } };
}

function status(op: 'EQ' | 'GE', value: number): EnvoyObject {
  return {
    status_code_filter: { comparison: { op, value: { default_value: value, runtime_key: 'fim.local_reply.unused' } } },
  };
}

function either(...filters: EnvoyObject[]): EnvoyObject {
  return { or_filter: { filters } };
}
