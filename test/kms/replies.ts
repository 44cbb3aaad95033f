// Replies of a key service, and the ways in which it may fail.
import type { HttpCallOutcome } from '../../envoy/host/index.ts';

const JSON_TYPE = { 'content-type': 'application/json' };

export interface Reply {
  status: number;
  headers?: Record<string, string>;
  body?: string;
  /** On the host only, by the virtual clock. */
  afterMs?: number;
}

/** Fault of a request: another reply, or none. `dripping`: a reply that comes byte by byte and never ends. */
export type Fault = Reply | Exclude<HttpCallOutcome, object> | 'dripping';

export const says = (status: number, body = ''): Reply => ({ status, body, headers: JSON_TYPE });
export const ABSENT = says(404, '{"errors":[]}');
export const DENIED = says(403, '{"errors":["permission denied"]}');
export const FAILING = says(503);
export const GARBAGE: Reply = { status: 200, headers: { 'content-type': 'text/html' }, body: '<html></html>' };
export const REDIRECTED: Reply = { status: 302, headers: { location: 'http://elsewhere.test/' } };
/** Nothing is mounted there: not the service's word about a key. */
export const UNMOUNTED = says(
  404,
  '{"errors":["no handler for route \\"transit/decrypt/pay\\". route entry not found."]}',
);
