// Which rules the cases test. A rule is tested if a case fails without it: it is taken out of the policy, and the cases of
// its routes run again. What only passes beside a rule says nothing about it.
import { changedConfig, type Path, type PluginConfig, type RouteConfig, type StagesConfig } from '../route/index.ts';

/** Lists of rules in a route's stages, each entry of which can be taken out alone. */
const LISTS: Record<string, readonly string[]> = {
  pbocValidator: ['rules', 'crossRules', 'extracts'],
  fieldMasker: ['fields', 'detect', 'detectors', 'dictionary', 'classes', 'reveal'],
  rateLimiter: ['limits'],
};
/** Stages that are one rule as a whole, or besides their lists. */
const WHOLE = ['sm4Encryptor', 'messageSignature', 'resilience'];
/** Single members that are one rule. */
const MEMBERS: Record<string, readonly string[]> = { pbocValidator: ['mac'], rateLimiter: ['requests'] };

/** A part of a policy that cases can test. */
export interface Rule {
  /** Place in the plugin configuration. */
  at: Path;
  /** `namespace/name` of its route. */
  route: string;
}

type Members = Record<string, unknown>;

/** Rules of a policy. Those that come with a profile of FIM's are FIM's own to test. */
export function rulesOf({ routes }: PluginConfig): Rule[] {
  return routes.flatMap(({ name, stages }, index) =>
    Object.entries(stages as Record<string, Members>).flatMap(([stage, config]) => {
      const below: Path = ['routes', index, 'stages', stage];
      const entries = (LISTS[stage] ?? []).flatMap((list) =>
        ((config[list] ?? []) as Members[]).flatMap((entry, n): Path[] =>
          entry['profile'] === true ? [] : [[...below, list, n]],
        ),
      );
      const members = (MEMBERS[stage] ?? []).flatMap((member): Path[] =>
        config[member] === undefined ? [] : [[...below, member]],
      );
      const whole: Path[] = WHOLE.includes(stage) ? [below] : [];
      return [...entries, ...members, ...whole].map((at): Rule => ({ at, route: name }));
    }),
  );
}

/** The policy without a rule. */
export function without(config: PluginConfig, { at }: Rule): PluginConfig {
  const [, index, , stage, list, entry] = at as [string, number, string, string, string?, number?];
  const routes = config.routes.map((route, n): RouteConfig => {
    if (n !== index) return route;
    const stages = { ...route.stages } as Record<string, Members>;
    if (list === undefined) delete stages[stage];
    else {
      const own = { ...stages[stage] };
      if (entry === undefined) delete own[list];
      else own[list] = (own[list] as unknown[]).filter((_, place) => place !== entry);
      stages[stage] = own;
    }
    return { ...route, stages: stages as unknown as StagesConfig };
  });
  return changedConfig(config, { routes });
}
