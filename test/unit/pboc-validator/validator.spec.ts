import { Arena } from '../../../filters/memory/arena';
import { Bytes } from '../../../filters/memory/bytes';
import { JsonDocument } from '../../../filters/message/json/document';
import { FieldMatches } from '../../../filters/message/field-matches';
import { compileValidator } from '../../../filters/pboc-validator/compile';
import { decodePbocValidatorConfig } from '../../../filters/pboc-validator/config.gen';
import { Findings, Judgement, Validator } from '../../../filters/pboc-validator/validator';
import { ConfigReader } from '../../../filters/runtime/config-reader';
import { errorCode, errorCodeLength } from '../../../filters/errors.gen';

const configArena = new Arena(64 * 1024, 16 * 1024 * 1024);
const arena = new Arena(64 * 1024, 16 * 1024 * 1024);
const document = new JsonDocument();
const matches = new FieldMatches();
const findings = new Findings();

/** Kept: a reader's document refers to it. */
let configSource: Bytes = Bytes.EMPTY;

function readerOf(config: string): ConfigReader {
  configSource = Bytes.from(config);
  const parsed = new JsonDocument();
  configArena.reset();
  expect<u32>(parsed.parse(configSource.pointer, configSource.length, configArena)).toBe(0, config.slice(0, 200));
  return new ConfigReader(parsed);
}

function compile(config: string): Validator {
  const reader = readerOf(config);
  const validator = compileValidator(reader, decodePbocValidatorConfig(reader, reader.document.root));
  expect<bool>(reader.failed).toBe(false, config.slice(0, 200));
  return validator;
}

/** Code of the mistake in a configuration, empty if there is none. */
function mistake(config: string): string {
  const reader = readerOf(config);
  compileValidator(reader, decodePbocValidatorConfig(reader, reader.document.root));
  return reader.failed ? String.UTF8.decodeUnsafe(errorCode(reader.error), errorCodeLength(reader.error)) : '';
}

/** The findings as `<last four of the code> <pointer>`, one a line; empty for a valid message. */
function judge(validator: Validator, message: string): string {
  arena.reset();
  const source = Bytes.from(message);
  expect<u32>(document.parse(source.pointer, source.length, arena)).toBe(0, message);
  const judgement = validator.judge(document, matches, findings, arena);
  expect<i32>(judgement).toBe(findings.count == 0 ? Judgement.Valid : Judgement.Invalid);
  let result = '';
  for (let i: u32 = 0; i < findings.count; i++) {
    const code = String.UTF8.decodeUnsafe(errorCode(findings.error(i)), errorCodeLength(findings.error(i)));
    const pointer = String.UTF8.decodeUnsafe(findings.pointer(i), findings.pointerLength(i));
    result += (i == 0 ? '' : '\n') + code.slice(code.length - 4) + ' ' + pointer;
  }
  return result;
}

/** One rule given as the members of its object; each pair of a value of `f` and the findings' codes. */
function table(rule: string, cases: string[]): void {
  const validator = compile('{"rules":[{"path":"$.f",' + rule + '}]}');
  for (let i = 0; i < cases.length; i += 2) {
    const expected = cases[i + 1].length == 0 ? '' : cases[i + 1] + ' /f';
    expect<string>(judge(validator, '{"f":' + cases[i] + '}')).toBe(expected, rule + ' on ' + cases[i]);
  }
}

