// Reads the public schema for the generators: one node type, with `$ref`s to `#/$defs` resolved.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';

export const ROUTE_SCHEMA = 'envoy/route/financial-route.schema.json';

export interface CelRule {
  rule: string;
  message: string;
  'x-fim-code': string;
}

export interface RouteNode {
  $defs?: Record<string, RouteNode>;
  $ref?: string;
  title?: string;
  description?: string;
  type?: string | string[];
  properties?: Record<string, RouteNode>;
  required?: string[];
  additionalProperties?: boolean | RouteNode;
  items?: RouteNode;
  enum?: string[];
  default?: unknown;
  minimum?: number;
  maximum?: number;
  minLength?: number;
  maxLength?: number;
  minItems?: number;
  maxItems?: number;
  'x-fim-code'?: string;
  'x-fim-means'?: Record<string, string>;
  'x-fim-former'?: Record<string, string>;
  'x-kubernetes-validations'?: CelRule[];
  'x-kubernetes-preserve-unknown-fields'?: boolean;
}

/** The public schema, unresolved. */
export function readRouteSchema(repository: string): RouteNode {
  return JSON.parse(readFileSync(join(repository, ROUTE_SCHEMA), 'utf8'));
}

/** Node that a `$ref` names, or the node itself. Throws if there is none. */
export function resolveNode(root: RouteNode, node: RouteNode): RouteNode {
  if (node.$ref === undefined) return node;
  const target = root.$defs?.[node.$ref.replace('#/$defs/', '')];
  if (target === undefined) throw new Error(`${ROUTE_SCHEMA}: unknown $ref ${node.$ref}`);
  return target;
}
