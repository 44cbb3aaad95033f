import { Bytes } from '../../../filters/memory/bytes';
import { Detector, Found, Kinds } from '../../../filters/field-masker/detect';

const detector = new Detector();

/** Finds as `I:<text>`, `C:<text>` and `U:<text>`, joined by blanks. */
function finds(text: string, idCard: bool = true, bankCard: bool = true, unionPay: bool = false): string {
  const bytes = Bytes.from(text);
  const end = bytes.pointer + bytes.length;
  const kinds =
    (idCard ? Kinds.IdCard : Kinds.None) |
    (bankCard ? Kinds.BankCard : Kinds.None) |
    (unionPay ? Kinds.UnionPay : Kinds.None);
  let from = bytes.pointer;
  let result = '';
  while (true) {
    const found = detector.next(bytes.pointer, from, end, kinds);
    if (found == Found.Nothing) return result;
    if (result.length > 0) result += ' ';
    result += found == Found.IdCard ? 'I:' : found == Found.BankCard ? 'C:' : 'U:';
    result += String.UTF8.decodeUnsafe(detector.pointer, detector.length);
    from = detector.pointer + detector.length;
  }
}

describe('Detector on bank cards', () => {
  it('finds 13 to 19 digits with a Luhn check digit', () => {
    const cards = [
      '4222222222222',
      '378282246310005',
      '30569309025904',
      '4111111111111111',
      '5555555555554444',
      '6222021234567894',
      '6200000000000000000',
      '9558801234567897',
      '2223003122003222',
    ];
    for (let i = 0; i < cards.length; i++) expect<string>(finds(cards[i])).toBe('C:' + cards[i]);
  });
  it('finds them amid text, several in one', () => {
    expect<string>(finds('卡号6222021234567894，备用:4111111111111111。')).toBe(
      'C:6222021234567894 C:4111111111111111',
    );
    expect<string>(finds('to=4111111111111111&x=1')).toBe('C:4111111111111111');
    expect<string>(finds('a very long text before the number, more than sixteen bytes: 4111111111111111')).toBe(
      'C:4111111111111111',
    );
  });
  it('finds them in groups of four', () => {
    expect<string>(finds('6222 0212 3456 7894')).toBe('C:6222 0212 3456 7894');
    expect<string>(finds('6222-0212-3456-7894.')).toBe('C:6222-0212-3456-7894');
    expect<string>(finds('6200 0000 0000 0000 000')).toBe('C:6200 0000 0000 0000 000');
    expect<string>(finds('no 1234 6222 0212 3456 7894 1000')).toBe('C:6222 0212 3456 7894');
    expect<string>(finds('6222 0212-3456 7894')).toBe('');
  });
  it('finds them as terminals and people print them', () => {
    const cards = [
      '6222  0212 3456 7894',
      '6222  0212  3456  7894',
      '6222\u00a00212\u00a03456\u00a07894',
      '6222\u20020212\u20023456\u20027894',
      '6222\u30000212\u30003456\u30007894',
      '6222.0212.3456.7894',
      '6222–0212–3456–7894',
      '6222—0212—3456—7894',
      '6222\u20110212\u20113456\u20117894',
      '6222－0212－3456－7894',
      '3782-822463-10005',
      '3782 822463 10005',
      '3056 930902 5904',
      '621785 7600008050804',
      '621785-7600008050804',
      '622202 1234567894',
      '６２２２０２１２３４５６７８９４',
      '６２２２ ０２１２ ３４５６ ７８９４',
      '6217 8576 0000 8050 804',
    ];
    for (let i = 0; i < cards.length; i++)
      expect<string>(finds('卡 ' + cards[i] + '，')).toBe('C:' + cards[i], cards[i]);
  });
  it('takes no other groups for a card', () => {
    const others = [
      '6222 0212\u20133456 7894',
      '6222   0212 3456 7894',
      '622202.1234567894',
      '4111111.111111111',
      '411111 1111111111',
      '5555 555555 54444',
      '62 2202 1234 5678 94',
      '4.111.111.111.111.111',
      '4,111,111,111,111,111',
      '4 111 111 111 111 111',
      "4'111'111'111'111'111",
      '622 202 123 456 789 4',
      '6222,0212,3456,7894',
      '6222/0212/3456/7894',
      '1.6222.0212.3456.7894',
      '2026-11-30 09:30:15 123456',
      '093015 1763812296004',
    ];
    for (let i = 0; i < others.length; i++) expect<string>(finds(others[i])).toBe('', others[i]);
  });
  it('leaves numbers with a decimal comma alone, and finds cards in lists', () => {
    const numbers = [
      '0,4111111111111111',
      '-0,4111111111111111',
      '4,4111111111111111',
      '1.234.567,4111111111111111',
      '1 234,4111111111111111',
      "1'234,4111111111111111",
      '4111111111111111,5',
      '4111111111111111,25',
      '-4111111111111111,2525',
      '4541458444774,363',
    ];
    for (let i = 0; i < numbers.length; i++) expect<string>(finds(numbers[i])).toBe('', numbers[i]);
    const lists = [
      '17,4111111111111111',
      'a,4111111111111111',
      '0, 4111111111111111',
      '4111111111111111,123',
      '4111111111111111,00',
      '4111111111111111,1228',
      '4111111111111111,5,x',
      '张三,4111111111111111',
      '0,4111111111111111;',
    ];
    for (let i = 0; i < lists.length; i++) expect<string>(finds(lists[i])).toBe('C:4111111111111111', lists[i]);
  });
  it("finds UnionPay's numbers without a check digit if asked for", () => {
    const cards = [
      '6222021234567890',
      '6217000000000000001',
      '8100000000000001',
      '8171999900000001',
      '6222 0212 3456 7890',
      '621785 7600008050801',
    ];
    for (let i = 0; i < cards.length; i++) {
      expect<string>(finds(cards[i])).toBe('', cards[i]);
      expect<string>(finds(cards[i], true, true, true)).toBe('U:' + cards[i], cards[i]);
    }
    const others = [
      '622202123456789',
      '62220212345678901234',
      '8172000000000001',
      '4111111111111112',
      '6322021234567890',
      '0.6222021234567890',
    ];
    for (let i = 0; i < others.length; i++) expect<string>(finds(others[i], true, true, true)).toBe('', others[i]);
    expect<string>(finds('6222021234567894', false, false, true)).toBe('U:6222021234567894');
  });
  it('leaves other numbers alone', () => {
    const others = [
      '4111111111111112',
      '411111111111',
      '41111111111111111111',
      '',
      '4111',
      'x4111111111111111',
      '4111111111111111x',
      '94111111111111111111',
      '1000000000009',
      '1763812296004',
      '7000000000000005',
      '0000000000000000',
      '2026112219313508',
      '6222 0212',
      '6222-',
      '6222 ',
    ];
    for (let i = 0; i < others.length; i++) expect<string>(finds(others[i])).toBe('', others[i]);
  });
  it('leaves decimal numbers and longer words alone', () => {
    const others = [
      '0.4111111111111111',
      '30.411111111111111',
      '-0.4111111111111111',
      '.4111111111111111',
      '-.4111111111111111',
      'rate: .4111111111111111',
      '4.111111111111111e-7',
      '4111111111111111.25',
      '4111111111111111.000001',
      '1.4111111111111111.2',
      'order_4111111111111111',
      '4111111111111111_a',
      '0.4111 1111 1111 1111',
      '1.110105194912310021',
      '0.11010519491231002X',
    ];
    for (let i = 0; i < others.length; i++) expect<string>(finds(others[i])).toBe('', others[i]);
  });
  it('finds numbers beside marks of the text, and what floating point made of them', () => {
    const cards = [
      'No.4111111111111111',
      '卡号.4111111111111111',
      '...4111111111111111',
      '4111111111111111.',
      '4111111111111111. 25',
      '(4111111111111111)',
      '1,4111111111111111,2',
      '4111111111111111.0',
      '4111111111111111.00',
      '/cards/4111111111111111',
      '4111111111111111.a',
      '+4111111111111111',
    ];
    for (let i = 0; i < cards.length; i++) expect<string>(finds(cards[i])).toBe('C:4111111111111111', cards[i]);
  });
  it('is off unless asked for', () => {
    expect<string>(finds('4111111111111111', true, false)).toBe('');
    expect<string>(finds('6222 0212 3456 7894', true, false)).toBe('');
  });
});

describe('Detector on identity numbers', () => {
  it('finds 18 characters that GB 11643 forms', () => {
    expect<string>(finds('11010519491231002X')).toBe('I:11010519491231002X');
    expect<string>(finds('身份证11010519491231002x。')).toBe('I:11010519491231002x');
    expect<string>(finds('440524188001010014,11010519491231002X')).toBe('I:440524188001010014 I:11010519491231002X');
  });
  it('finds full-width digits', () =>
    expect<string>(finds('１１０１０５１９４９１２３１００２X')).toBe('I:１１０１０５１９４９１２３１００２X'));
  it('leaves other numbers alone', () => {
    const others = [
      '110105194912310021',
      '11010519491331002X',
      '11010519491231002',
      '11010519491231002XY',
      '11010519491231002X1',
      'A11010519491231002X',
      '011010519491231002X',
      '1101051949123100',
      '11010519491231002 X',
    ];
    for (let i = 0; i < others.length; i++) expect<string>(finds(others[i], true, false)).toBe('', others[i]);
  });
  it('is off unless asked for', () => {
    expect<string>(finds('11010519491231002X', false, true)).toBe('');
  });
});