describe('types', () => {
  it('are never converted', () => {
    table('"type":"string"', [
      '"x"',
      '',
      '""',
      '',
      '1',
      '0006',
      'true',
      '0006',
      'null',
      '0006',
      '{}',
      '0006',
      '[]',
      '0006',
    ]);
    table('"type":"number"', ['1', '', '-1.5e3', '', '"1"', '0006', 'true', '0006', 'null', '0006', '[1]', '0006']);
    table('"type":"integer"', [
      '1',
      '',
      '-12',
      '',
      '0',
      '',
      '1.0',
      '0006',
      '1e2',
      '0006',
      '1E2',
      '0006',
      '"1"',
      '0006',
      'null',
      '0006',
    ]);
    table('"type":"decimal"', ['1', '', '"1"', '', '"x"', '0006', 'true', '0006', 'null', '0006', '{}', '0006']);
    table('"type":"boolean"', ['true', '', 'false', '', '0', '0006', '"true"', '0006', 'null', '0006']);
    table('"type":"object"', ['{}', '', '{"a":1}', '', '[]', '0006', '"{}"', '0006', 'null', '0006']);
    table('"type":"array"', ['[]', '', '[1]', '', '{}', '0006', 'null', '0006']);
    table('"type":"any"', ['null', '', '1', '', '"x"', '', '[]', '', '{}', '', 'true', '']);
    table('"required":false', ['"x"', '', '1', '0006']); // string is the default
  });
});

describe('texts', () => {
  it('have a length in code points, of the decoded text', () => {
    table('"minLength":2,"maxLength":3', [
      '"a"',
      '0008',
      '""',
      '0008',
      '"ab"',
      '',
      '"中文字"',
      '',
      '"中文字符"',
      '0009',
      '"😀😀😀"',
      '',
      '"\\u4e2d\\ud83d\\ude00"',
      '',
      '"\\u0041"',
      '0008',
      '"\\n\\n\\n\\n"',
      '0009',
    ]);
    table('"type":"number","maxLength":3', ['123', '', '1234', '0009', '-12', '', '-123', '0009', '1.5', '']);
  });
  it('match patterns where these are found', () => {
    table('"pattern":"^01[0-9]{6}$"', [
      '"01000001"',
      '',
      '"0100000"',
      '0007',
      '"010000011"',
      '0007',
      '"02000001"',
      '0007',
      '" 01000001"',
      '0007',
      '"01000001\\n"',
      '0007',
      '"\\u003001000001"',
      '0007',
      '"0\\u0031000001"',
      '',
      '1000001',
      '0006',
    ]);
    table('"pattern":"b+"', ['"abbc"', '', '"ac"', '0007', '""', '0007']);
    table('"type":"number","pattern":"^[0-9]+[.][0-9]{2}$"', ['1.50', '', '1.5', '0007', '-1.50', '0007']);
  });
  it('are one of an enumeration', () => {
    table('"enum":["CNY","USD",""]', [
      '"CNY"',
      '',
      '""',
      '',
      '"cny"',
      '0010',
      '"CNY "',
      '0010',
      '"\\u0043NY"',
      '',
      '156',
      '0006',
    ]);
    table('"type":"number","enum":["1","1.0"]', ['1', '', '1.0', '', '1.00', '0010', '10', '0010']);
  });
  it('pass checks', () => {
    table('"check":"Luhn"', [
      '"6222021234567894"',
      '',
      '"6222021234567895"',
      '0011',
      '"0"',
      '0011',
      '""',
      '0011',
      '"622202123456789x"',
      '0011',
      '"62220212345678940000"',
      '0011',
    ]);
    table('"check":"Gb11643"', ['"11010519491231002X"', '', '"110105194912310021"', '0012', '""', '0012']);
    table('"type":"decimal","check":"Amount"', [
      '"000000000100"',
      '',
      '100.00',
      '',
      '100',
      '',
      '-1',
      '0014',
      '1e2',
      '0014',
      '"1,000"',
      '0014',
      '""',
      '0014',
    ]);
    table('"check":"Currency"', ['"156"', '', '"CNY"', '', '"RMB"', '0015']);
    table('"check":"Date"', ['"20240229"', '', '"20230229"', '0013']);
    table('"check":"Time"', ['"235959"', '', '"240000"', '0013']);
    table('"check":"DateTime"', ['"20240229235959"', '', '"20240229"', '0013']);
    table('"check":"MonthDayTime"', ['"0229235959"', '', '"0230235959"', '0013']);
    table('"check":"Hex"', ['"9f26"', '', '"9f2"', '0016', '""', '0016']);
    table('"check":"Numeric"', ['"0012"', '', '"0x12"', '0018', '""', '0018']);
    table('"check":"Alphanumeric"', ['"aZ09"', '', '"a-b"', '0018']);
    table('"check":"Printable"', ['"T 001"', '', '"终端"', '0018']);
  });
  it('are tested in order: type, length, pattern, enumeration, check', () => {
    table('"maxLength":4,"pattern":"^[0-9]","enum":["1","2x"],"check":"Numeric"', [
      '1',
      '0006',
      '"xxxxx"',
      '0009',
      '"x"',
      '0007',
      '"3"',
      '0010',
      '"2x"',
      '0018',
      '"1"',
      '',
    ]);
  });
  it('are asked of strings and numbers only', () => {
    table('"type":"any","minLength":1', [
      '"x"',
      '',
      '1',
      '',
      'true',
      '0006',
      'null',
      '0006',
      '[1]',
      '0006',
      '{}',
      '0006',
    ]);
  });
});

