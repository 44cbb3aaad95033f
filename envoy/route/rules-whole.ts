// Rules that span several sections of a spec.
import { fieldSteps } from './field-place.ts';
import type { RouteSpec } from './financial-route.gen.ts';
import type { Report } from './schema-check.ts';
import type { Sections } from './sections.ts';

/** Content of requests with these methods has no defined meaning (RFC 9110, 9.3). */
const BODILESS: ReadonlySet<string> = new Set(['GET', 'HEAD', 'TRACE', 'CONNECT']);

/** Reports sections that could never apply to the matched requests. */
export function checkApplies(spec: RouteSpec, sections: Sections, report: Report): void {
  const methods = spec.match?.methods ?? [];
  if (methods.length === 0 || !methods.every((method) => BODILESS.has(method))) return;
  const { validation, encryption, masking } = sections;
  const answers = methods.some((method) => method === 'GET');
  const where = `requests of ${methods.join(', ')} have no body`;
  if (validation !== undefined && !(answers && validation.value.response))
    report('FIM-CFG-1044', validation.path, where);
  if (encryption !== undefined && encryption.value.request !== 'None') report('FIM-CFG-1044', encryption.path, where);
  if (encryption !== undefined && encryption.value.response !== 'None' && !answers)
    report('FIM-CFG-1044', encryption.path, 'nor have their responses');
  if (masking?.value.detect !== undefined && !answers)
    report('FIM-CFG-1044', [...masking.path, 'detect'], 'nor have their responses');
  masking?.value.fields?.forEach((field, index) => {
    if (field.direction !== 'Response' || !answers) report('FIM-CFG-1044', [...masking.path, 'fields', index], where);
  });
}

/** Formats whose paths consist of elements, which have no indices. */
const ELEMENTS: ReadonlySet<string> = new Set(['XML', 'CNAPS2', 'Detect']);

/** Reports masking of bodies that cannot be rewritten, and paths that the format does not have. */
export function checkFormat(spec: RouteSpec, sections: Sections, report: Report): void {
  const format = spec.body?.format ?? 'JSON';
  if (ELEMENTS.has(format)) {
    sections.validation?.value.fields?.forEach(({ path }, index) => {
      if (path !== undefined && fieldSteps(path).some((step) => 'index' in step))
        report(
          'FIM-CFG-1025',
          [...(sections.validation?.path ?? []), 'fields', index, 'path'],
          `elements have no numbers: write [*] (body.format is ${format})`,
        );
    });
  }
  if (format !== 'JSON' && sections.masking !== undefined)
    report('FIM-CFG-1048', sections.masking.path, `body.format is ${format}`);
  if (format !== 'JSON' && sections.encryption?.value.fields !== undefined)
    report('FIM-CFG-1049', [...sections.encryption.path, 'fields'], `body.format is ${format}`);
}

/** Reports settings that a streamed, validated body does not allow. */
export function checkPassing(spec: RouteSpec, sections: Sections, report: Report): void {
  const { rateLimit, validation, masking, encryption } = sections;
  if (validation?.value.mode !== 'Stream') return;
  const { fields, rules, extract, verdictHeader, mac } = validation.value;
  const format = spec.body?.format ?? 'JSON';
  const reasons: [bad: boolean, why: string][] = [
    [
      masking !== undefined || encryption !== undefined || sections.signature !== undefined,
      'masking, encryption and signatures need the body whole, or come before the verdict',
    ],
    [rateLimit?.value.key?.field !== undefined, 'a limit by field comes after the verdict'],
    [format !== 'JSON', `body.format is ${format}`],
    [
      rules !== undefined || fields?.some((field) => field.when !== undefined) === true,
      'conditions and rules between fields need the message whole',
    ],
    [mac !== undefined, 'an authentication code needs the message whole'],
    [extract !== undefined || verdictHeader !== undefined, 'headers and extracted values are sent before the verdict'],
  ];
  for (const [bad, why] of reasons) if (bad) report('FIM-CFG-1066', [...validation.path, 'mode'], why);
}

/** Formats in which other data may surround a message. */
const ROOTED: readonly string[] = ['JSON', 'XML', 'Detect'];

/** Reports `root` without a profile that uses it, or in a format without one. */
export function checkRoot(spec: RouteSpec, { validation }: Sections, report: Report): void {
  if (validation?.value.root === undefined) return;
  const { value, path } = validation;
  const format = spec.body?.format ?? 'JSON';
  if (value.pboc === undefined && value.profile === undefined)
    report('FIM-CFG-1058', [...path, 'root'], 'it is where the message of pboc or profile begins');
  else if (!ROOTED.includes(format))
    report(
      'FIM-CFG-1058',
      [...path, 'root'],
      `body.format is ${format}; in ${ROOTED.join(', ')} a message may begin elsewhere`,
    );
}

