// The parts of a rollout, in force at once: a policy with its modules, and a canary beside it.
import type { Release } from '../release/index.ts';
import {
  canonicalJson,
  changedConfig,
  type Lane,
  type PluginConfig,
  type VariantConfig,
  type VariantName,
} from '../route/index.ts';
import type { CanaryPlugin, Division } from '../xds/index.ts';
import type { Chosen } from './canary-keeper.ts';
import type { StoredModule } from './module-store.ts';
import type { CanaryPolicy, Policy } from './policy.ts';
import type { TlcpPlan } from './tlcp-plan.ts';

/** The canary of a rollout. */
export interface CanaryRelease extends Release<StoredModule> {
  plan: CanaryPolicy;
  division: Division;
}

/** A policy in force or on its way there, with what each filter runs. */
export interface Rollout {
  /** As the files have it. */
  given: Policy;
  /** The one that requests meet: of a promoted canary, its policy. */
  policy: Policy;
  /** One for each filter. */
  releases: Release<StoredModule>[];
  /** Null: none runs. */
  canary: CanaryRelease | null;
  /** National TLS. Null: no route asks for it. */
  tlcp: TlcpPlan | null;
  /** Same if and only if nothing differs, what is said of the policy included. */
  identity: string;
}

/** Modules of a rollout: one for each filter, and the canary's if it runs. */
export interface RolloutModules {
  stable: readonly StoredModule[];
  canary?: StoredModule;
}

export function rolloutOf(given: Policy, chosen: Chosen, modules: RolloutModules, tlcp: TlcpPlan | null): Rollout {
  const { policy } = chosen;
  const running = chosen.canary;
  const configs = running ? stableConfigs(policy, running.plan) : policy.configs;
  const canary = running && canaryOf(running, modules.canary ?? modules.stable[0]!);
  return {
    given,
    policy,
    releases: configs.map((config, index) => ({
      config,
      hash: config.hash ?? '',
      module: modules.stable[index]!,
    })),
    canary: canary ?? null,
    tlcp,
    identity: [
      policy.hash,
      JSON.stringify(policy.notices),
      JSON.stringify(policy.lanes),
      JSON.stringify(tlcp?.config ?? null),
      JSON.stringify(policy.tls?.alsoTls ?? null),
      ...modules.stable.map((module) => module.sha256),
      canonicalJson(given.canary === undefined ? null : [given.canary.release, given.canary.terms]),
      canonicalJson(canary ? [canary.hash, canary.module.sha256, canary.division] : null),
    ].join('\n'),
  };
}

/** Configurations of the policy in force while a canary runs beside it. */
export function stableConfigs(policy: Policy, plan: CanaryPolicy): PluginConfig[] {
  return policy.configs.map((config) => changedConfig(config, { variant: variantOf('stable', plan) }));
}

/** Configuration of a canary that runs. */
export function canaryConfig(plan: CanaryPolicy): PluginConfig {
  return changedConfig(plan.variant.configs[0]!, { variant: variantOf('canary', plan) });
}

/** Whose requests meet a canary at this share of the keys, percent. */
export function divisionOf({ terms: { header, hash } }: CanaryPolicy, share: number): Division {
  return { ...(header === undefined ? {} : { header }), ...(hash === undefined ? {} : { hash }), share };
}

function variantOf(name: VariantName, { route, terms }: CanaryPolicy): VariantConfig {
  return { name, route, ...(terms.variantHeader === true ? { upstreamHeader: true } : {}) };
}

function canaryOf({ plan, division }: NonNullable<Chosen['canary']>, module: StoredModule): CanaryRelease {
  const config = canaryConfig(plan);
  return { config, hash: config.hash ?? '', module, plan, division };
}

/** Channels of routes that have none any more. */
export function gone(before: readonly Lane[], now: readonly Lane[]): Lane[] {
  return before.filter((lane) => !now.some(({ name }) => name === lane.name));
}

/** Modules of the filters, without the canary's. */
export function modulesOf({ releases }: Rollout): StoredModule[] {
  return releases.map(({ module }) => module);
}

/** Every module that a rollout runs. */
export function allModulesOf(rollout: Rollout): StoredModule[] {
  return [...modulesOf(rollout), ...(rollout.canary === null ? [] : [rollout.canary.module])];
}

/** Keys of both policies. */
export function keysOfBoth({ policy, canary }: Rollout): Policy['keys'] {
  const own = new Set(policy.keys.map(({ id }) => id));
  return [...policy.keys, ...(canary?.plan.variant.keys ?? []).filter(({ id }) => !own.has(id))];
}

/** The canary as its filter gets it. */
export function pluginOf(canary: CanaryRelease, generation: number): CanaryPlugin {
  const { module, config, hash, division } = canary;
  return { moduleFile: module.file, config: { ...config, generation, hash }, division };
}
