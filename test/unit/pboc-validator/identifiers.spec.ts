import { Bytes } from '../../../filters/memory/bytes';
import { isUscc } from '../../../filters/message/checks';
import {
  isBic,
  isCnapsBankCode,
  isCountry,
  isIban,
  isLei,
  minorUnits,
} from '../../../filters/pboc-validator/identifiers';

type Format = (pointer: usize, length: u32) => bool;

function expectAll(texts: string[], format: Format, verdict: bool): void {
  for (let i = 0; i < texts.length; i++) {
    const bytes = Bytes.from(texts[i]);
    expect<bool>(format(bytes.pointer, bytes.length)).toBe(verdict, texts[i]);
  }
}

function units(code: string): i32 {
  const bytes = Bytes.from(code);
  return <i32>minorUnits(bytes.pointer, bytes.length);
}

describe('isUscc', () => {
  it('takes published codes', () =>
    expectAll(['91110000600037341L', '914403001922038216', '91440300708461136T'], isUscc, true));
  it('takes codes that Xiamen gave before 2016', () => {
    // Published as real in issues of hutool (4119, 2020), with the reason.
    expectAll(['91350203M0001QKT19', '91350203M0001QKT1F'], isUscc, true);
    expectAll(
      ['91350203M0001QKT1I', '91350203M0001QKT1', '91350103M0001QKT19', '91350203M1001QKT19', '91350203M000IQKT19'],
      isUscc,
      false,
    );
  });
  it('refuses a wrong check character, letters outside the alphabet, other forms', () => {
    expectAll(
      [
        '91110000600037341M',
        '9111000060003734IL',
        '91110000600037341l',
        '9111000060003734L',
        '911100006000373411L',
        '91A10000600037341L',
        '',
      ],
      isUscc,
      false,
    );
  });
});

describe('isCnapsBankCode', () => {
  it('takes codes that banks publish', () => {
    expectAll(
      [
        '102100099996',
        '103100000026',
        '104100000004',
        '105100000017',
        '301290000007',
        '308584000013',
        '302100011000',
        '303100000006',
        '304100040000',
        '305100000013',
        '310290000013',
        '309391000011',
        '307584007998',
        '306581000003',
        '403100000004',
        '314305006665',
      ],
      isCnapsBankCode,
      true,
    );
  });
  it('refuses a wrong check digit, two digits changed round, other forms', () => {
    expectAll(
      ['102100099995', '103100000062', '10210009999', '1021000999966', '10210009999X', ''],
      isCnapsBankCode,
      false,
    );
  });
});

describe('isIban', () => {
  it('takes the examples of the registry', () =>
    expectAll(
      [
        'GB29NWBK60161331926819',
        'DE89370400440532013000',
        'NO9386011117947',
        'MT84MALT011000012345MTLCAST001S',
        'FR1420041010050500013M02606',
        'GB29nwbk60161331926819',
      ],
      isIban,
      true,
    ));
  it('takes countries that use IBANs without being in the registry', () => {
    const fromOutside = [
      'DZ4000400174401001050486',
      'CM2110003001000500000605306',
      'IR790580000000000000000123',
      'SN12K00100152000025690007542',
      'CI73A00060174100178530009852',
      'BF74084010130046357400039081',
      'AO06000600000100037131174',
      'MG4600005030071289421016045',
      'MZ59000100000011834194157',
      'CV64000300004547069110176',
      'GA3840002000439200010301069',
      'KM4600005000010010904400137',
      'HN54PISA00000000000000123124',
      'NI45BAPR00000013000003558124',
      'TD8960002000010271091600153',
      'CF4220001000010120069700160',
      'CG5230011000202151234567890',
      'GQ7050002001003715228190196',
      'GW7804001000234600000001',
      'LY23021001000123456789012',
      'ML77A00890170001002120000447',
      'MA64011519000001205000534921',
      'NE29A00380100100130305000268',
      'TG2900090604310346500400070',
      'BJ11B00610100400271101192591',
      'DJ2100010000000154000100186',
      'DZ951111111111111111111111',
      'RE3611111111111111111111111',
      'JE09111111111111111111',
      'SO211000001001000100141',
    ];
    expectAll(fromOutside, isIban, true);
    for (let i = 0; i < fromOutside.length; i++) {
      const text = fromOutside[i];
      const digit = text.charAt(text.length - 1) == '0' ? '1' : '0';
      const wrong: string[] = [text.substring(0, text.length - 1) + digit];
      expectAll(wrong, isIban, false);
    }
  });
  it('refuses countries that use no IBANs, and other lengths than those published', () => {
    // Check digits are right in each.
    const others = [
      'US62111111111111111111',
      'CN291111111111111111',
      'EU871111111111111111',
      'ZZ771111111111111111',
      'QQ881111111111111111',
      'UK86111111111111111111',
      'JP2411111111111111111111',
      'DZ17111111111111111111111',
      'AO2111111111111',
      'MA06111111111111111111111111111111',
      'RE321111111111111111111111',
    ];
    expectAll(others, isIban, false);
  });
  it('refuses check digits, lengths, countries and forms that are not right', () => {
    expectAll(
      [
        'GB29NWBK60161331926818',
        'GB29NWBK6016133192681',
        'CN89370400440532013000',
        'gb29NWBK60161331926819',
        'GB29 NWBK 6016 1331 9268 19',
        'DE00370400440532013000',
        '',
      ],
      isIban,
      false,
    );
  });
});

describe('isBic and isLei', () => {
  it('take what is assigned', () => {
    expectAll(
      ['ICBKCNBJ', 'ICBKCNBJXXX', 'BKCHCNBJ110', 'DEUTDEFF500', 'NCBVXKPRXXX', 'ABCDXEFFXXX', 'TESTZZ22', 'BANKEUB1'],
      isBic,
      true,
    );
    expectAll(['5493001KJTIIGC8Y1R12', '7LTWFZYICNSX8D621K86', '300300C1092233000010'], isLei, true);
  });
  it('refuse other forms', () => {
    expectAll(['ICBKZQBJ', 'ICBKCNB', 'ICBKCNBJX', 'icbkcnbj', 'ICBK CNBJ', ''], isBic, false);
    expectAll(['5493001KJTIIGC8Y1R13', '5493001KJTIIGC8Y1R1', '5493001kjtiigc8y1r12', ''], isLei, false);
  });
});

describe('code lists', () => {
  it('hold countries in three spellings', () => {
    expectAll(
      [
        'CN',
        'CHN',
        '156',
        'HK',
        'HKG',
        '344',
        'TW',
        'MO',
        'ZW',
        'AD',
        '004',
        'XK',
        'XE',
        'XX',
        'QZ',
        'QM',
        'AA',
        'ZZ',
        'EU',
        'UK',
        'UN',
        'EZ',
      ],
      isCountry,
      true,
    );
    expectAll(['ZQ', 'QL', 'AB', 'WA', 'YA', 'cn', 'xk', '000', '999', 'ZZZ', 'C', '', 'CHNA', 'C1'], isCountry, false);
  });
  it('give currencies their minor units', () => {
    expect<i32>(units('CNY')).toBe(2);
    expect<i32>(units('156')).toBe(2);
    expect<i32>(units('JPY')).toBe(0);
    expect<i32>(units('KWD')).toBe(3);
    expect<i32>(units('CLF')).toBe(4);
    expect<i32>(units('XAU')).toBe(15);
    expect<i32>(units('RMB')).toBe(-1);
  });
});
