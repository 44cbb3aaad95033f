// Rules on fields that several sections name.
import { MAX_FIELD_PATH_STEPS } from '../limits.ts';
import { fieldSteps } from './field-place.ts';
import type { Path } from './json-path.ts';
import type { Report } from './schema-check.ts';

/** Reports duplicate texts. */
export function checkUnique(texts: readonly string[], path: Path, report: Report): void {
  const seen = new Set<string>();
  texts.forEach((text, index) => {
    if (seen.has(text)) report('FIM-CFG-1022', [...path, index]);
    seen.add(text);
  });
}

/** Reports a path with too many steps. */
export function checkSteps(field: string, at: Path, report: Report): void {
  if (fieldSteps(field).length > MAX_FIELD_PATH_STEPS)
    report('FIM-CFG-1025', at, `at most ${MAX_FIELD_PATH_STEPS} steps`);
}

/** Place of a field by its `name` or `path`. Reports both, neither, and too many steps. */
export function checkPlace(field: { name?: string; path?: string }, at: Path, report: Report): void {
  if ((field.name === undefined) === (field.path === undefined))
    report('FIM-CFG-1023', at, field.name === undefined ? 'none is given' : 'both are given');
  else if (field.path !== undefined) checkSteps(field.path, [...at, 'path'], report);
}

/** Reports a place with two entries. */
export function checkPlacesUnique(places: readonly (string | undefined)[], path: Path, report: Report): void {
  const seen = new Set<string>();
  places.forEach((place, index) => {
    if (place === undefined) return;
    if (seen.has(place)) report('FIM-CFG-1022', [...path, index], 'the field has rules already');
    seen.add(place);
  });
}
