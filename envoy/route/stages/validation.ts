import { fieldSteps } from '../field-place.ts';
import type { RouteValidation } from '../financial-route.gen.ts';
import type { KeyAlgorithm } from '../key-algorithm.ts';
import type { Report } from '../schema-check.ts';
import type { Section } from '../sections.ts';
import { stage, type RouteTerms } from './stage-row.ts';
import { checkValidation } from './validation-rules.ts';
import { validatorSection } from './validation-section.ts';

/** Row of validation. */
export const validation = stage({
  section: 'validation',
  folder: 'pboc-validator',
  observable: true,

  rank: ({ response }, direction) => (direction === 'Request' || response === true ? 'Validate' : undefined),
  readsBody: () => true,

  keys: ({ mac }) =>
    mac === undefined
      ? []
      : [{ id: mac.keyId, algorithm: macAlgorithm(mac.algorithm ?? 'SM4-CBC-MAC'), protects: false }],

  ownHeaders: ({ verdictHeader }) => (verdictHeader === undefined ? [] : [verdictHeader]),

  check(section, terms, report) {
    checkValidation(section, report);
    const { value, path } = section;
    const { bodiless } = terms;
    if (bodiless !== undefined && !(bodiless.answered && value.response === true))
      report('FIM-CFG-1044', path, bodiless.why);
    checkMac(section, terms, report);
    checkRoot(section, terms, report);
    checkElements(section, terms, report);
    if (value.mode === 'Stream') checkPassing(section, terms, report);
  },

  translate({ value, path }, { spec, profiles, note }) {
    const responseCodes = value.pboc !== undefined || spec.body?.format === 'ISO8583';
    return validatorSection(value, path, profiles, responseCodes, note);
  },
});

function macAlgorithm(code: string): KeyAlgorithm {
  if (code === 'HMAC-SM3') return 'HMAC-SM3';
  return code.includes('SM4') ? 'SM4' : 'TDES';
}

/** Shortest accepted HMAC-SM3 code, bytes: `leastBytes` of filters/crypto/mac.ts. */
const MIN_HMAC_CODE_BYTES = 16;

/** Reports a message authentication code that bodies of the route cannot have. */
function checkMac({ value, path }: Section<RouteValidation>, { spec, format }: RouteTerms, report: Report): void {
  const { mac } = value;
  if (mac === undefined) return;
  const at = [...path, 'mac'];
  const { header, encoding, algorithm = 'SM4-CBC-MAC', covers = 'Message', elements } = mac;
  if ((elements !== undefined) !== (covers === 'Elements'))
    report(
      'FIM-CFG-1058',
      [...at, elements === undefined ? 'covers' : 'elements'],
      'elements go with covers: Elements',
    );
  if (header !== undefined && covers !== 'Message')
    report('FIM-CFG-1058', [...at, 'covers'], 'a code in a header covers the body');
  if (encoding === (header === undefined ? 'Base64' : 'Binary'))
    report('FIM-CFG-1058', [...at, 'encoding'], 'codes are Binary or Hex in elements, Hex or Base64 in headers');
  if (header !== undefined) {
    if (algorithm !== 'HMAC-SM3') report('FIM-CFG-1058', [...at, 'algorithm'], 'a code in a header is HMAC-SM3');
  } else if (format !== 'ISO8583')
    report('FIM-CFG-1058', at, 'it is in a header, or in messages of body.format ISO8583');
  else if (
    algorithm === 'HMAC-SM3' &&
    !spec.body?.iso8583?.elements?.some(
      ({ element, format, length }) =>
        (element === 64 || element === 128) && format === 'b' && length >= MIN_HMAC_CODE_BYTES,
    )
  ) {
    report(
      'FIM-CFG-1058',
      [...at, 'algorithm'],
      `HMAC-SM3 needs an element 64 or 128 of ${MIN_HMAC_CODE_BYTES} bytes or more, which the specification does not give`,
    );
  }
}

/** Formats in which other data may surround a message. */
const ROOTED: readonly string[] = ['JSON', 'XML', 'Detect'];

/** Reports `root` without a profile that uses it, or in a format without one. */
function checkRoot({ value, path }: Section<RouteValidation>, { format }: RouteTerms, report: Report): void {
  if (value.root === undefined) return;
  if (value.pboc === undefined && value.profile === undefined)
    report('FIM-CFG-1058', [...path, 'root'], 'it is where the message of pboc or profile begins');
  else if (!ROOTED.includes(format))
    report(
      'FIM-CFG-1058',
      [...path, 'root'],
      `body.format is ${format}; in ${ROOTED.join(', ')} a message may begin elsewhere`,
    );
}

/** Formats whose paths consist of elements, which have no indices. */
const ELEMENTS: ReadonlySet<string> = new Set(['XML', 'CNAPS2', 'Detect']);

/** Reports paths that the format has not. */
function checkElements({ value, path }: Section<RouteValidation>, { format }: RouteTerms, report: Report): void {
  if (!ELEMENTS.has(format)) return;
  value.fields?.forEach((field, index) => {
    if (field.path !== undefined && fieldSteps(field.path).some((step) => 'index' in step))
      report(
        'FIM-CFG-1025',
        [...path, 'fields', index, 'path'],
        `elements have no numbers: write [*] (body.format is ${format})`,
      );
  });
}

/** Reports settings that a streamed, validated body does not allow. */
function checkPassing({ value, path }: Section<RouteValidation>, terms: RouteTerms, report: Report): void {
  const { fields, rules, extract, verdictHeader, mac } = value;
  const { format } = terms;
  const others = terms.readers.filter((name) => name !== 'validation');
  const reasons: [bad: boolean, why: string][] = [
    [others.length > 0, `${others.join(', ')}: what needs the body whole, or comes before the verdict`],
    [format !== 'JSON', `body.format is ${format}`],
    [
      rules !== undefined || fields?.some((field) => field.when !== undefined) === true,
      'conditions and rules between fields need the message whole',
    ],
    [mac !== undefined, 'an authentication code needs the message whole'],
    [extract !== undefined || verdictHeader !== undefined, 'headers and extracted values are sent before the verdict'],
  ];
  for (const [bad, why] of reasons) if (bad) report('FIM-CFG-1066', [...path, 'mode'], why);
}
