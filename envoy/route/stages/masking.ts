import { canonicalFieldPath, fieldSteps } from '../field-place.ts';
import type { MaskingDictionary, MaskingField, MaskingReveal, RouteMasking } from '../financial-route.gen.ts';
import type { Path } from '../json-path.ts';
import type { FieldMaskerConfig, MaskClass, MaskField, MaskKind, MaskReveal } from '../plugin-config.gen.ts';
import { checkPlacesUnique, checkSteps, checkUnique } from '../rules-fields.ts';
import type { Report } from '../schema-check.ts';
import { checkDetectors, maskDetector } from './masking-detectors.ts';
import { checkWay, keyAlgorithm, maskWay } from './masking-way.ts';
import { type Direction, type RouteTerms, stage } from './stage-row.ts';

const DEFAULT_CLASSES: MaskClass[] = ['C2', 'C3'];

/** Row of masking. */
export const masking = stage({
  section: 'masking',
  folder: 'field-masker',
  observable: false,

  rank(value, direction) {
    return actsIn(value, direction) ? 'Mask' : undefined;
  },

  readsBody: ({ fields = [], detect, detectors, dictionary }) =>
    detect !== undefined || detectors !== undefined || dictionary !== undefined || fields.some(isInBody),

  keys: ({ fields = [], dictionary = [], detectors = [] }) =>
    [...fields, ...dictionary, ...detectors.map(({ way }) => way)].flatMap(({ keyId, algorithm }) =>
      keyId === undefined || algorithm === undefined
        ? []
        : [{ id: keyId, algorithm: keyAlgorithm(algorithm), protects: true }],
    ),

  check({ value, path }, terms, report) {
    const { bodiless } = terms;
    const { fields = [], detect, detectors, dictionary, reveal = [] } = value;
    if ([value.fields, detect, detectors, dictionary].every((part) => part === undefined)) report('FIM-CFG-1037', path);
    fields.forEach((field, index) => checkField(field, [...path, 'fields', index], report));
    checkPlacesUnique(fields.map(placeOf), [...path, 'fields'], report);
    checkUnique(
      (detect ?? []).map((detection) => detection.kind),
      [...path, 'detect'],
      report,
    );
    if (detectors !== undefined) checkDetectors(detectors, [...path, 'detectors'], report);
    if (dictionary !== undefined) checkDictionary(dictionary, [...path, 'dictionary'], report);
    reveal.forEach((rule, index) => checkReveal(rule, [...path, 'reveal', index], report));
    checkCiphers(value, path, report);
    if (value.inventory === true && detect === undefined && detectors === undefined)
      report('FIM-CFG-1041', [...path, 'inventory'], 'detect or detectors say what is counted');
    if (value.pass !== undefined) {
      checkUnique(value.pass, [...path, 'pass'], report);
      const others = terms.readers.filter((name) => name !== 'masking');
      if (others.length > 0) report('FIM-CFG-1066', [...path, 'pass'], `${others.join(', ')}: what needs the body`);
    }
    if (value.stream === true) checkPassing(value, path, terms, report);
    if (bodiless === undefined) return;
    const { why, answered } = bodiless;
    if (detect !== undefined && !answered) report('FIM-CFG-1044', [...path, 'detect'], 'nor have their responses');
    if (detectors !== undefined && !answered)
      report('FIM-CFG-1044', [...path, 'detectors'], 'nor have their responses');
    fields.forEach((field, index) => {
      if (isInBody(field) && (directionOf(field) !== 'Response' || !answered))
        report('FIM-CFG-1044', [...path, 'fields', index], why);
    });
  },

  translate({ value, path }, { note }) {
    note([], path);
    (value.fields ?? []).forEach((_, index) => note(['fields', index], [...path, 'fields', index]));
    const fields = (value.fields ?? []).map(maskField);
    const detect = (value.detect ?? []).map((detection) => ({ ...detection, request: false, response: true }));
    const config: FieldMaskerConfig = {
      request: actsIn(value, 'Request'),
      response: actsIn(value, 'Response'),
      fields,
      detect,
    };
    const { detectors, dictionary, nested = 0, reveal } = value;
    if (detectors !== undefined) {
      detectors.forEach((_, index) => note(['detectors', index], [...path, 'detectors', index]));
      config.detectors = detectors.map(maskDetector);
    }
    if (dictionary !== undefined) {
      const { direction = 'Response', classes, kinds } = dictionary;
      const entries = dictionaryEntries(dictionary);
      if (entries.length > 0) config.dictionary = entries;
      const byClass = classes ?? (kinds === undefined ? DEFAULT_CLASSES : []);
      if (byClass.length > 0)
        config.classes = byClass.map((name) => ({
          class: name,
          request: direction !== 'Response',
          response: direction !== 'Request',
        }));
      if (dictionary.names !== undefined) config.names = dictionary.names;
      if (dictionary.except !== undefined) config.except = dictionary.except;
    }
    if (nested > 0) config.nested = nested;
    if (value.stream === true) config.stream = true;
    if (value.inventory === true) config.inventory = true;
    if (value.pass !== undefined) config.pass = value.pass;
    if (reveal !== undefined) config.reveal = reveal.map(revealRule);
    return config;
  },
});

