import { readdirSync, readFileSync } from 'node:fs';
import type { PbocRule } from './plugin-config.gen.ts';

const FOLDER = new URL('../../filters/pboc-validator/profiles/', import.meta.url);
const FILE = /^pboc-([0-9]+(?:\.[0-9]+)*)\.json$/;

let profiles: Map<string, PbocRule[]> | undefined;

/** A rule as its profile states it: the rule, and what documents it. */
type ProfileRule = PbocRule & { clause?: string; element?: string };

function read(name: string): PbocRule[] {
  const { rules } = JSON.parse(readFileSync(new URL(name, FOLDER), 'utf8')) as { rules: ProfileRule[] };
  return rules.map(({ clause: _clause, element: _element, ...rule }) => ({ ...rule, profile: true }));
}

function all(): Map<string, PbocRule[]> {
  profiles ??= new Map(readdirSync(FOLDER).sort().flatMap((name) => {
    const version = FILE.exec(name)?.[1];
    return version === undefined ? [] : [[version, read(name)] as const];
  }));
  return profiles;
}

/** The versions that `validation.pboc` may name. */
export function pbocVersions(): string[] {
  return [...all().keys()];
}

/** The rules of a version of the profile; undefined if there is none. */
export function pbocProfile(version: string): readonly PbocRule[] | undefined {
  return all().get(version);
}
