// XML and forms: the trees against what JavaScript has.
import assert from 'node:assert/strict';
import { XMLParser } from 'fast-xml-parser';
import { compileGuest } from '../../test/fuzz/guest.ts';
import { type Field, fieldAt, type ReaderExports } from '../../test/fuzz/xml-guest.ts';
import { SIZES } from './documents.ts';
import { print, speeds } from './measure.ts';

/** One transaction of a customer credit transfer (pacs.008). */
function transaction(i: number, chinese: boolean): string {
  const name = chinese ? '示例基金管理有限公司' : `customer ${(i * 7919) % 1000}`;
  const remark = chinese ? '赎回申请，资金划入银行账户' : 'redemption of fund shares to the account on file';
  return (
    `<CdtTrfTxInf><PmtId><EndToEndId>E2E-${i}</EndToEndId><TxId>TX${100000 + i}</TxId></PmtId><IntrBkSttlmAmt Ccy="CNY">${(i * 137) / 100}</IntrBkSttlmAmt>` +
    `<ChrgBr>DEBT</ChrgBr><Dbtr><Nm>${name}</Nm><PstlAdr><AdrLine>1, Financial Street</AdrLine></PstlAdr></Dbtr>` +
    `<DbtrAcct><Id><Othr><Id>62${String(1e14 + i * 7919)}</Id></Othr></Id></DbtrAcct><RmtInf><Ustrd>${remark}</Ustrd></RmtInf></CdtTrfTxInf>`
  );
}

/** A message of at least `bytes` bytes; `pretty`: indented, with CRLF line ends, as systems on Windows write it. */
function creditTransfer(bytes: number, chinese: boolean, pretty: boolean): { text: string; count: number } {
  for (let count = 1; ; count = Math.ceil(count * 1.3)) {
    const body = Array.from({ length: count }, (_, i) => transaction(i, chinese)).join('');
    const text = `<?xml version="1.0" encoding="UTF-8"?><Document xmlns="urn:iso:std:iso:20022:tech:xsd:pacs.008.001.08"><FIToFICstmrCdtTrf>${body}</FIToFICstmrCdtTrf></Document>`;
    const shown = pretty ? text.replaceAll('><', '>\r\n        <') : text;
    if (Buffer.byteLength(shown) >= bytes) return { text: shown, count };
  }
}

/** Rows of XML messages. */
export async function benchXml(): Promise<Record<string, Record<string, number>>> {
  const tree = await compileGuest<ReaderExports>('test/fuzz/xml');
  const peer = new XMLParser({ ignoreAttributes: false, parseTagValue: false });
  const results: Record<string, Record<string, number>> = {};
  for (const size of SIZES) {
    for (const [chinese, pretty] of [
      [false, false],
      [true, false],
      [false, true],
    ] as const) {
      const { text, count } = creditTransfer(size, chinese, pretty);
      const length = tree.put(text);
      assert.equal(tree.exports.parse(length), 0);
      const [, , [document]] = fieldAt(tree, tree.exports.root());
      const transactions = document?.[2].find(([name]) => name === 'FIToFICstmrCdtTrf')?.[2] as Field[];
      assert.equal(transactions.length, count);
      const parsed = peer.parse(text) as {
        Document: { FIToFICstmrCdtTrf: { CdtTrfTxInf: { ChrgBr: string }[] | { ChrgBr: string } } };
      };
      assert.equal([parsed.Document.FIToFICstmrCdtTrf.CdtTrfTxInf].flat().length, count);
      const title = `XML, ${length} bytes${chinese ? ', Chinese' : ''}${pretty ? ', indented' : ''}`;
      results[title] = speeds(
        [
          ['tree', (times) => void tree.exports.parseMany(length, times)],
          [
            'fast-xml-parser',
            (times) => {
              for (let i = 0; i < times; i++) peer.parse(text);
            },
          ],
        ],
        length,
      );
      print(title, results[title]);
    }
  }
  return results;
}

/** Rows of forms. */
export async function benchForms(): Promise<Record<string, Record<string, number>>> {
  const tree = await compileGuest<ReaderExports>('test/fuzz/form');
  const results: Record<string, Record<string, number>> = {};
  for (const fields of [16, 256]) {
    for (const encoded of [false, true]) {
      const value = encoded ? encodeURIComponent('赎回申请 & 划款') : 'REDEMPTION-OF-FUND-SHARES-2024-0801';
      const text = Array.from({ length: fields }, (_, i) => `field${i}=${value}`).join('&');
      const length = tree.put(text);
      assert.equal(tree.exports.parse(length), 0);
      assert.deepEqual(
        fieldAt(tree, tree.exports.root())[2].map(([name, found]) => [name, found]),
        [...new URLSearchParams(text)],
      );
      const title = `form, ${length} bytes${encoded ? ', percent-encoded' : ''}`;
      results[title] = speeds(
        [
          ['tree', (times) => void tree.exports.parseMany(length, times)],
          [
            'URLSearchParams',
            (times) => {
              for (let i = 0; i < times; i++) new URLSearchParams(text).size;
            },
          ],
        ],
        length,
      );
      print(title, results[title]);
    }
  }
  return results;
}
