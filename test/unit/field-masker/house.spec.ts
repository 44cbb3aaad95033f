import { ErrorId } from '../../../filters/errors.gen';
import { NumberCheck } from '../../../filters/field-masker/detect/check-digits';
import { Find, bitOf } from '../../../filters/field-masker/detect/find';
import { FIRST_HOUSE, House, HouseDetector } from '../../../filters/field-masker/detect/house';
import { Scanner } from '../../../filters/field-masker/detect/scanner';
import { SpanPattern } from '../../../filters/match/span-pattern';
import { Bytes } from '../../../filters/memory/bytes';

const scanner = new Scanner();
let house: House | null = null;
let fieldName = '';

class Rule {
  constructor(
    readonly pattern: string,
    readonly check: NumberCheck = NumberCheck.None,
    readonly near: string[] = [],
    readonly notNear: string[] = [],
    readonly within: u32 = 8,
  ) {}
}

function bytesOf(texts: string[]): StaticArray<Bytes> {
  const made: Bytes[] = [];
  for (let i = 0; i < texts.length; i++) made.push(Bytes.from(texts[i]));
  return StaticArray.fromArray(made);
}

/** Takes these detectors. */
function take(rules: Rule[]): void {
  const patterns: Bytes[] = [];
  const made: HouseDetector[] = [];
  for (let i = 0; i < rules.length; i++) {
    const rule = rules[i];
    patterns.push(Bytes.from(rule.pattern));
    made.push(new HouseDetector(rule.check, bytesOf(rule.near), bytesOf(rule.notNear), rule.within));
  }
  const spans = SpanPattern.compile(patterns);
  assert(spans != null, rules[0].pattern);
  house = new House(spans!, StaticArray.fromArray(made));
  fieldName = '';
}

/** Findings, as `number:text` joined by ` | `; findings of other kinds as `kind K:text`. */
function finds(text: string, set: u32 = 0): string {
  const bytes = Bytes.from(text);
  const name = Bytes.from(fieldName);
  scanner.by(house, name.pointer, name.length);
  scanner.begin(bytes.pointer, bytes.pointer + bytes.length, set);
  let result = '';
  while (scanner.next()) {
    if (result.length > 0) result += ' | ';
    const kind = scanner.kind;
    result += kind < FIRST_HOUSE ? 'kind ' + kind.toString() : (kind - FIRST_HOUSE).toString();
    result += ':' + String.UTF8.decodeUnsafe(scanner.start, scanner.end - scanner.start);
  }
  return result;
}

/** The text is found alone, and amid long text of each kind. */
function whole(text: string, as: string = text): void {
  expect<string>(finds(text)).toBe('0:' + as, text);
  const wrapped = 'some words before it, long enough: ' + text + ', and some words behind it, long enough too.';
  expect<string>(finds(wrapped)).toBe('0:' + as, 'in prose: ' + text);
  expect<string>(finds('这是前面的一些文字，' + text + '，这是后面的一些文字以及更多的文字。')).toBe(
    '0:' + as,
    'in Han: ' + text,
  );
  expect<string>(finds('{"remark":"' + text + '","number":"x"}')).toBe('0:' + as, 'in JSON: ' + text);
}

function refused(pattern: string): ErrorId {
  return SpanPattern.compile([Bytes.from(pattern)]) == null ? SpanPattern.lastError : 0;
}

