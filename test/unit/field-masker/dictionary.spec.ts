import { Bytes } from '../../../filters/memory/bytes';
import { MaskKind } from '../../../filters/field-masker/config.gen';
import { HouseNames, NO_KIND } from '../../../filters/field-masker/dictionary';

function kindOf(name: string, house: HouseNames = new HouseNames()): i32 {
  house.seal();
  const bytes = Bytes.from(name);
  return house.kindOf(bytes.pointer, bytes.length);
}

function expectAll(names: string[], kind: i32): void {
  for (let i = 0; i < names.length; i++) expect<i32>(kindOf(names[i])).toBe(kind, names[i]);
}

describe('Names of the dictionary', () => {
  it('are known in any letter case, with any joint, and as attributes', () => {
    expectAll(
      ['cardNo', 'CARD_NO', 'card-no', 'card.no', 'card no', 'card/no', 'card:no', '@cardNo', '@p:cardNo', '卡号'],
      MaskKind.BankCard,
    );
  });
  it('are known in full width, and with characters that nobody sees', () => {
    expectAll(
      [
        'ｃａｒｄＮｏ',
        'Ｃard＿ｎo',
        'card\u200bNo',
        '\ufeffcardNo',
        'card\u00a0No',
        'c\u200da\u2060rd\u00adNo',
        '卡\u200b号',
        '卡　号',
        '\u202ecardNo\u202c',
        'card\u0000No\u007f',
      ],
      MaskKind.BankCard,
    );
  });
  it('are known behind the names of what they belong to', () => {
    expectAll(
      [
        'order.payer.cardNo',
        'items[0].cardNo',
        'user[cardNo]',
        'user[12][cardNo]',
        'cardNo[]',
        'cardNo[3]',
        'ns:cardNo',
        'a/卡号',
      ],
      MaskKind.BankCard,
    );
    expectAll(['cardNos', 'cardNo.x', 'nocardNoX', 'x]', ']', '[]', '[', '.', '', 'cards[cardx]', '\u200b'], NO_KIND);
  });
  it('lets a house add names, and take some out, also as the last part', () => {
    const house = new HouseNames();
    expect<bool>(house.add(Bytes.from('cardNo'), NO_KIND)).toBe(true);
    expect<bool>(house.add(Bytes.from('Kontо'), MaskKind.Account)).toBe(true);
    expect<i32>(kindOf('card_no', house)).toBe(NO_KIND);
    expect<i32>(kindOf('a.card_no', house)).toBe(NO_KIND);
    expect<i32>(kindOf('a.konto', house)).toBe(NO_KIND, 'the last letter is another one');
    expect<i32>(kindOf('a.Kontо', house)).toBe(MaskKind.Account);
  });
});