function actsIn({ fields = [], detect, detectors, dictionary }: RouteMasking, direction: Direction): boolean {
  const other = direction === 'Request' ? 'Response' : 'Request';
  return (
    fields.some((field) => directionOf(field) !== other) ||
    (dictionary !== undefined && (dictionary.direction ?? 'Response') !== other) ||
    (direction === 'Response' && (detect !== undefined || detectors !== undefined))
  );
}

/** Only requests have parameters. */
function directionOf({ direction, parameter }: MaskingField): 'Response' | 'Request' | 'Both' {
  return direction ?? (parameter === undefined ? 'Response' : 'Request');
}

function isInBody({ name, path }: MaskingField): boolean {
  return name !== undefined || path !== undefined;
}

/** Property that two entries must not share. */
function placeOf({ name, path, header, parameter, cookie }: MaskingField): string | undefined {
  if (path !== undefined) return canonicalFieldPath(path);
  if (header !== undefined) return `header ${header.toLowerCase()}`;
  if (parameter !== undefined) return `parameter ${parameter}`;
  return cookie === undefined ? name : `cookie ${cookie}`;
}

function checkField(field: MaskingField, at: Path, report: Report): void {
  const { name, path, header, parameter, cookie } = field;
  const given = [name, path, header, parameter, cookie].filter((place) => place !== undefined).length;
  if (given !== 1) report('FIM-CFG-1023', at, given === 0 ? 'none is given' : 'several are given');
  else if (path !== undefined) checkSteps(path, [...at, 'path'], report);
  if (parameter !== undefined && directionOf(field) === 'Response')
    report('FIM-CFG-1041', [...at, 'direction'], 'responses have no parameters');
  checkWay(field, at, report);
}

function checkDictionary({ ways = [], names = [] }: MaskingDictionary, at: Path, report: Report): void {
  ways.forEach((way, index) => checkWay(way, [...at, 'ways', index], report));
  checkUnique(
    ways.map(({ kind }) => kind),
    [...at, 'ways'],
    report,
  );
  checkUnique(
    names.map(({ name }) => name),
    [...at, 'names'],
    report,
  );
}

function checkReveal(
  { claim, clientCertificate, header, setBy, kinds, classes }: MaskingReveal,
  at: Path,
  report: Report,
): void {
  const given = [claim, clientCertificate, header].filter((source) => source !== undefined).length;
  if (given !== 1) report('FIM-CFG-1023', at, given === 0 ? 'none is given' : 'several are given');
  if ((header === undefined) !== (setBy === undefined))
    report('FIM-CFG-1041', [...at, setBy === undefined ? 'header' : 'setBy'], 'a header needs somebody who sets it');
  if (kinds === undefined && classes === undefined) report('FIM-CFG-1041', at, 'what do they see?');
}