describe('required', () => {
  it('finds what is not there, at its own path', () => {
    const validator = compile(
      '{"rules":[{"path":"$.a.b","required":true},{"path":"$.c","required":true,"type":"any"},{"path":"$[\'x/y~z\']","required":true}]}',
    );
    expect<string>(judge(validator, '{"a":{"b":"1"},"c":null,"x/y~z":""}')).toBe('');
    expect<string>(judge(validator, '{}')).toBe('0005 /a/b\n0005 /c\n0005 /x~1y~0z');
    expect<string>(judge(validator, '{"a":{},"c":1,"x/y~z":"1"}')).toBe('0005 /a/b');
    expect<string>(judge(validator, '{"a":[],"c":1,"x/y~z":"1"}')).toBe('0005 /a/b');
    expect<string>(judge(validator, '{"a":"b","c":1,"x/y~z":"1"}')).toBe('0005 /a/b');
    expect<string>(judge(validator, '{"a":{"b":null},"c":1,"x/y~z":"1"}')).toBe('0006 /a/b');
    expect<string>(judge(validator, '"text"')).toBe('0005 /a/b\n0005 /c\n0005 /x~1y~0z');
  });
  it('asks it of every item under a wildcard', () => {
    const validator = compile('{"rules":[{"path":"$.items[*].amount","required":true,"type":"number"}]}');
    expect<string>(judge(validator, '{"items":[{"amount":1},{"amount":2}]}')).toBe('');
    expect<string>(judge(validator, '{"items":[]}')).toBe('');
    expect<string>(judge(validator, '{"items":[{"amount":1},{},{"amount":"3"},{"amount":4}]}')).toBe(
      '0005 /items/1/amount\n0006 /items/2/amount',
    );
    expect<string>(judge(validator, '{"items":[1]}')).toBe('0005 /items/0/amount');
    expect<string>(judge(validator, '{"items":"none"}')).toBe('0006 /items');
    expect<string>(judge(validator, '{}')).toBe('0005 /items');
    expect<string>(judge(validator, '[]')).toBe('0005 /items');
  });
  it('reads member names with escapes', () => {
    expect<string>(
      judge(compile('{"rules":[{"path":"$.transCode","required":true}]}'), '{"trans\\u0043ode":"1"}'),
    ).toBe('');
  });
});

