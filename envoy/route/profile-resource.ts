// User-defined profiles: checked one by one, then joined with the routes that name them.
import { MAX_RESOURCE_ERRORS } from '../limits.ts';
import type { ValidationProfile } from './financial-route.gen.ts';
import type { Path } from './json-path.ts';
import { placeIn } from './origin.ts';
import {
  broughtProfiles,
  pbocProfileName,
  Profiles,
  type ProfileProblem,
  type ProfileResource,
  type ResolvedProfile,
} from './profiles.ts';
import { nameResource, type RouteResource } from './resource.ts';
import { issueAt, type RouteIssue } from './route-error.ts';
import { checkSchema, isRecord, withDefaults, type Report } from './schema-check.ts';
import type { RouteSource } from './source.ts';
import { checkProfileSpec } from './stages/validation-rules.ts';
import { excessOf, validatorSection } from './stages/validation-section.ts';

/** Whether plain data declares itself a profile. */
export function isProfile(value: unknown): boolean {
  return isRecord(value) && value.kind === 'ValidationProfile';
}

/** Checks one profile given as plain data. Never throws. */
export function checkProfile(value: unknown, source: RouteSource): { profile?: ProfileResource; errors: RouteIssue[] } {
  nameResource(value, source);
  const errors: RouteIssue[] = [];
  const report: Report = (code, path, detail = '') => {
    if (errors.length < MAX_RESOURCE_ERRORS) errors.push(issueAt(source, code, path, detail));
    return errors.length < MAX_RESOURCE_ERRORS;
  };
  checkSchema('profile', value, [], report);
  if (errors.length > 0) return { errors };
  const { metadata, spec } = withDefaults('profile', value) as ValidationProfile;
  if (broughtProfiles().has(metadata.name)) report('FIM-CFG-1057', ['metadata', 'name']);
  checkProfileSpec(spec, report);
  if (errors.length > 0) return { errors };
  const namespace = metadata.namespace ?? 'default';
  return { profile: { key: `${namespace}/${metadata.name}`, namespace, name: metadata.name, spec, source }, errors };
}

function isProblem(found: ResolvedProfile | ProfileProblem): found is ProfileProblem {
  return 'code' in found;
}

/** The profiles that FIM brings, and no others. */
const BROUGHT = new Profiles();

/** Profiles that a route names. Reports those that cannot be used. */
function profilesOf(resource: RouteResource, all: Profiles, report: Report): ResolvedProfile[] {
  const { validation } = resource.sections;
  // A namespace's profile of the same name would undo what a baseline asks for.
  const profiles = resource.origins?.has('validation') === true ? BROUGHT : all;
  if (validation === undefined) return [];
  const { value, path } = validation;
  const format = resource.spec.body?.format ?? 'JSON';
  const found: ResolvedProfile[] = [];
  const use = (name: string, at: Path): void => {
    const profile = profiles.resolve(resource.namespace, name);
    if (isProblem(profile)) report(profile.code, at, profile.detail);
    else if (profile.formats !== undefined && !profile.formats.includes(format))
      report('FIM-CFG-1056', at, `${name} is for ${profile.formats.join(', ')}, body.format is ${format}`);
    else found.push(profile);
  };
  if (value.pboc !== undefined) {
    const name = pbocProfileName(value.pboc, format);
    if (name === undefined) report('FIM-CFG-1056', [...path, 'pboc'], `it has no rules for body.format ${format}`);
    else use(name, [...path, 'pboc']);
  }
  if (value.profile !== undefined && !found.some((profile) => profile.name === value.profile))
    use(value.profile, [...path, 'profile']);
  return found;
}

/**
 * Attaches profiles to routes, and removes routes whose profiles cannot be used. Issues go to `errors`, at the lines of
 * routes and profiles. `isKnown`: they have been joined before.
 */
export function joinProfiles(
  resources: readonly RouteResource[],
  own: readonly ProfileResource[],
  errors: RouteIssue[],
  isKnown = false,
): RouteResource[] {
  const profiles = new Profiles(own);
  for (const { namespace, name, source } of own) {
    const resolved = profiles.resolve(namespace, name);
    if (isProblem(resolved)) errors.push(issueAt(source, resolved.code, ['spec', 'extends'], resolved.detail));
  }
  return resources.filter((resource) => joinProfile(resource, errors, profiles, isKnown));
}

/**
 * Attaches profiles to one route. False, with errors, if they cannot be used. `isKnown`: they have been joined before.
 */
export function joinProfile(
  resource: RouteResource,
  errors: RouteIssue[],
  profiles: Profiles = BROUGHT,
  isKnown = false,
): boolean {
  const before = errors.length;
  const report: Report = (code, path, detail = '') => {
    const place = placeIn(resource, path);
    return errors.push(issueAt(place.source, code, place.path, detail)) > 0;
  };
  resource.profiles = profilesOf(resource, profiles, report);
  const { validation } = resource.sections;
  if (!isKnown && validation !== undefined && errors.length === before) {
    const excess = excessOf(validatorSection(validation.value, validation.path, resource.profiles, false, () => {}));
    if (excess !== undefined) report('FIM-CFG-1002', validation.path, excess);
  }
  return errors.length === before;
}