/** Reports what keeps a body from being masked value by value as it passes. */
function checkPassing(
  { fields = [], dictionary }: RouteMasking,
  path: Path,
  { format, readers }: RouteTerms,
  report: Report,
): void {
  const at = [...path, 'stream'];
  const others = readers.filter((name) => name !== 'masking');
  if (others.length > 0) report('FIM-CFG-1066', at, `${others.join(', ')}: what needs the body whole`);
  if (format !== 'JSON') report('FIM-CFG-1066', at, `body.format is ${format}`);
  for (const way of [...fields, ...(dictionary?.ways ?? [])])
    if (way.method === 'Remove') report('FIM-CFG-1066', at, 'method Remove takes a comma out that has passed');
  for (const { path: place } of fields)
    if (place !== undefined && fieldSteps(place).some((step) => 'index' in step))
      report('FIM-CFG-1066', at, `${place} counts items`);
}

/** A key of FF1 enciphers nothing else: its blocks could be those of another mode. */
function checkCiphers({ fields = [], detectors = [], dictionary }: RouteMasking, path: Path, report: Report): void {
  const entries = [
    ...fields.map((way, index) => ({ way, at: [...path, 'fields', index, 'keyId'] })),
    ...detectors.map((way, index) => ({ way, at: [...path, 'detectors', index, 'keyId'] })),
    ...(dictionary?.ways ?? []).map((way, index) => ({ way, at: [...path, 'dictionary', 'ways', index, 'keyId'] })),
  ];
  const tokens = new Set(entries.filter(({ way }) => way.method === 'Token').map(({ way }) => way.keyId));
  for (const { way, at } of entries)
    if (way.method === 'FormatPreserving' && way.keyId !== undefined && tokens.has(way.keyId))
      report('FIM-CFG-1041', at, 'a key for FF1 serves nothing else');
}

function maskField(field: MaskingField): MaskField {
  const direction = directionOf(field);
  const mask: MaskField = {
    ...maskWay(field),
    request: direction !== 'Response',
    response: direction !== 'Request',
  };
  if (field.path !== undefined) mask.path = field.path;
  if (field.name !== undefined) mask.name = field.name;
  if (field.header !== undefined) mask.header = field.header.toLowerCase();
  if (field.parameter !== undefined) mask.parameter = field.parameter;
  if (field.cookie !== undefined) mask.cookie = field.cookie;
  return mask;
}

/** Kinds of the dictionary that are named, and those with a way of their own. */
function dictionaryEntries({ kinds = [], ways = [], direction = 'Response' }: MaskingDictionary): MaskField[] {
  const all = new Set<MaskKind>([...kinds, ...ways.map(({ kind }) => kind)]);
  return [...all].map((kind) => ({
    ...maskWay(ways.find((way) => way.kind === kind) ?? { kind }),
    request: direction !== 'Response',
    response: direction !== 'Request',
  }));
}

function revealRule(rule: MaskingReveal): MaskReveal {
  const { claim = '', clientCertificate, header, payload = 'payload', values, kinds = [], classes = [] } = rule;
  const seen = { kinds, classes };
  if (header !== undefined) return { source: 'Header', name: header.toLowerCase(), values, ...seen };
  if (clientCertificate === undefined)
    return { source: 'Claim', name: [payload, ...claim.split('.')].join('\n'), values, ...seen };
  const texts = values.map((value) => partText(clientCertificate, value));
  return { source: 'Certificate', name: clientCertificate.toLowerCase(), values: texts, ...seen };
}

/** Fingerprints are written in small letters, and may be given with colons. */
function partText(part: 'Subject' | 'Fingerprint', value: string): string {
  return part === 'Subject' ? value : value.replaceAll(':', '').toLowerCase();
}
