import { MAX_CLOCK_SKEW_MS, MAX_FIELD_PATH_STEPS, MAX_LIMIT_PERIOD_MS, MIN_CLOCK_SKEW_MS } from '../limits.ts';
import { durationMs } from './duration.ts';
import { canonicalFieldPath, fieldSteps } from './field-place.ts';
import type {
  MaskingField,
  RouteEncryption,
  RouteMasking,
  RouteRateLimit,
  RouteSignature,
} from './financial-route.gen.ts';
import type { Path } from './json-path.ts';
import type { Section } from './sections.ts';
import { checkUnique } from './rules-match.ts';
import type { Report } from './schema-check.ts';

/** Place of a field by its `name` or `path`. Reports both, neither, and too many steps. */
export function checkPlace(field: { name?: string; path?: string }, at: Path, report: Report): void {
  if ((field.name === undefined) === (field.path === undefined))
    report('FIM-CFG-1023', at, field.name === undefined ? 'none is given' : 'both are given');
  else if (field.path !== undefined && fieldSteps(field.path).length > MAX_FIELD_PATH_STEPS)
    report('FIM-CFG-1025', [...at, 'path'], `at most ${MAX_FIELD_PATH_STEPS} steps`);
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

/** Checks the token bucket. */
export function checkRateLimit({ value, path }: Section<RouteRateLimit>, report: Report): void {
  const period = durationMs(value.period);
  if (period < 1 || period > MAX_LIMIT_PERIOD_MS) report('FIM-CFG-1039', [...path, 'period'], 'from 1ms to 24h');
  const { key } = value;
  if (key === undefined) return;
  if (Number(key.header !== undefined) + Number(key.sourceAddress === true) + Number(key.field !== undefined) !== 1)
    report('FIM-CFG-1040', [...path, 'key']);
  else if (key.field !== undefined) checkKeyField(key.field, [...path, 'key', 'field'], report);
  else if (key.header?.toLowerCase() === 'host')
    report('FIM-CFG-1029', [...path, 'key', 'header'], 'the host is no header of its own');
}

function checkKeyField(field: string, at: Path, report: Report): void {
  const steps = fieldSteps(field);
  if (steps.length > MAX_FIELD_PATH_STEPS) report('FIM-CFG-1025', at, `at most ${MAX_FIELD_PATH_STEPS} steps`);
  else if (steps.some((step) => 'any' in step)) report('FIM-CFG-1025', at, 'a key is one field, without wildcards');
}

function checkMaskingField(field: MaskingField, at: Path, report: Report): void {
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

/** Checks masking. */
export function checkMasking({ value, path }: Section<RouteMasking>, report: Report): void {
  if (value.fields === undefined && value.detect === undefined) report('FIM-CFG-1037', path);
  value.fields?.forEach((field, index) => checkMaskingField(field, [...path, 'fields', index], report));
  const places = (value.fields ?? []).map((field) =>
    field.path !== undefined ? canonicalFieldPath(field.path) : field.name,
  );
  checkPlacesUnique(places, [...path, 'fields'], report);
  checkUnique(
    (value.detect ?? []).map((detection) => detection.kind),
    [...path, 'detect'],
    report,
  );
}

const PLAIN_PROFILES: ReadonlySet<string> = new Set(['raw', 'hex', 'base64']);
const STRING_PROFILES: ReadonlySet<string> = new Set(['compact', 'hex', 'base64']);

/** Checks encryption. */
export function checkEncryption({ value, path }: Section<RouteEncryption>, report: Report): void {
  const { algorithm, profile, fields } = value;
  if (value.request === 'None' && value.response === 'None') report('FIM-CFG-1035', path);
  if (profile !== undefined) {
    if (algorithm === 'SM2' && !PLAIN_PROFILES.has(profile))
      report('FIM-CFG-1049', [...path, 'profile'], 'SM2 goes with raw, hex and base64');
    if (algorithm === 'SM2-ENVELOPE' && PLAIN_PROFILES.has(profile))
      report('FIM-CFG-1049', [...path, 'profile'], 'a wrapped key has a place in fim-json, compact and segmented');
    if (fields !== undefined && !STRING_PROFILES.has(profile))
      report('FIM-CFG-1049', [...path, 'profile'], 'fields go with compact, hex and base64');
  }
  const inPieces =
    algorithm === 'SM4-GCM' || algorithm === 'AES-256-GCM' || (profile === 'segmented' && algorithm !== 'SM2-ENVELOPE');
  if (value.stream === true && (fields !== undefined || !inPieces))
    report(
      'FIM-CFG-1049',
      [...path, 'stream'],
      'stream is for whole bodies under SM4-GCM or AES-256-GCM, or in segments',
    );
  if (fields !== undefined) checkProtectedFields(fields, path, report);
}

function checkProtectedFields(fields: readonly string[], path: Path, report: Report): void {
  fields.forEach((field, index) => {
    if (fieldSteps(field).length > MAX_FIELD_PATH_STEPS)
      report('FIM-CFG-1025', [...path, 'fields', index], `at most ${MAX_FIELD_PATH_STEPS} steps`);
  });
  checkPlacesUnique(fields.map(canonicalFieldPath), [...path, 'fields'], report);
}

/** Checks signatures. */
export function checkSignature({ value, path }: Section<RouteSignature>, report: Report): void {
  const { header = '', timestampHeader = '', nonceHeader = '', headers = [] } = value;
  if (value.request === 'None' && value.response === 'None')
    report('FIM-CFG-1065', path, 'request or response must be Verify or Sign');
  if (new Set([header, timestampHeader, nonceHeader]).size < 3)
    report('FIM-CFG-1065', path, 'signature, time and nonce need headers of their own');
  if (headers.includes(header))
    report('FIM-CFG-1065', [...path, 'headers'], 'the signature cannot be among the signed headers');
  checkTemplate(value, path, report);
  const skew = durationMs(value.clockSkew ?? '5m');
  if (skew < MIN_CLOCK_SKEW_MS || skew > MAX_CLOCK_SKEW_MS)
    report('FIM-CFG-1039', [...path, 'clockSkew'], 'from 1s to 1h');
}

/** What goes with a template, and what it needs; its parts are judged by the module, which compiles them. */
function checkTemplate(value: RouteSignature, path: Path, report: Report): void {
  const { template, covers, headers } = value;
  if ((template !== undefined) !== (covers === 'Template'))
    report('FIM-CFG-1065', [...path, template === undefined ? 'covers' : 'template'], 'they go with each other');
  if (template === undefined) {
    for (const name of ['field', 'timestampField', 'nonceField'] as const)
      if (value[name] !== undefined) report('FIM-CFG-1065', [...path, name], 'it goes with a template');
    if (value.replay === 'Unprotected') report('FIM-CFG-1065', [...path, 'replay'], 'it goes with a template');
    return;
  }
  if (headers !== undefined) report('FIM-CFG-1065', [...path, 'headers'], 'a template names headers itself');
  for (const side of ['request', 'response'] as const) {
    const acts = value[side] !== undefined && value[side] !== 'None';
    if (acts && template[side] === undefined)
      report('FIM-CFG-1065', [...path, 'template'], `which parts has what is signed of a ${side}?`);
    if (!acts && template[side] !== undefined) report('FIM-CFG-1065', [...path, 'template', side], `${side} is None`);
    template[side]?.forEach((part, index) => {
      const isNamed = part.part === 'Header' || part.part === 'Member';
      if ((part.text !== undefined) !== (part.part === 'Constant') || (part.name !== undefined) !== isNamed)
        report('FIM-CFG-1065', [...path, 'template', side, index], 'a Constant has a text, a Header or Member a name');
    });
  }
}
