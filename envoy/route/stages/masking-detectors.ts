// Detectors of a house: patterns that are judged before the modules compile them, and the plugin's form.
import type { MaskingDetector } from '../financial-route.gen.ts';
import type { Path } from '../json-path.ts';
import { patternMistake } from '../pattern-syntax.ts';
import type { MaskDetector } from '../plugin-config.gen.ts';
import { checkUnique } from '../rules-fields.ts';
import type { Report } from '../schema-check.ts';
import { checkWay, maskWay } from './masking-way.ts';

/** Reports names that stand twice, patterns that the modules refuse, and settings that do not go with the method. */
export function checkDetectors(detectors: readonly MaskingDetector[], at: Path, report: Report): void {
  checkUnique(
    detectors.map(({ name }) => name),
    at,
    report,
  );
  detectors.forEach((detector, index) => {
    const mistake = patternMistake(detector.pattern);
    if (mistake !== undefined) report('FIM-CFG-1024', [...at, index, 'pattern'], mistake);
    checkWay(way(detector), [...at, index], report);
  });
}

/** The plugin's form. Content is looked for in responses. */
export function maskDetector(detector: MaskingDetector): MaskDetector {
  const { name, pattern, check = 'None', near, notNear, within } = detector;
  const made: MaskDetector = { name, pattern, check, way: maskWay(way(detector)), request: false, response: true };
  made.class = detector.class ?? 'C3';
  if (near !== undefined) made.near = near;
  if (notNear !== undefined) made.notNear = notNear;
  if (within !== undefined) made.within = within;
  return made;
}

/** How a match is hidden. Its check is not one that a method keeps valid. */
function way(detector: MaskingDetector): Parameters<typeof checkWay>[0] {
  const { name: _name, pattern: _pattern, check: _check, near: _near, notNear: _notNear, ...rest } = detector;
  const { within: _within, class: _class, method = 'Full', ...settings } = rest;
  return { ...settings, method };
}