/** Formats that each content type may stand for: `mayName` of filters/message/format.ts. */
const MEANINGS: readonly [type: RegExp, formats: readonly string[]][] = [
  [/^(application\/json|text\/json|.+\+json)$/i, ['JSON']],
  [/^(application\/xml|text\/xml|.+\+xml)$/i, ['XML', 'CNAPS2']],
  [/^application\/x-www-form-urlencoded$/i, ['Form']],
  [/^multipart\//i, []],
];

/** Encodings of each kind of data element format. */
const ELEMENT_ENCODINGS: Record<string, readonly string[]> = {
  b: ['Binary', 'Hex'],
  a: ['Ascii', 'Ebcdic'],
  an: ['Ascii', 'Ebcdic'],
  ans: ['Ascii', 'Ebcdic'],
  ansb: ['Ascii', 'Ebcdic'],
};
const DIGIT_ENCODINGS = ['Ascii', 'Ebcdic', 'Bcd'];

/** Reports a layout of another body format, and data elements that cannot be encoded as stated. */
export function checkLayout(spec: RouteSpec, report: Report): void {
  const { format = 'JSON', iso8583, tlvEncoding, contentTypes } = spec.body ?? {};
  const where = ['spec', 'body'];
  if (iso8583 !== undefined && format !== 'ISO8583')
    report('FIM-CFG-1070', [...where, 'iso8583'], `body.format is ${format}`);
  if (tlvEncoding !== undefined && format !== 'TLV')
    report('FIM-CFG-1070', [...where, 'tlvEncoding'], `body.format is ${format}`);
  contentTypes?.forEach((type, index) => {
    const other = MEANINGS.find(([meaning]) => meaning.test(type));
    if (format === 'Detect' || (other !== undefined && !other[1].includes(format)))
      report(
        'FIM-CFG-1070',
        [...where, 'contentTypes', index],
        format === 'Detect' ? 'body.format is Detect' : `${type} means another format than ${format}`,
      );
  });
  iso8583?.elements?.forEach((element, index) => {
    const at = [...where, 'iso8583', 'elements', index];
    const encodings = ELEMENT_ENCODINGS[element.format] ?? DIGIT_ENCODINGS;
    if (element.encoding !== undefined && !encodings.includes(element.encoding))
      report('FIM-CFG-1071', [...at, 'encoding'], `${element.format} is written in ${encodings.join(', ')}`);
    if (element.fill !== undefined && element.format in ELEMENT_ENCODINGS)
      report('FIM-CFG-1071', [...at, 'fill'], `digits and tracks are filled up, not ${element.format}`);
    if (element.content === 'TLV' && element.format !== 'b')
      report('FIM-CFG-1071', [...at, 'content'], `TLV is the content of b, not of ${element.format}`);
    if (iso8583.elements?.findIndex((other) => other.element === element.element) !== index)
      report('FIM-CFG-1022', at, `element ${element.element}`);
  });
}

/** Shortest accepted HMAC-SM3 code, bytes: `leastBytes` of filters/crypto/mac.ts. */
const MIN_HMAC_CODE_BYTES = 16;

/** Reports a message authentication code that bodies of the route cannot have. */
export function checkMac(spec: RouteSpec, { validation }: Sections, report: Report): void {
  const mac = validation?.value.mac;
  if (mac === undefined) return;
  const at = [...validation!.path, 'mac'];
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
  } else if (spec.body?.format !== 'ISO8583')
    report('FIM-CFG-1058', at, 'it is in a header, or in messages of body.format ISO8583');
  else if (
    algorithm === 'HMAC-SM3' &&
    !spec.body.iso8583?.elements?.some(
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

/** Reports warnings. */
export function warnings(spec: RouteSpec, sections: Sections, report: Report): void {
  const { rateLimit, validation, masking, encryption } = sections;
  if (spec.tls !== undefined) report('FIM-CFG-1060', ['spec', 'tls', 'cipherSuites']);
  if (spec.enforcement === 'Observe') {
    if (masking !== undefined || encryption !== undefined || sections.signature !== undefined)
      report('FIM-CFG-1061', ['spec', 'enforcement']);
    else if (rateLimit === undefined && validation === undefined)
      report('FIM-CFG-1063', ['spec', 'enforcement'], 'there is nothing to observe');
  }
  if (Object.keys(sections).length === 0) report('FIM-CFG-1062', ['spec']);
  const looks = [validation, masking, encryption, sections.signature, rateLimit?.value.key?.field];
  // Compressed requests are decompressed for any stage that reads them.
  const opens = spec.body?.compressed === 'Decompress';
  if (spec.body !== undefined && !opens && looks.every((section) => section === undefined))
    report('FIM-CFG-1063', ['spec', 'body'], 'no stage of the route looks at bodies');
}
