// Rules across a whole route, wherever its sections come from.
import type { RouteSpec } from './financial-route.gen.ts';
import { checkCanary } from './canary.ts';
import { checkChannels } from './channels.ts';
import { checkTls } from './national-tls.ts';
import { checkLayout } from './rules-body.ts';
import { checkMatch, checkTargets } from './rules-match.ts';
import type { Report } from './schema-check.ts';
import type { Sections } from './sections.ts';
import { checkStages } from './stages/table.ts';

/**
 * Reports everything wrong with a spec of the right shape. `inherited`: sections that the route did not ask for, which
 * may have nothing to do on requests without a body.
 */
export function checkWhole(
  spec: RouteSpec,
  sections: Sections,
  report: Report,
  inherited: ReadonlySet<string> = new Set(),
): void {
  checkTargets(spec, report);
  if (spec.match !== undefined) checkMatch(spec.match, ['spec', 'match'], report);
  checkStages(spec, sections, report, inherited);
  checkLayout(spec, report);
  checkTls(spec, report);
  checkChannels(spec, report);
  checkCanary(spec, report);
}

/** Time of creation, milliseconds since 1970. Infinity if it is not given. */
export function createdAt(text: string | null | undefined, report: Report): number {
  if (text === undefined || text === null) return Infinity;
  const time = /^\d{4}-\d\d-\d\dT[\d:.]+(Z|[+-]\d\d:\d\d)$/.test(text) ? Date.parse(text) : NaN;
  if (Number.isNaN(time)) report('FIM-CFG-1010', ['metadata', 'creationTimestamp'], 'a time like 2026-01-31T08:00:00Z');
  return time;
}
