import { Bytes } from '../../../filters/memory/bytes';
import { isCardNumber, isGb11643, isLuhn } from '../../../filters/message/checks';

function luhn(text: string): bool {
  const bytes = Bytes.from(text);
  return isLuhn(bytes.pointer, bytes.length);
}

function id(text: string): bool {
  const bytes = Bytes.from(text);
  return isGb11643(bytes.pointer, bytes.length);
}

function card(text: string): bool {
  const bytes = Bytes.from(text);
  return isCardNumber(bytes.pointer, bytes.length);
}

describe('isCardNumber', () => {
  it('asks for the check digit, but not of numbers of UnionPay', () => {
    expect<bool>(card('4222222222222')).toBe(true);
    expect<bool>(card('4222222222223')).toBe(false);
    expect<bool>(card('6222021234567895')).toBe(true);
    expect<bool>(card('8112345678901234567')).toBe(true);
  });
  it('takes 13 to 19 digits and nothing else', () => {
    expect<bool>(card('621234567890')).toBe(false);
    expect<bool>(card('62123456789012345678')).toBe(false);
    expect<bool>(card('622202123456789X')).toBe(false);
    expect<bool>(card('6')).toBe(false);
    expect<bool>(card('')).toBe(false);
  });
});

describe('isLuhn', () => {
  it('takes card numbers of 13 to 19 digits with the right check digit', () => {
    // Published test numbers of the card schemes.
    expect<bool>(luhn('4222222222222')).toBe(true);
    expect<bool>(luhn('378282246310005')).toBe(true);
    expect<bool>(luhn('4111111111111111')).toBe(true);
    expect<bool>(luhn('6250941006528599')).toBe(true);
    expect<bool>(luhn('6205500000000000004')).toBe(true);
  });

  it('refuses every other last digit', () => {
    for (let digit = 0; digit < 10; digit++) expect<bool>(luhn('411111111111111' + digit.toString())).toBe(digit == 1);
  });

  it('refuses other lengths and other characters', () => {
    expect<bool>(luhn('000000000000')).toBe(false);
    expect<bool>(luhn('00000000000000000000')).toBe(false);
    expect<bool>(luhn('4111 1111 1111 1111')).toBe(false);
    expect<bool>(luhn('411111111111111a')).toBe(false);
    expect<bool>(luhn('')).toBe(false);
  });
});

describe('isGb11643', () => {
  it('takes the examples of GB 11643-1999', () => {
    expect<bool>(id('11010519491231002X')).toBe(true);
    expect<bool>(id('440524188001010014')).toBe(true);
  });

  it('takes the check character in both cases', () => {
    expect<bool>(id('11010519491231002x')).toBe(true);
  });

  it('refuses every other check character', () => {
    for (let digit = 0; digit < 10; digit++) {
      expect<bool>(id('11010519491231002' + digit.toString())).toBe(false);
      expect<bool>(id('44052418800101001' + digit.toString())).toBe(digit == 4);
    }
    expect<bool>(id('44052418800101001X')).toBe(false);
  });

  it('refuses unknown provinces and dates that are none, check character right', () => {
    expect<bool>(id('990105194912310023')).toBe(false);
    expect<bool>(id('110105194913310021')).toBe(false);
    expect<bool>(id('110105194902300020')).toBe(false);
    expect<bool>(id('110105190002290025')).toBe(false);
    expect<bool>(id('110105200002290021')).toBe(true); // 2000 was a leap year
    expect<bool>(id('110105179912310024')).toBe(false); // before 1800
  });

  it('refuses other lengths and other characters', () => {
    expect<bool>(id('110105491231002')).toBe(false);
    expect<bool>(id('1101051949123100 X')).toBe(false);
    expect<bool>(id('11010519491231002XX')).toBe(false);
  });
});