describe('findings', () => {
  it('come in the order of the message, bounded by maxErrors', () => {
    const rules = '"rules":[{"path":"$.list[*]","type":"number"},{"path":"$.b","required":true}]';
    const message = '{"list":["a",1,"b","c"]}';
    expect<string>(judge(compile('{' + rules + '}'), message)).toBe(
      '0006 /list/0\n0006 /list/2\n0006 /list/3\n0005 /b',
    );
    expect<string>(judge(compile('{"maxErrors":2,' + rules + '}'), message)).toBe('0006 /list/0\n0006 /list/2');
    expect<string>(judge(compile('{"maxErrors":1,' + rules + '}'), message)).toBe('0006 /list/0');
  });
  it('are 64 at most', () => {
    let items = '0';
    for (let i = 1; i < 100; i++) items += ',0';
    judge(compile('{"maxErrors":64,"rules":[{"path":"$[*]"}]}'), '[' + items + ']');
    expect<u32>(findings.count).toBe(64);
    expect<string>(String.UTF8.decodeUnsafe(findings.pointer(63), findings.pointerLength(63))).toBe('/63');
  });
  it('are said once though several rules meet at one place', () => {
    const validator = compile(
      '{"rules":[{"path":"$.f","maxLength":2},{"path":"$.f","type":"string","profile":true},{"path":"$.*","check":"Numeric"}]}',
    );
    expect<string>(judge(validator, '{"f":1}')).toBe('0006 /f');
    expect<string>(judge(validator, '{"f":"abc"}')).toBe('0009 /f\n0018 /f');
    expect<string>(judge(validator, '{"f":"12"}')).toBe('');
  });
  it('name the message itself by the empty pointer', () => {
    const validator = compile('{"rules":[{"path":"$","required":true,"type":"object"}]}');
    expect<string>(judge(validator, '{}')).toBe('');
    expect<string>(judge(validator, '[]')).toBe('0006 ');
    expect<string>(judge(validator, 'null')).toBe('0006 ');
  });
  it('do not remain from the message before', () => {
    const validator = compile('{"rules":[{"path":"$.f"}]}');
    expect<string>(judge(validator, '{"f":1}')).toBe('0006 /f');
    expect<string>(judge(validator, '{"f":"1"}')).toBe('');
  });
});

describe('rules', () => {
  it('may be none', () => expect<string>(judge(compile('{"rules":[]}'), '{"a":1}')).toBe(''));
  it('are refused with a code', () => {
    expect<string>(mistake('{"rules":[{"path":"$..a"}]}')).toBe('FIM-CFG-0020');
    expect<string>(mistake('{"rules":[{"path":""}]}')).toBe('FIM-CFG-0020');
    expect<string>(mistake('{"rules":[{"path":"$.a","type":"object","minLength":1}]}')).toBe('FIM-PBOC-0017');
    expect<string>(mistake('{"rules":[{"path":"$.a","type":"boolean","enum":["true"]}]}')).toBe('FIM-PBOC-0017');
    expect<string>(mistake('{"rules":[{"path":"$.a","type":"array","check":"Hex"}]}')).toBe('FIM-PBOC-0017');
    expect<string>(mistake('{"rules":[{"path":"$.a","type":"text"}]}')).toBe('FIM-CFG-0015');
    expect<string>(mistake('{"rules":[{"path":"$.a","wanted":true}]}')).toBe('FIM-CFG-0010');
    expect<string>(mistake('{"rules":[{"required":true}]}')).toBe('FIM-CFG-0012');
    expect<string>(mistake('{"maxErrors":0,"rules":[]}')).toBe('FIM-CFG-0013');
    expect<string>(mistake('{"maxErrors":65,"rules":[]}')).toBe('FIM-CFG-0013');
    expect<string>(mistake('{}')).toBe('FIM-CFG-0012');
    expect<bool>(mistake('{"rules":[{"path":"$.a","pattern":"("}]}').length > 0).toBe(true);
  });
  it('are 2048 at most', () => {
    let rules = '{"path":"$.f0"}';
    for (let i = 1; i < 2048; i++) rules += ',{"path":"$.f' + i.toString() + '"}';
    const validator = compile('{"rules":[' + rules + ']}');
    expect<string>(judge(validator, '{"f0":"x","f1000":1,"f2047":2,"f2048":3}')).toBe('0006 /f1000\n0006 /f2047');
    expect<string>(mistake('{"rules":[' + rules + ',{"path":"$.g"}]}')).toBe('FIM-CFG-0014');
  });
});
