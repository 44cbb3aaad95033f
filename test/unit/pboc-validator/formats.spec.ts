import { Bytes } from '../../../filters/memory/bytes';
import { isDate, isDateTime, isMonthDayTime, isTime } from '../../../filters/pboc-validator/calendar';
import {
  isAlphanumeric,
  isAmount,
  isHex,
  isIsoAmount,
  isNumeric,
  isPrintable,
} from '../../../filters/pboc-validator/formats';
import { isCurrency } from '../../../filters/pboc-validator/identifiers';

type Format = (pointer: usize, length: u32) => bool;

function expectAll(texts: string[], format: Format, verdict: bool): void {
  for (let i = 0; i < texts.length; i++) {
    const bytes = Bytes.from(texts[i]);
    expect<bool>(format(bytes.pointer, bytes.length)).toBe(verdict, texts[i]);
  }
}

describe('isAmount', () => {
  it('takes minor units of 1 to 12 digits and major units with 1 to 4 decimals', () => {
    expectAll(
      ['0', '1', '000000010000', '999999999999', '0.1', '100.00', '9999999999999.9999', '0.0001'],
      isAmount,
      true,
    );
  });
  it('refuses signs, exponents, too many digits and halves of a number', () => {
    expectAll(
      [
        '',
        '.',
        '1.',
        '.5',
        '-1',
        '+1',
        '1e3',
        '1E3',
        '1.2.3',
        '1,00',
        '1234567890123',
        '12345678901234.0',
        '1.00000',
        ' 1',
        '1 ',
        '1.0e1',
        '１',
      ],
      isAmount,
      false,
    );
  });
});

describe('isIsoAmount', () => {
  it('takes what xs:decimal writes: the value has the bounds, not its spelling', () => {
    expectAll(
      [
        '0',
        '1',
        '100.00',
        '.5',
        '+1',
        '1.',
        '+.5',
        '-0',
        '-0.00',
        '007',
        '123456789012345678',
        '0000123456789012345678',
        '1234567890123.12345',
        '1.1234500000',
        '0.00001',
        '000.000',
      ],
      isIsoAmount,
      true,
    );
  });
  it('refuses what is below zero, too long or no number', () => {
    expectAll(
      [
        '',
        '.',
        '+',
        '-',
        '-1',
        '-.5',
        '-0.00001',
        '1e3',
        '1,5',
        '1.2.3',
        '1.123456',
        '1234567890123456789',
        '12345678901234.12345',
        '++1',
        ' 1',
        '1 ',
        '１',
      ],
      isIsoAmount,
      false,
    );
  });
});

describe('isCurrency', () => {
  it('takes codes of ISO 4217, numeric and alphabetic', () => {
    expectAll(
      [
        '156',
        'CNY',
        '840',
        'USD',
        '008',
        'ALL',
        '978',
        'EUR',
        '344',
        'HKD',
        '999',
        'XXX',
        'AED',
        '784',
        'ZWG',
        '924',
        'XCG',
      ],
      isCurrency,
      true,
    );
  });
  it('refuses codes that are not assigned, lower case and other lengths', () => {
    expectAll(
      ['', '000', '157', 'RMB', 'cny', 'Cny', 'CN', 'CNYX', '15', '0156', '15A', 'C5Y', 'AAA', 'ZZZ', '￥￥￥', 'BGN'],
      isCurrency,
      false,
    );
  });
});

describe('isDate', () => {
  it('takes days of the calendar', () => {
    expectAll(['20240229', '20000229', '20261122', '19491001', '00010101', '99991231', '20240430'], isDate, true);
  });
  it('refuses days that do not exist and other forms', () => {
    expectAll(
      [
        '20230229',
        '19000229',
        '20240230',
        '20240431',
        '20241301',
        '20240001',
        '20240100',
        '20240132',
        '00000101',
        '2024-2-9',
        '2024022',
        '202402290',
        '',
        '2024022A',
      ],
      isDate,
      false,
    );
  });
});

describe('isTime', () => {
  it('takes 000000 to 235959', () => expectAll(['000000', '235959', '120000'], isTime, true));
  it('refuses the rest', () =>
    expectAll(['240000', '006000', '000060', '12000', '1200000', '12:0:0', ''], isTime, false));
});

describe('isDateTime and isMonthDayTime', () => {
  it('take a day and a time', () => {
    expectAll(['20240229235959'], isDateTime, true);
    expectAll(['0229235959', '1231000000'], isMonthDayTime, true);
  });
  it('refuse a bad half', () => {
    expectAll(['20230229235959', '20240229240000', '2024022923595', '202402292359599', ''], isDateTime, false);
    expectAll(
      ['0230000000', '1301000000', '0101240000', '010100000', '01010000000', '0a01000000', ''],
      isMonthDayTime,
      false,
    );
  });
});

describe('isHex', () => {
  it('takes pairs of hex digits in either case', () => expectAll(['00', '9F2608', 'abCDef0123456789'], isHex, true));
  it('refuses odd lengths, other characters and nothing', () =>
    expectAll(['', '0', '9F2', '9G', '0x', '9F 26', '/0', ':0', '@A', 'GG', '`a', 'gg'], isHex, false));
});

describe('isNumeric, isAlphanumeric and isPrintable', () => {
  it('take n, an and ans of ISO 8583', () => {
    expectAll(['0', '0123456789', '999'], isNumeric, true);
    expectAll(['0', 'az', 'AZ', '09azAZ'], isAlphanumeric, true);
    expectAll([' ', '~', 'T-001 #7'], isPrintable, true);
  });
  it('refuse other characters and nothing', () => {
    expectAll(['', 'a', '1 ', '-1', '1/', '1:', '１'], isNumeric, false);
    expectAll(['', 'a b', '@', '[', '`', '{', '/', ':', '中'], isAlphanumeric, false);
    expectAll(['', '\x1f', '\x7f', 'é', '\t', 'a\n'], isPrintable, false);
  });
});
