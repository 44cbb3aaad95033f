// The table of stages: who asks which stages there are, what they need and in which order they act asks here.
import type { RouteSpec } from '../financial-route.gen.ts';
import type { RouteConfig, StagesConfig } from '../plugin-config.gen.ts';
import type { Report } from '../schema-check.ts';
import type { Section, Sections } from '../sections.ts';
import { audit } from './audit.ts';
import { encryption } from './encryption.ts';
import { masking } from './masking.ts';
import { rateLimit } from './rate-limit.ts';
import { resilience } from './resilience.ts';
import { signature } from './signature.ts';
import { memberOf, type KeyUse, type RouteTerms, type StageRow, type TranslationTerms } from './stage-row.ts';
import { validation } from './validation.ts';

const ROWS = [rateLimit, validation, masking, encryption, signature, resilience, audit] as const;

/** Every stage; those with modules of their own in the order in which requests meet them in a chain. */
export const STAGES: readonly StageRow[] = ROWS;

/** Name of a stage's section in a spec. */
export type SectionName = (typeof ROWS)[number]['section'];

/** The stages with modules of their own, in the order of a chain: requests pass it downwards, responses upwards. */
export const CHAIN: readonly StageRow[] = STAGES.filter((row) => row.onlyFused === undefined);

/** Name of the module with all stages, without `.wasm`. */
export const FUSED_MODULE = 'fim';
/** Name of the module that terminates national TLS, which is no stage. */
export const TLCP_MODULE = 'tlcp-listener';

/** A stage of a route, and what the route says of it. */
export interface AskedStage {
  row: StageRow;
  section: Section<NonNullable<RouteSpec[SectionName]>>;
}

/** The stages that a resource asks for, in the order of the table. */
export function askedStages(sections: Sections): AskedStage[] {
  return STAGES.flatMap((row) => {
    const section = sections[row.section as SectionName];
    return section === undefined ? [] : [{ row, section }];
  });
}

/** Section of a plugin's configuration, by that of a spec. */
export function memberNamed(section: string): string {
  const row = STAGES.find((one) => one.section === section);
  return row === undefined ? section : memberOf(row);
}

/** The stage of which `wasm.module` is the short form. */
export function stageOfModule(file: string): StageRow | undefined {
  return CHAIN.find(({ folder }) => `${folder}.wasm` === file);
}

/** Content of requests with these methods has no defined meaning (RFC 9110, 9.3). */
const BODILESS: ReadonlySet<string> = new Set(['GET', 'HEAD', 'TRACE', 'CONNECT']);

function bodilessBy(spec: RouteSpec): RouteTerms['bodiless'] {
  const methods = spec.match?.methods ?? [];
  if (methods.length === 0 || !methods.every((method) => BODILESS.has(method))) return undefined;
  return { why: `requests of ${methods.join(', ')} have no body`, answered: methods.includes('GET') };
}

/** Names of the sections that look at bodies. */
export function readersOf(sections: Sections): string[] {
  return askedStages(sections)
    .filter(({ row, section }) => row.readsBody(section.value))
    .map(({ row }) => row.section);
}

/** Reports what the schema cannot say of the stages' sections. `inherited`: those that a baseline has given. */
export function checkStages(
  spec: RouteSpec,
  sections: Sections,
  report: Report,
  inherited: ReadonlySet<string> = new Set(),
): void {
  const terms: RouteTerms = {
    spec,
    sections,
    format: spec.body?.format ?? 'JSON',
    bodiless: bodilessBy(spec),
    readers: readersOf(sections),
  };
  for (const { row, section } of askedStages(sections))
    row.check(section, inherited.has(row.section) ? { ...terms, bodiless: undefined } : terms, report);
}

/** The stages' part of a route of the plugin's configuration. */
export function translateStages(sections: Sections, terms: TranslationTerms): StagesConfig {
  return Object.fromEntries(
    askedStages(sections).map(({ row, section }) => {
      const member = memberOf(row);
      const note: TranslationTerms['note'] = (place, path, entry) => terms.note([member, ...place], path, entry);
      return [member, row.translate(section, { ...terms, note })];
    }),
  );
}

function configured({ stages }: Pick<RouteConfig, 'stages'>): { row: StageRow; config: unknown }[] {
  return STAGES.flatMap((row) => {
    const config = stages[memberOf(row) as keyof StagesConfig];
    return config === undefined ? [] : [{ row, config }];
  });
}

/** The keys that the stages of a route use. */
export function keysOf(route: Pick<RouteConfig, 'stages'>): KeyUse[] {
  return configured(route).flatMap(({ row, config }) => row.keys(config));
}

/** Request headers that nobody but the stages of a route may set, lower case. */
export function ownHeadersOf(route: Pick<RouteConfig, 'stages'>): string[] {
  return configured(route).flatMap(({ row, config }) => row.ownHeaders?.(config) ?? []);
}
