import {
  parseRoutes,
  translate,
  type RouteResource,
  type Translation,
  type TranslateOptions,
} from '../../envoy/route/index.ts';

/**
 * One resource in short: a name (with a namespace before `/`, and an age after `@`), and the text of its spec in flow
 * style.
 */
export function resource(name: string, spec: string): RouteResource {
  const [full = '', created] = name.split('@');
  const [namespace, own] = full.includes('/') ? full.split('/') : ['default', full];
  const stamp = created === undefined ? '' : `, creationTimestamp: "${created}"`;
  const text = `apiVersion: fim.financial/v1\nkind: FinancialRoute\nmetadata: {name: ${own}, namespace: ${namespace}${stamp}}\nspec: ${spec}\n`;
  const { resources, errors } = parseRoutes(text, `${own}.yaml`);
  const [first] = resources;
  if (first === undefined) throw new Error(JSON.stringify(errors));
  return first;
}

/** A limit, for routes that only have to be told apart. */
export const LIMIT = 'rateLimit: {requests: 1, period: 1s}';

/** Translates for the fused layout unless said otherwise. */
export function translated(resources: RouteResource[], options: Partial<TranslateOptions> = {}): Translation {
  return translate(resources, { layout: 'fused', ...options });
}

/** Names of the routes in order of precedence. */
export function order(translation: Translation): string[] {
  return translation.routes.map((route) => route.config.name.replace('default/', ''));
}
