// Profiles are named sets of rules, built-in or user-defined. They can extend one another.
import { readdirSync, readFileSync } from 'node:fs';
import { MAX_PROFILE_DEPTH } from '../limits.ts';
import type { ErrorCode } from './errors.gen.ts';
import { placeOf } from './field-place.ts';
import type { ProfileSpec, ValidationField, ValidationProfile, ValidationRule } from './financial-route.gen.ts';
import type { Path } from './json-path.ts';
import { withDefaults } from './schema-check.ts';
import { RouteSource } from './source.ts';

/** A profile that passed its own checks. */
export interface ProfileResource {
  /** `namespace/name`, or the name alone for a built-in profile. */
  key: string;
  namespace: string;
  name: string;
  /** Spec with defaults. */
  spec: ProfileSpec;
  source: RouteSource;
}

/** An entry of a profile and its place. */
export interface ProfileEntry<T> {
  value: T;
  /** Undefined for a built-in profile. */
  source: RouteSource | undefined;
  path: Path;
}

/** A profile with everything that it inherits. */
export interface ResolvedProfile {
  name: string;
  /** Body formats that it applies to. Undefined: all. */
  formats: readonly string[] | undefined;
  /** Whether elements must have their parents' namespace, below the first one of a path. */
  namespaces: 'Any' | 'OfParent';
  fields: ProfileEntry<ValidationField>[];
  rules: ProfileEntry<ValidationRule>[];
}

/** Reason why a profile cannot be used. */
export interface ProfileProblem {
  code: ErrorCode;
  detail: string;
}

const FOLDER = new URL('./profiles/', import.meta.url);
const PBOC = /^pboc-([0-9]+(?:\.[0-9]+)*)(-.*)?$/;

let brought: Map<string, ProfileResource> | undefined;

/** Built-in profiles, by name. */
export function broughtProfiles(): ReadonlyMap<string, ProfileResource> {
  brought ??= new Map(
    readdirSync(FOLDER)
      .filter((file) => file.endsWith('.json'))
      .sort()
      .map((file) => {
        const { metadata, spec } = withDefaults(
          'profile',
          JSON.parse(readFileSync(new URL(file, FOLDER), 'utf8')),
        ) as ValidationProfile;
        return [
          metadata.name,
          { key: metadata.name, namespace: '', name: metadata.name, spec, source: new RouteSource('') },
        ];
      }),
  );
  return brought;
}

/** Versions that `validation.pboc` may name. */
export function pbocVersions(): string[] {
  return [...new Set([...broughtProfiles().keys()].flatMap((name) => PBOC.exec(name)?.[1] ?? []))];
}

/** Profile of a PBOC version for a body format. Undefined if there is none. */
export function pbocProfileName(version: string, format: string): string | undefined {
  return [...broughtProfiles().values()].find(
    ({ name, spec }) =>
      PBOC.exec(name)?.[1] === version && (spec.formats ?? [format]).some((known) => known === format),
  )?.name;
}

/** User-defined and built-in profiles. */
export class Profiles {
  private readonly own: ReadonlyMap<string, ProfileResource>;

  constructor(own: readonly ProfileResource[] = []) {
    this.own = new Map(own.map((profile) => [profile.key, profile]));
  }

  /** Profile that a resource of the namespace refers to by name. */
  find(namespace: string, name: string): ProfileResource | undefined {
    return this.own.get(`${namespace}/${name}`) ?? broughtProfiles().get(name);
  }

  /** The profile and those that it extends, itself first. */
  private chain(namespace: string, name: string): ProfileResource[] | ProfileProblem {
    const chain: ProfileResource[] = [];
    for (let next: string | undefined = name; next !== undefined; next = chain.at(-1)?.spec.extends) {
      const profile = this.find(namespace, next);
      if (profile === undefined)
        return { code: 'FIM-CFG-1053', detail: `${next}; known: ${this.names(namespace).join(', ')}` };
      if (chain.includes(profile))
        return { code: 'FIM-CFG-1054', detail: [...chain, profile].map((link) => link.name).join(' → ') };
      chain.push(profile);
      if (chain.length > MAX_PROFILE_DEPTH) return { code: 'FIM-CFG-1055', detail: `at most ${MAX_PROFILE_DEPTH}` };
    }
    return chain;
  }

  private names(namespace: string): string[] {
    const own = [...this.own.values()]
      .filter((profile) => profile.namespace === namespace)
      .map((profile) => profile.name);
    return [...new Set([...broughtProfiles().keys(), ...own])].sort();
  }

  /** The profile with everything that it inherits, or the reason why it cannot be used. */
  resolve(namespace: string, name: string): ResolvedProfile | ProfileProblem {
    const chain = this.chain(namespace, name);
    if (!Array.isArray(chain)) return chain;
    const resolved: ResolvedProfile = {
      name,
      formats: chain.find((profile) => profile.spec.formats !== undefined)?.spec.formats,
      namespaces: chain.find((profile) => profile.spec.namespaces !== undefined)?.spec.namespaces ?? 'Any',
      fields: [],
      rules: [],
    };
    for (const { spec, namespace: owner, source } of chain.toReversed()) {
      const from = owner === '' ? undefined : source;
      const places = new Set(spec.fields?.map(placeOf));
      const names = new Set(spec.rules?.flatMap((rule) => rule.name ?? []));
      resolved.fields = resolved.fields.filter((entry) => !places.has(placeOf(entry.value)));
      resolved.rules = resolved.rules.filter((entry) => entry.value.name === undefined || !names.has(entry.value.name));
      spec.fields?.forEach((value, index) =>
        resolved.fields.push({ value, source: from, path: ['spec', 'fields', index] }),
      );
      spec.rules?.forEach((value, index) =>
        resolved.rules.push({ value, source: from, path: ['spec', 'rules', index] }),
      );
    }
    return resolved;
  }
}