describe('A detector of the house', () => {
  it('finds its longest match where words begin and end', () => {
    take([new Rule('CUST-\\d{6,8}')]);
    whole('CUST-123456');
    whole('CUST-12345678');
    expect<string>(finds('CUST-123456789')).toBe('');
    expect<string>(finds('XCUST-123456')).toBe('');
    expect<string>(finds('CUST-123456_')).toBe('');
    expect<string>(finds('cust-123456')).toBe('');
    expect<string>(finds('CUST-123456CUST-123456')).toBe('');
    expect<string>(finds('CUST-123456,CUST-654321')).toBe('0:CUST-123456 | 0:CUST-654321');
    take([new Rule('(?i)cust-\\d{6}|[A-Z]{2}\\d{2}( \\d{2}){0,3}')]);
    whole('CuSt-123456');
    whole('AB12 34 56 78');
  });

  it('reads escapes and full-width forms as what they stand for', () => {
    take([new Rule('E\\d{6}')]);
    whole('E１２３456');
    whole('Ｅ123456');
    whole('\\u0045123456');
    whole('%45%31%32%33456');
    whole('&#69;123&#x34;56');
    whole('E1234\\u00356');
    expect<string>(finds('a%20E123456%2CE654321,%e4%b8%adE123456 \\u3000E123456')).toBe(
      '0:E123456 | 0:E654321 | 0:E123456 | 0:E123456',
    );
  });

  it('begins with any character', () => {
    take([new Rule('客户[甲乙]\\d{4}')]);
    expect<string>(finds('尊敬的客户甲1234您好，这里还有很多别的文字。')).toBe('0:客户甲1234');
    expect<string>(finds('客户丙1234')).toBe('');
    take([new Rule('#\\d{4}')]);
    whole('#1234');
  });

  it('is one of several, the longest match first, then the first of the list', () => {
    take([new Rule('A\\d{3}'), new Rule('A\\d{3}-\\d{2}'), new Rule('[A-B]\\d{3}')]);
    expect<string>(finds('A123 A123-45 B123')).toBe('0:A123 | 1:A123-45 | 2:B123');
    take([new Rule('A\\d{3}-\\d{2}', NumberCheck.Luhn), new Rule('A\\d{3}')]);
    expect<string>(finds('A123-45')).toBe('1:A123');
  });

  it('stands beside the kinds of FIM', () => {
    take([new Rule('CUST-\\d{6}')]);
    expect<string>(finds('call 13800138000 for CUST-123456', bitOf(Find.Phone))).toBe(
      'kind 3:13800138000 | 0:CUST-123456',
    );
    take([new Rule('138\\d{8}')]);
    expect<string>(finds('call 13800138000 or 13900139000', bitOf(Find.Phone))).toBe(
      '0:13800138000 | kind 3:13900139000',
    );
  });

  it('finds no kind that is not asked for', () => {
    take([new Rule('[A-Za-z0-9@:=>-]{2}X')]);
    const text =
      '京A12345 -----BEGIN PRIVATE KEY----- MIIE eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.c2ln a@b.com token=abcdefgh12345678';
    expect<string>(finds(text)).toBe('');
    expect<string>(finds(text, bitOf(Find.Phone))).toBe('');
    expect<string>(finds(text + ' abX')).toBe('0:abX');
  });

  it('may ask for a check', () => {
    take([new Rule('\\d{4}-?\\d{4,7}', NumberCheck.Luhn)]);
    whole('7992-7398713');
    expect<string>(finds('7992-7398714')).toBe('');
    take([new Rule('\\d{17}[0-9Xx]', NumberCheck.Mod11Of2)]);
    whole('110101199003074514');
    expect<string>(finds('110101199003074515')).toBe('');
    take([new Rule('\\d{15}', NumberCheck.Mod11Of10)]);
    whole('110108000000016'); // GS 15-2006
    expect<string>(finds('110108000000017')).toBe('');
    take([new Rule('[A-Z]{2}\\d{2}( ?[A-Z0-9]{4}){2,7}( ?[A-Z0-9]{1,3})?', NumberCheck.Iban)]);
    whole('GB82 WEST 1234 5698 7654 32');
    whole('DE89370400440532013000');
    expect<string>(finds('DE89370400440532013001')).toBe('');
    take([new Rule('[A-Z0-9]{20}', NumberCheck.Mod97Of10)]);
    whole('5493001KJTIIGC8Y1R12'); // an LEI of ISO 17442
    expect<string>(finds('5493001KJTIIGC8Y1R13')).toBe('');
  });

  it('may ask for words near it', () => {
    take([new Rule('\\d{6}', NumberCheck.None, ['工号', 'staff'], [], 9)]);
    expect<string>(finds('工号：123456，邮编')).toBe('0:123456');
    expect<string>(finds('STAFF no. 123456')).toBe('');
    expect<string>(finds('ＳTaff  123456')).toBe('0:123456');
    expect<string>(finds('123456 is staff')).toBe('0:123456');
    expect<string>(finds('123456')).toBe('');
    fieldName = 'staffNo';
    expect<string>(finds('123456')).toBe('0:123456');
    take([new Rule('\\d{6}', NumberCheck.None, [], ['邮编', 'zip'])]);
    expect<string>(finds('123456')).toBe('0:123456');
    expect<string>(finds('邮编：123456')).toBe('');
    fieldName = 'zipCode';
    expect<string>(finds('123456')).toBe('');
  });
});

describe('Patterns of detectors', () => {
  it('are refused with a reason', () => {
    expect<ErrorId>(refused('A{1,128}')).toBe(0);
    expect<ErrorId>(refused('A{1,129}')).toBe(ErrorId.FIM_MASK_0009);
    expect<ErrorId>(refused('A+')).toBe(ErrorId.FIM_MASK_0009);
    expect<ErrorId>(refused('(A|B*)C')).toBe(ErrorId.FIM_MASK_0009);
    expect<ErrorId>(refused('A?')).toBe(ErrorId.FIM_MASK_0009);
    expect<ErrorId>(refused('^A')).toBe(ErrorId.FIM_MASK_0009);
    expect<ErrorId>(refused('\\bA')).toBe(ErrorId.FIM_MASK_0009);
    expect<ErrorId>(refused('(A')).toBe(ErrorId.FIM_CFG_0022);
    expect<ErrorId>(refused('(?=A)B')).toBe(ErrorId.FIM_CFG_0023);
    expect<ErrorId>(refused('[ab]{1,20}a[ab]{14}c')).toBe(ErrorId.FIM_CFG_0024);
    expect<ErrorId>(refused('中{1,43}')).toBe(ErrorId.FIM_MASK_0009);
    const some = [Bytes.from('A'), Bytes.from('B+')];
    expect<bool>(SpanPattern.compile(some) == null).toBe(true);
    expect<i32>(SpanPattern.refused).toBe(1);
  });
});
