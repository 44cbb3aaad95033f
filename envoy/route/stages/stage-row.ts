// Description of a kind of stage outside its module: one row of the table (table.ts). A row may not import values of
// generated files, because the generators read the table.
import type { RouteSpec } from '../financial-route.gen.ts';
import type { Path } from '../json-path.ts';
import type { KeyAlgorithm } from '../key-algorithm.ts';
import type { BodyFormat, StagesConfig } from '../plugin-config.gen.ts';
import type { ProfileEntry, ResolvedProfile } from '../profiles.ts';
import type { Report } from '../schema-check.ts';
import type { Section, Sections } from '../sections.ts';

/**
 * The order of the stages of a message: what comes first protects what comes after. The text says what a message then
 * is.
 */
export const RANKS = {
  Limit: 'limited',
  Verify: 'verified',
  Open: 'decrypted',
  Look: 'looked at for its record',
  Validate: 'validated',
  LimitByField: 'limited by a field',
  Mask: 'masked',
  Protect: 'encrypted',
  Sign: 'signed',
  Record: 'recorded',
} as const;
export type Rank = keyof typeof RANKS;

export const DIRECTIONS = ['Request', 'Response'] as const;
export type Direction = (typeof DIRECTIONS)[number];

/** A key that a stage uses. */
export interface KeyUse {
  /** `kms://path`. */
  id: string;
  /** An SM2 key is named by its private half, which has the public one in it. */
  algorithm: KeyAlgorithm;
  /** Whether it encrypts or signs messages, and does not only decrypt or verify. */
  protects: boolean;
}

/** Inputs of a stage's rules besides its section. */
export interface RouteTerms {
  spec: RouteSpec;
  sections: Sections;
  /** Format of bodies. */
  format: BodyFormat;
  /** Why requests of the route have no body, and whether their answers may have one; undefined: they may have one. */
  bodiless: { why: string; answered: boolean } | undefined;
  /** Names of the sections that look at bodies. */
  readers: readonly string[];
}

/**
 * Notes that a part of the stage's configuration, `place`, comes from `path` of the resource, or from an entry of a
 * profile.
 */
export type Note = (place: Path, path: Path, entry?: ProfileEntry<unknown>) => void;

/** Inputs of a translation besides its section. */
export interface TranslationTerms {
  /** `namespace/name` of the resource. */
  key: string;
  /** Name of its rate limit's buckets. Routes of one name share them. */
  buckets: string;
  spec: RouteSpec;
  /** Sections that are enforced although the route only observes. */
  enforced?: readonly string[];
  /** Resolved profiles that the validation names. */
  profiles: readonly ResolvedProfile[];
  note: Note;
}

/** `message-signature` is `messageSignature` among the sections of a plugin's configuration. */
export type Member<Folder extends string> = Folder extends `${infer Word}-${infer Rest}`
  ? `${Word}${Capitalize<Member<Rest>>}`
  : Folder;

type StageMember = keyof StagesConfig;

type Value<Name extends keyof RouteSpec> = NonNullable<RouteSpec[Name]>;

/** One kind of stage. Its methods are pure. */
export interface StageRow<
  Name extends keyof RouteSpec = keyof RouteSpec,
  Folder extends string = string,
  Config = unknown,
> {
  /** The section of the spec that asks for it. */
  section: Name;
  /** Its folder in filters/, and the name of its module without `.wasm`. */
  folder: Folder;
  /**
   * Why it has no module of its own. Absent: it has one, which may stand in a chain, and `wasm` is the short form of its
   * section.
   */
  onlyFused?: string;
  /** Whether `enforcement: Observe` turns its refusals into counts. */
  observable: boolean;
  /** Values that the short form sets by default, instead of the section's defaults. */
  shortForm?: Record<string, unknown>;
  /** Its place in a direction; undefined: it does nothing there whose order matters. */
  rank(value: Value<Name>, direction: Direction): Rank | undefined;
  /** Whether it looks at bodies, in either direction. */
  readsBody(value: Value<Name>): boolean;
  /** The keys that it uses. */
  keys(config: Config): KeyUse[];
  /** Request headers that nobody but it may set, lower case. */
  ownHeaders?(config: Config): string[];
  /** Reports what the schema cannot say: within the section, and between it and the rest of the spec. */
  check(section: Section<Value<Name>>, terms: RouteTerms, report: Report): void;
  /** Its part of the plugin's configuration. */
  translate(section: Section<Value<Name>>, terms: TranslationTerms): Config;
}

type ConfigOf<Folder extends string> =
  Member<Folder> extends StageMember ? NonNullable<StagesConfig[Member<Folder>]> : unknown;

/** A row, with its types taken from the names of section and folder. */
export function stage<const Name extends keyof RouteSpec, const Folder extends string>(
  row: StageRow<Name, Folder, ConfigOf<Folder>>,
): StageRow<Name, Folder, ConfigOf<Folder>> {
  return row;
}

/** `rate-limiter` → `rateLimiter`: its section of a plugin's configuration. */
export function memberOf({ folder }: Pick<StageRow, 'folder'>): string {
  return folder.replace(/-(\w)/g, (_, letter: string) => letter.toUpperCase());
}
