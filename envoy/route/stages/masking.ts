import { canonicalFieldPath } from '../field-place.ts';
import type { MaskingField } from '../financial-route.gen.ts';
import type { Path } from '../json-path.ts';
import type { MaskField } from '../plugin-config.gen.ts';
import { checkPlace, checkPlacesUnique, checkUnique } from '../rules-fields.ts';
import type { Report } from '../schema-check.ts';
import { stage } from './stage-row.ts';

/** Checks masking. */
export const masking = stage({
  section: 'masking',
  folder: 'field-masker',
  observable: false,

  rank({ fields = [], detect }, direction) {
    const other = direction === 'Request' ? 'Response' : 'Request';
    const acts =
      fields.some((field) => field.direction !== other) || (direction === 'Response' && detect !== undefined);
    return acts ? 'Mask' : undefined;
  },

  readsBody: () => true,
  keys: () => [],

  check({ value, path }, { format, bodiless }, report) {
    if (value.fields === undefined && value.detect === undefined) report('FIM-CFG-1037', path);
    value.fields?.forEach((field, index) => checkField(field, [...path, 'fields', index], report));
    const places = (value.fields ?? []).map((field) =>
      field.path !== undefined ? canonicalFieldPath(field.path) : field.name,
    );
    checkPlacesUnique(places, [...path, 'fields'], report);
    checkUnique(
      (value.detect ?? []).map((detection) => detection.kind),
      [...path, 'detect'],
      report,
    );
    if (format !== 'JSON') report('FIM-CFG-1048', path, `body.format is ${format}`);
    if (bodiless === undefined) return;
    const { why, answered } = bodiless;
    if (value.detect !== undefined && !answered)
      report('FIM-CFG-1044', [...path, 'detect'], 'nor have their responses');
    value.fields?.forEach((field, index) => {
      if (field.direction !== 'Response' || !answered) report('FIM-CFG-1044', [...path, 'fields', index], why);
    });
  },

  translate({ value, path }, { note }) {
    note([], path);
    const fields = (value.fields ?? []).map(maskField);
    const detect = (value.detect ?? []).map((detection) => ({ ...detection, request: false, response: true }));
    return {
      request: fields.some((field) => field.request),
      response: detect.length > 0 || fields.some((field) => field.response),
      fields,
      detect,
    };
  },
});

function checkField(field: MaskingField, at: Path, report: Report): void {
  checkPlace(field, at, report);
  const keeps = field.keepFirst !== undefined || field.keepLast !== undefined;
  if (field.method === 'Full' && keeps) report('FIM-CFG-1041', [...at, 'method'], 'Full keeps nothing');
  if (field.method === 'KeepFirstLast' && field.kind === 'Generic' && !keeps)
    report('FIM-CFG-1041', [...at, 'method'], 'how many are kept?');
  if (field.method === 'ByKind' && field.kind === 'Generic' && keeps)
    report(
      'FIM-CFG-1041',
      [...at, field.keepFirst === undefined ? 'keepLast' : 'keepFirst'],
      'a Generic field is hidden whole unless method is KeepFirstLast',
    );
}

function maskField(field: MaskingField): MaskField {
  const direction = field.direction ?? 'Response';
  const mask: MaskField = {
    kind: field.kind ?? 'Generic',
    method: field.method ?? 'ByKind',
    char: field.char ?? '*',
    request: direction !== 'Response',
    response: direction !== 'Request',
  };
  if (field.path !== undefined) mask.path = field.path;
  if (field.name !== undefined) mask.name = field.name;
  if (field.keepFirst !== undefined) mask.keepFirst = field.keepFirst;
  if (field.keepLast !== undefined) mask.keepLast = field.keepLast;
  return mask;
}
