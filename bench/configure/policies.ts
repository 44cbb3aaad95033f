// Plugin configurations of many FinancialRoutes, by the translation that serves users: the profile 3.0.2, a pattern of
// the route's own, three masked fields, SM4 and a limit each.
import assert from 'node:assert/strict';
import { checkRoutes, translate } from '../../envoy/route/index.ts';

/**
 * `seed` makes the texts of a route its own: two routes of one name and one seed are alike, of two seeds nothing but
 * the profile is.
 */
function resource(index: number, seed: number): object {
  const own = String(seed).padStart(6, '0');
  return {
    apiVersion: 'fim.financial/v1',
    kind: 'FinancialRoute',
    metadata: { name: `route-${index}`, namespace: 'bench' },
    spec: {
      match: { hosts: [`h${index % 20}.bank.example`], path: { type: 'Prefix', value: `/service/${index}` } },
      validation: { pboc: '3.0.2', fields: [{ name: 'transCode', pattern: `^${own}[0-9]{6}$` }] },
      masking: {
        fields: [
          { path: `$.customer${own}.idCard`, kind: 'IdCard' },
          { path: `$.accounts${own}[*].cardNo`, kind: 'BankCard' },
          { name: `mobile${own}`, kind: 'Phone' },
        ],
      },
      encryption: { keyId: `kms://prod/fund/key-${index % 50}`, request: 'Encrypt' },
      rateLimit: { requests: 100 + (seed % 1000), period: '1s' },
    },
  };
}

/** Configuration of fim.wasm for routes with these seeds. */
export function pluginConfiguration(seeds: readonly number[], generation: number): string {
  const { resources, errors } = checkRoutes(seeds.map((seed, index) => resource(index, seed)));
  assert.deepEqual(errors, []);
  const translation = translate(resources, { layout: 'fused', kms: { cluster: 'fim-kms' }, generation });
  assert.deepEqual(translation.errors, []);
  assert.equal(translation.config.routes.length, seeds.length);
  return translation.pluginConfigs[0]!.json;
}
