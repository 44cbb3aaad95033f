// Derives the modules' configurations from a scenario's policy.
import { CHAIN, checkRoutes, keysOf, loadRoutes, memberOf, translate } from '../../../envoy/route/index.ts';
import type { RouteConfig, RouteResource } from '../../../envoy/route/index.ts';
import type { PluginConfiguration, Policy, Scenario } from './format.ts';

/** Sections of the stages that have modules of their own, by module. */
const SECTIONS: Record<string, string> = Object.fromEntries(CHAIN.map((row) => [row.folder, memberOf(row)]));
/** The modules in a row. */
const SEPARATE = 'chain';

/** The modules of one way to run a scenario, in the order of the filter chain. */
export function chainOf(name: string): string[] {
  return name === SEPARATE ? Object.keys(SECTIONS) : [name];
}

/**
 * Ways to run a scenario: those it names, else the fused module and, if all routes have one kind of stage, that stage's
 * own.
 */
export function modulesOf(scenario: Scenario): string[] {
  if (scenario.modules !== undefined) return scenario.modules;
  const policies = [scenario, ...scenario.steps.flatMap((step) => step.configure ?? [])];
  const kinds = new Set(
    policies.flatMap((policy) =>
      (policy.config?.routes ?? translated(policy, 'fim').config.routes).flatMap((route) =>
        Object.keys(route.stages ?? {}),
      ),
    ),
  );
  const alone = Object.keys(SECTIONS).find((name) => kinds.size === 1 && kinds.has(SECTIONS[name]!));
  return alone === undefined || policies.some((policy) => policy.resources !== undefined) ? ['fim'] : ['fim', alone];
}

/** Made documents. A scenario is run once for each way to cut its bodies, and its policies stay. */
const made = new WeakMap<Policy, Map<string, string[]>>();

/** The documents of a policy, one for each module of the chain. */
export function documentsOf(policy: Policy, name: string): string[] {
  const known = made.getOrInsertComputed(policy, () => new Map());
  return known.getOrInsertComputed(name, () => makeDocuments(policy, name));
}

function makeDocuments(policy: Policy, name: string): string[] {
  if (policy.config !== undefined) return chainOf(name).map((module) => pluginConfiguration(policy.config!, module));
  return translated(policy, name).pluginConfigs.map(({ json }) => json);
}

function translated(policy: Policy, name: string): ReturnType<typeof translate> {
  const resources = (policy.resources ?? []).flatMap((resource): RouteResource[] => {
    const loaded = typeof resource === 'string' ? loadRoutes([resource]) : checkRoutes([resource]);
    if (loaded.errors.length > 0) throw new Error(`the scenario's resource is wrong: ${JSON.stringify(loaded.errors)}`);
    return loaded.resources;
  });
  const translation = translate(resources, { layout: name === SEPARATE ? 'chain' : 'fused', generation: 1 });
  if (translation.errors.length > 0)
    throw new Error(`the scenario's resource cannot be translated: ${JSON.stringify(translation.errors)}`);
  return translation;
}

/** The document that a module gets: defaults filled in, other modules' stages left out. */
function pluginConfiguration(config: PluginConfiguration, module: string): string {
  const section = SECTIONS[module];
  const routes = config.routes?.map((route, i) => {
    const stages = Object.entries(route.stages ?? {}).filter(([name]) => section === undefined || name === section);
    return {
      name: `scenario/route-${i}`,
      ...route,
      ...(route.stages === undefined ? {} : { stages: Object.fromEntries(stages) }),
    };
  });
  const usesKeys = (routes ?? []).some((route) => keysOf(route as RouteConfig).length > 0);
  return JSON.stringify({
    version: '1.0',
    generation: 1,
    ...(usesKeys ? { kms: { cluster: 'fim-kms' } } : {}),
    ...config,
    ...(routes === undefined ? {} : { routes }),
  });
}
