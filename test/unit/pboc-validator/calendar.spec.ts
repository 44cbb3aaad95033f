import { Bytes } from '../../../filters/memory/bytes';
import {
  instantNanoseconds,
  isIsoDate,
  isIsoDateTime,
  isMonthDay,
  isShortDate,
  isYearMonth,
  NO_TIME,
  readDay,
  readInstant,
} from '../../../filters/pboc-validator/calendar';

type Format = (pointer: usize, length: u32) => bool;

function expectAll(texts: string[], format: Format, verdict: bool): void {
  for (let i = 0; i < texts.length; i++) {
    const bytes = Bytes.from(texts[i]);
    expect<bool>(format(bytes.pointer, bytes.length)).toBe(verdict, texts[i]);
  }
}

function instant(text: string): i64 {
  const bytes = Bytes.from(text);
  return readInstant(bytes.pointer, bytes.length);
}

function day(text: string): i64 {
  const bytes = Bytes.from(text);
  return readDay(bytes.pointer, bytes.length);
}

describe('days', () => {
  it('are counted from 1970', () => {
    expect<i64>(day('19700101')).toBe(0);
    expect<i64>(day('1970-01-02')).toBe(1);
    expect<i64>(day('19691231')).toBe(-1);
    expect<i64>(day('20240229')).toBe(19782);
    expect<i64>(day('00010101')).toBe(-719162);
    expect<i64>(day('2024-02-29Z')).toBe(19782);
    expect<i64>(day('2024-02-29+14:00')).toBe(19782);
    expect<i64>(day('2024-02-29-05:00')).toBe(19782);
    expect<i64>(day('20230229')).toBe(NO_TIME);
    expect<i64>(day('2024-02-29z')).toBe(NO_TIME);
    expect<i64>(day('2024-02-29+14:01')).toBe(NO_TIME);
    expect<i64>(day('20240229Z')).toBe(NO_TIME);
    expect<i64>(day('2024/02/29')).toBe(NO_TIME);
  });
});

describe('instants', () => {
  it('have an offset, or are in China', () => {
    expect<i64>(instant('2026-11-22T22:43:32Z')).toBe(1795387412);
    expect<i64>(instant('2026-11-23T06:43:32+08:00')).toBe(1795387412);
    expect<i64>(instant('2026-11-23T06:43:32')).toBe(1795387412);
    expect<i64>(instant('20261123064332')).toBe(1795387412);
    expect<i64>(instant('2026-11-22T17:43:32.5-05:00')).toBe(1795387412);
    expect<u32>(instantNanoseconds).toBe(500000000);
    expect<i64>(instant('1970-01-01')).toBe(-28800);
    expect<i64>(instant('1970-01-01Z')).toBe(0);
    expect<i64>(instant('1970-01-01-01:00')).toBe(3600);
    expect<i64>(instant('1970-01-01T24:00:00Z')).toBe(86400);
    expect<i64>(instant('1970-01-01T00:00:00.1234567899999Z')).toBe(0);
    expect<u32>(instantNanoseconds).toBe(123456789);
  });
  it('have one of these forms', () => {
    expectAll(
      [
        '2026-11-22T22:43:32',
        '2026-11-22T22:43:32Z',
        '2026-11-22T22:43:32.123456789+14:00',
        '2026-11-22T22:43:32.1234567890',
        '2026-11-22T24:00:00',
        '2026-11-22T24:00:00.000+08:00',
      ],
      isIsoDateTime,
      true,
    );
    expectAll(
      [
        '2026-11-22',
        '20261122224332',
        '2026-11-22 22:43:32',
        '2026-11-22T24:00:01',
        '2026-11-22T24:00:00.5',
        '2026-11-22T25:00:00',
        '2026-11-22T22:60:00',
        '2026-11-22T22:43:32.',
        '2026-11-22Z',
        '2026-11-22T22:43:32+14:01',
        '2026-11-22T22:43:32+08',
        '2026-11-22T22:43:32z',
        '2026-02-29T00:00:00Z',
        '2026-11-22T22:43:32Zx',
        '',
      ],
      isIsoDateTime,
      false,
    );
  });
});

describe('short forms', () => {
  it('take days that exist', () => {
    expectAll(['2024-02-29', '2021-01-21Z', '2021-01-21+08:00', '2021-01-21-14:00'], isIsoDate, true);
    expectAll(
      [
        '20240229',
        '2023-02-29',
        '2024-2-29',
        '2021-01-21+0800',
        '2021-01-21 Z',
        '2021-01-21ZZ',
        '2021-01-21T00:00:00',
        '-2021-01-21',
        '',
      ],
      isIsoDate,
      false,
    );
    expectAll(['240229'], isShortDate, true);
    expectAll(['230229', '241301', '24022', ''], isShortDate, false);
    expectAll(['0229', '1231'], isMonthDay, true);
    expectAll(['0230', '1301', '0100', '123', ''], isMonthDay, false);
    expectAll(['2612', '0001'], isYearMonth, true);
    expectAll(['2613', '2600', '261', ''], isYearMonth, false);
  });
});
