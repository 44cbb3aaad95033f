// CNAPS2 messages: blocks of fixed positions in front of XML.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { describe, it } from 'node:test';
import { caseCount, compileGuest, errorId, Random } from './guest.ts';
import { damageXml } from './random-xml.ts';
import { type Field, fieldAt, type ReaderExports } from './xml-guest.ts';

const guest = await compileGuest<ReaderExports>('test/fuzz/cnaps2');
const { exports } = guest;
const message = readFileSync(new URL('../vectors/cnaps2/hvps.111.001.01.txt', import.meta.url), 'utf8');
const header = message.slice(0, 132);
const rest = message.slice(132);
const document = message.slice(message.indexOf('<?xml'));

function parse(input: string | Uint8Array): number {
  return exports.parse(guest.put(input));
}

function fields(): Field[] {
  return fieldAt(guest, exports.root())[2];
}

/** The texts of a block's fields by name. */
function textsOf(field: Field | undefined): Record<string, string | null> {
  return Object.fromEntries((field?.[2] ?? []).map(([name, text]) => [name, text]));
}

describe('CNAPS2 blocks', () => {
  it('gives the fields of the header, the signature and the document', () => {
    assert.equal(parse(message), 0);
    const [h, s, root] = fields();
    assert.equal(h?.[0], 'H');
    assert.deepEqual(textsOf(h), {
      VersionID: '02',
      OrigSender: '102100099996',
      OrigSenderSID: 'HVPS',
      OrigReceiver: '104100000004',
      OrigReceiverSID: 'HVPS',
      OrigSendDate: '20240801',
      OrigSendTime: '093047',
      StructType: 'XML',
      MesgType: 'hvps.111.001.01',
      MesgID: '2024080100000117',
      MesgRefID: '2024080100000117',
      MesgPriority: '3',
      MesgDirection: 'U',
      Reserve: '',
    });
    assert.equal(s?.[0], 'S');
    assert.match(s?.[1] ?? '', /^MEQC[A-Za-z0-9+/=\r\n]+$/);
    assert.equal(root?.[0], 'Document');
    assert.deepEqual(root?.[2][0], ['@xmlns', 'urn:iso:std:iso:20022:tech:xsd:pacs.008.001.02', []]);
  });

  it('takes the shorter header of internet banking', () => {
    const code = 'ibps.101.001.02'.padEnd(20);
    const id = '2024080100000117'.padEnd(20);
    const short = `{H:01105100000017IBPS313821001016IBPS20240801093047XML${code}${id}${id}3D${' '.repeat(9)}}\r\n`;
    assert.equal(short.length, 128);
    assert.equal(parse(`${short}<a/>`), 0);
    const { OrigSender, OrigReceiver, MesgType, MesgRefID, MesgDirection } = textsOf(fields()[0]);
    assert.deepEqual(
      [OrigSender, OrigReceiver, MesgType, MesgRefID, MesgDirection],
      ['105100000017', '313821001016', 'ibps.101.001.02', '2024080100000117', 'D'],
    );
    assert.equal(parse(`${short.replace('{H:01', '{H:02')}<a/>`), errorId('FIM-CNAPS-0003'));
  });

  it('takes a document without signature, and blocks behind it', () => {
    assert.equal(parse(header + document), 0);
    assert.deepEqual(
      fields().map(([name]) => name),
      ['H', 'Document'],
    );
    assert.equal(parse(`${header}${document}{S:abc=}\r\n{T:}`), 0);
    assert.deepEqual(
      fields().map(([name]) => name),
      ['H', 'Document', 'S', 'T'],
    );
    assert.equal(parse(`${header.trimEnd()}<a/>`), 0);
  });

  it('takes the longer header of digital currency', () => {
    const widths = [14, 4, 14, 4, 8, 6, 3, 20, 40, 40, 1, 1, 10, 10, 10, 9];
    const values = [
      'G4001011000013',
      'DCPS',
      'C1091231000013',
      'DCPS',
      '20240801',
      '093047',
      'XML',
      'dcep.221.001.01',
      'id',
      'ref',
      '1',
      'U',
      's',
      'r',
      'c',
      '',
    ];
    const long = `{H:04${values.map((value, i) => value.padEnd(widths[i] as number)).join('')}}\r\n`;
    assert.equal(long.length, 202);
    assert.equal(parse(`${long}{S::SSN:1:NSN:2:DEP:ab==:DSG:cd==}\r\n<a/>`), 0);
    const { MesgID, CenterReserved, Reserve } = textsOf(fields()[0]);
    assert.deepEqual([MesgID, CenterReserved, Reserve], ['id', 'c', '']);
  });

  const refused: [about: string, text: string, code: string][] = [
    ['XML alone', document, 'FIM-CNAPS-0001'],
    ['nothing', '', 'FIM-CNAPS-0001'],
    ['white space first', ` ${message}`, 'FIM-CNAPS-0001'],
    ['an unknown version', message.replace('{H:02', '{H:03'), 'FIM-CNAPS-0002'],
    ['a header that is too short', `${header.replace('HVPS', 'HVP')}${rest}`, 'FIM-CNAPS-0003'],
    ['a header that is too long', `${header.replace('HVPS', 'HVPS ')}${rest}`, 'FIM-CNAPS-0003'],
    ['a header that is not ASCII', `${header.replace('hvps', 'h中')}${rest}`, 'FIM-CNAPS-0003'],
    ['a second header', header + message, 'FIM-CNAPS-0003'],
    ['a block twice', `${header}{S:a}{S:b}<a/>`, 'FIM-CNAPS-0003'],
    ['a block before and behind', `${header}{S:a}<a/>{S:b}`, 'FIM-CNAPS-0003'],
    ['a small letter', `${header}{s:a}<a/>`, 'FIM-CNAPS-0003'],
    ['a block without end', `${header}{S:a<a/>`, 'FIM-CNAPS-0003'],
    ['a block that is too long', `${header}{S:${'a'.repeat(16385)}}<a/>`, 'FIM-CNAPS-0003'],
    ['no document', header, 'FIM-XML-0002'],
    ['two documents', `${header}<a/><b/>`, 'FIM-XML-0001'],
    ['text behind', `${header}<a/>x`, 'FIM-XML-0001'],
    ['a document in GB18030', `${header}<?xml version="1.0" encoding="GB18030"?><a/>`, 'FIM-XML-0003'],
    ['a document type', `${header}<!DOCTYPE a><a/>`, 'FIM-XML-0005'],
  ];
  for (const [about, text, code] of refused) {
    it(`refuses ${about}`, () => {
      assert.equal(parse(text), errorId(code));
      assert.equal(exports.root(), 0);
    });
  }

  it('takes no beginning of a message', () => {
    const bytes = new TextEncoder().encode(message.trimEnd());
    for (let length = 0; length < bytes.length; length++)
      assert.notEqual(parse(bytes.subarray(0, length)), 0, `${length} bytes`);
    assert.equal(parse(bytes), 0);
  });

  it('neither traps nor grows on damaged messages', () => {
    const random = new Random(111);
    const round = (count: number): void => {
      for (let i = 0; i < count; i++) parse(damageXml(random, message));
    };
    round(500);
    const { pages } = guest;
    round(Math.min(caseCount(5000), 20_000));
    assert.equal(guest.pages, pages);
  });
});
