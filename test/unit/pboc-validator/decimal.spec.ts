import { Bytes } from '../../../filters/memory/bytes';
import { Decimal, isDecimalText, writtenDecimals } from '../../../filters/pboc-validator/decimal';

function read(text: string): Decimal {
  const number = new Decimal();
  const bytes = Bytes.from(text);
  expect<bool>(number.read(bytes.pointer, bytes.length)).toBe(true, text);
  return number;
}

function refused(text: string): void {
  const bytes = Bytes.from(text);
  expect<bool>(new Decimal().read(bytes.pointer, bytes.length)).toBe(false, text);
}

function expectOrder(ascending: string[]): void {
  for (let i = 0; i < ascending.length; i++) {
    for (let j = 0; j < ascending.length; j++) {
      expect<i32>(read(ascending[i]).compare(read(ascending[j]))).toBe(
        i < j ? -1 : i > j ? 1 : 0,
        ascending[i] + ' ' + ascending[j],
      );
    }
  }
}

describe('Decimal', () => {
  it('orders numbers by value', () => {
    expectOrder([
      '-1000000000',
      '-1',
      '-0.000000000000000001',
      '0',
      '0.000000000000000001',
      '0.1',
      '0.11',
      '1',
      '9',
      '10',
      '999999999',
      '1000000000',
      '1e35',
    ]);
  });
  it('knows one number in many spellings', () => {
    const spellings = ['100', '100.0', '100.00', '0100', '+100', '100.', '+0100.0', '1e2', '1E+2', '10000e-2', '0.1e3'];
    for (let i = 0; i < spellings.length; i++)
      expect<i32>(read('100').compare(read(spellings[i]))).toBe(0, spellings[i]);
    expect<i32>(read('.5').compare(read('+0.50'))).toBe(0);
    expect<i32>(read('-.5').compare(read('-0.5'))).toBe(0);
    expect<i32>(read('-0').compare(read('0.000'))).toBe(0);
  });
  it('takes zeros at the ends that have no room', () => {
    expect<i32>(
      read('000000000000000000000000000000000000000000000001').compare(read('1.0000000000000000000000000')),
    ).toBe(0);
  });
  it('refuses what has too many digits', () => {
    refused('1e36');
    refused('1234567890123456789012345678901234567');
    refused('0.0000000000000000001');
    refused('1e99999');
    refused('1e-19');
  });
  it('refuses what is no number', () => {
    const texts = [
      '',
      '-',
      '+',
      '.',
      '+.',
      '-.',
      '+-1',
      '--1',
      '.e1',
      '1e',
      '1e+',
      '1x',
      '1 ',
      ' 1',
      '1,0',
      '1.2.3',
      '0x10',
      '１',
      'Infinity',
    ];
    for (let i = 0; i < texts.length; i++) refused(texts[i]);
  });
  it('adds exactly, with carries and signs', () => {
    const sum = read('0');
    for (let i = 0; i < 10; i++) sum.add(read('0.1'));
    expect<i32>(sum.compare(read('1'))).toBe(0);
    sum.add(read('999999999999999999.999999999999999999'));
    expect<i32>(sum.compare(read('1000000000000000000.999999999999999999'))).toBe(0);
    sum.add(read('-1000000000000000001'));
    expect<i32>(sum.compare(read('-0.000000000000000001'))).toBe(0);
    sum.add(read('0.000000000000000001'));
    expect<i32>(sum.compare(read('0'))).toBe(0);
  });
  it('counts the decimals that are written', () => {
    const one = Bytes.from('100.00');
    expect<u32>(writtenDecimals(one.pointer, one.length)).toBe(2);
    const none = Bytes.from('100');
    expect<u32>(writtenDecimals(none.pointer, none.length)).toBe(0);
    const small = Bytes.from('1.5e-2');
    expect<u32>(writtenDecimals(small.pointer, small.length)).toBe(3);
    const large = Bytes.from('1.5E+3');
    expect<u32>(writtenDecimals(large.pointer, large.length)).toBe(0);
  });
  it('knows what is written like a number, of any size', () => {
    const good = [
      '0',
      '-1',
      '+1',
      '.5',
      '1.',
      '-.5',
      '+1.e5',
      '007',
      '1.50',
      '1e9999999',
      '-12.5E-3',
      '123456789012345678901234567890123456789012',
    ];
    for (let i = 0; i < good.length; i++) {
      const text = Bytes.from(good[i]);
      expect<bool>(isDecimalText(text.pointer, text.length)).toBe(true, good[i]);
    }
    const bad = ['', '-', '+', '.', '-.', '+-1', '.e5', '1e', '1e+', '1.5.2', ' 1', '1 ', 'abc', '1,5', '0x1', '--1'];
    for (let i = 0; i < bad.length; i++) {
      const text = Bytes.from(bad[i]);
      expect<bool>(isDecimalText(text.pointer, text.length)).toBe(false, bad[i]);
    }
  });
});
