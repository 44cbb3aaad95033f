import { readFileSync } from 'node:fs';

/** The contract resource, byte for byte as users write it. */
export const CONTRACT = readFileSync(new URL('../../istio/samples/fund-redemption-v2.yaml', import.meta.url), 'utf8');
/** Masking and a limit. */
export const CARD_QUERY = readFileSync(new URL('../../istio/samples/card-query.yaml', import.meta.url), 'utf8');

/** A resource of one route with the given `spec`, YAML in flow or block form. */
export function route(name: string, spec: object): string {
  return `${JSON.stringify({ apiVersion: 'fim.financial/v1', kind: 'FinancialRoute', metadata: { name }, spec })}\n`;
}

/** Several resources as one file. */
export function together(...resources: string[]): string {
  return resources.join('\n---\n');
}
