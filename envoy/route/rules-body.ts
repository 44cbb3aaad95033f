// Rules on bodies, whatever the stages are.
import type { RouteSpec } from './financial-route.gen.ts';
import type { Report } from './schema-check.ts';

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
  const { format = 'JSON', iso8583, tlvEncoding, formAnswers, contentTypes } = spec.body ?? {};
  const where = ['spec', 'body'];
  if (iso8583 !== undefined && format !== 'ISO8583')
    report('FIM-CFG-1070', [...where, 'iso8583'], `body.format is ${format}`);
  if (tlvEncoding !== undefined && format !== 'TLV')
    report('FIM-CFG-1070', [...where, 'tlvEncoding'], `body.format is ${format}`);
  if (formAnswers !== undefined && format !== 'Form')
    report('FIM-CFG-1070', [...where, 'formAnswers'], `body.format is ${format}`);
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
