import { warnOfShadow } from './canary.ts';
import type { RouteSpec } from './financial-route.gen.ts';
import { warnOfTls } from './national-tls.ts';
import type { Report } from './schema-check.ts';
import type { Sections } from './sections.ts';
import { isUnauthenticated } from './stages/encryption.ts';
import { askedStages, readersOf } from './stages/table.ts';

/** Reports warnings. */
export function warnings(spec: RouteSpec, sections: Sections, report: Report): void {
  const asked = askedStages(sections);
  if (spec.tls !== undefined) report('FIM-CFG-1060', ['spec', 'tls', 'cipherSuites']);
  warnOfTls(spec, report);
  warnOfShadow(spec, report);
  if (spec.enforcement === 'Observe') {
    if (asked.some(({ row }) => !row.observable)) report('FIM-CFG-1061', ['spec', 'enforcement']);
    else if (asked.length === 0) report('FIM-CFG-1063', ['spec', 'enforcement'], 'there is nothing to observe');
  }
  if (asked.length === 0 && spec.channels === undefined) report('FIM-CFG-1062', ['spec']);
  const { encryption } = sections;
  if (encryption !== undefined && isUnauthenticated(encryption.value.algorithm))
    report('FIM-CFG-1068', [...encryption.path, 'algorithm']);
  // Compressed requests are decompressed for any stage that reads them.
  const opens = spec.body?.compressed === 'Decompress';
  if (spec.body !== undefined && !opens && readersOf(sections).length === 0)
    report('FIM-CFG-1063', ['spec', 'body'], 'no stage of the route looks at bodies');
}
