import { NO_TIME, parseTimestamp } from '../../../filters/keys/timestamp';

function time(text: string): i64 {
  const bytes = String.UTF8.encode(text);
  return parseTimestamp(changetype<usize>(bytes), bytes.byteLength);
}

describe('date-times of a KMS', () => {
  it('reads what Vault writes', () => {
    // Expected: Date.parse of ECMAScript.
    expect<i64>(time('1970-01-01T00:00:00Z')).toBe(0);
    expect<i64>(time('2027-01-01T00:00:00Z')).toBe(1798761600000);
    expect<i64>(time('2026-11-22T22:21:50.123456789Z')).toBe(1795386110123);
    expect<i64>(time('2024-02-29T23:59:59.5Z')).toBe(1709251199500);
    expect<i64>(time('2026-11-22T22:21:50+08:00')).toBe(1795357310000);
    expect<i64>(time('2026-11-22t22:21:50-00:30')).toBe(1795387910000);
    expect<i64>(time('1969-12-31T23:59:59Z')).toBe(-1000);
    expect<i64>(time('2000-03-01T00:00:00Z')).toBe(951868800000);
    expect<i64>(time('2100-03-01T00:00:00Z')).toBe(4107542400000);
  });

  it('refuses what is no date-time', () => {
    const bad = [
      '',
      '2027',
      '2027-01-01',
      '2027-01-01T00:00:00',
      '2027-13-01T00:00:00Z',
      '2027-00-01T00:00:00Z',
      '2027-02-29T00:00:00Z',
      '2100-02-29T00:00:00Z',
      '2027-04-31T00:00:00Z',
      '2027-01-01T24:00:00Z',
      '2027-01-01T00:60:00Z',
      '2027-01-01T00:00:00.Z',
      '2027-01-01 00:00:00Z',
      '2027/01/01T00:00:00Z',
      '2027-01-01T00:00:00+0800',
      '2027-01-01T00:00:00+24:00',
      '2027-01-01T00:00:00ZZ',
      '+027-01-01T00:00:00Z',
      '2027-01-01T00:00:00X',
    ];
    for (let i = 0; i < bad.length; i++) expect<i64>(time(bad[i])).toBe(NO_TIME, bad[i]);
  });
});
