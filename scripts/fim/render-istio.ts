import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { stringify } from 'yaml';
import { CodedError } from '../../envoy/standalone/coded-error.ts';
import { loadModule } from '../../envoy/host/index.ts';
import { loadRoutes, routesOfNamespaces } from '../../envoy/route/index.ts';
import { KMS_CLUSTER } from '../../envoy/xds/index.ts';
import { MODULE_NAME, servable, type ServableModule } from '../../istio/operator/module-source.ts';
import { shortName } from '../../istio/operator/plan/service-address.ts';
import type { ServiceAccess } from '../../istio/operator/plan/services.ts';
import { render } from '../../istio/operator/plan/render.ts';
import { readSettingFlags } from './kms-options.ts';
import { readPeer } from './options.ts';
import { ROOT } from './project.ts';
import type { RenderFlags } from './render.ts';
import { describe } from './transcript.ts';

/** Address at which the manifests serve modules. */
export const MODULE_URL = 'http://fim-modules.fim-system.svc/{sha256}.wasm';
const NOTHING = new Map<string, never>();

/** The built module. Without one, a placeholder reference and no check of the configuration. */
function moduleOf(urlTemplate: string): ServableModule {
  const path = join(ROOT, 'build', `${MODULE_NAME}.wasm`);
  if (existsSync(path)) return servable(loadModule(readFileSync(path)), urlTemplate);
  return {
    reference: { url: urlTemplate.replaceAll('{name}', MODULE_NAME), sha256: 'SHA256', capabilities: [] },
    examine: () => undefined,
    stamps: true,
  };
}

/** Access to a service as the operator gives it by default. */
function serviceAt(name: 'kms' | 'audit' | 'limits', address: string | undefined): ServiceAccess | undefined {
  if (address === undefined) return undefined;
  const url = readPeer(address, `--${name}`);
  const short = shortName(url);
  if (short !== undefined) throw new CodedError('FIM-UP-0020', `--${name}: ${short}`);
  return { url, folder: `/etc/fim/${name}`, files: [] };
}

/**
 * `fim render --for istio`: prints the objects that the operator would apply, as YAML documents. Returns the exit
 * status: 0, or 1 if a route is in no object.
 */
export function renderIstio(files: string[], options: Omit<RenderFlags, 'for' | 'modules'>): number {
  const loaded = loadRoutes(files);
  const errors = [...loaded.errors];
  const resources = [...loaded.resources, ...routesOfNamespaces(loaded, errors)];
  for (const issue of [...loaded.baselineWarnings, ...errors]) process.stderr.write(`${describe(issue)}\n`);
  if (errors.length > 0) return 1;
  const { reference, examine } = moduleOf(options.moduleUrl ?? MODULE_URL);
  const kmsAccess = serviceAt('kms', options.kms);
  const audit = serviceAt('audit', options.audit);
  const limits = serviceAt('limits', options.limits)?.url;
  const { version } = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8')) as { version: string };
  const facts = { gateways: NOTHING, istioGateways: NOTHING, services: NOTHING };
  const { objects, refused, conflicts, problems } = render({
    resources,
    facts: () => facts,
    module: reference,
    examine,
    kms: { cluster: KMS_CLUSTER, ...readSettingFlags(options) },
    kmsAccess,
    ...(audit === undefined ? {} : { audit }),
    ...(limits === undefined ? {} : { limits }),
    version,
  });
  for (const issue of refused) process.stderr.write(`${describe(issue)}\n`);
  for (const { route, message } of conflicts) process.stderr.write(`${route}: ${message}\n`);
  // Gateways are not looked up here. Targets that no cluster could serve are reported.
  for (const { route, problem } of problems)
    if (problem.reason === 'UnsupportedTarget') process.stderr.write(`${route}: ${problem.message}\n`);
  if (options.json)
    process.stdout.write(`${JSON.stringify({ apiVersion: 'v1', kind: 'List', items: objects }, null, 2)}\n`);
  else
    for (const object of objects)
      process.stdout.write(`---\n${stringify(object, { lineWidth: 0, aliasDuplicateObjects: false })}`);
  return refused.length > 0 ||
    conflicts.some(({ route }) => !objects.some((object) => JSON.stringify(object.spec).includes(route)))
    ? 1
    : 0;
}
