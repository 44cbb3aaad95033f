import { Arena } from '../../../filters/memory/arena';
import { Bytes } from '../../../filters/memory/bytes';
import { JsonDocument } from '../../../filters/message/json/document';
import { FieldSetBuilder } from '../../../filters/message/field-set-builder';
import { MaskKind, MaskMethod } from '../../../filters/field-masker/config.gen';
import { KIND_COUNT } from '../../../filters/field-masker/kinds.gen';
import { Detections, MaskPlan } from '../../../filters/field-masker/mask-plan';
import { Masker } from '../../../filters/field-masker/masker';
import { Masked } from '../../../filters/field-masker/message-masker';
import { keepMask, Mask } from '../../../filters/field-masker/method/mask';
import { JsonSurface } from '../../../filters/field-masker/surface/json';

const arena = new Arena(64 * 1024, 16 * 1024 * 1024);
const masker = new Masker(arena);
const document = new JsonDocument();
const surface = new JsonSurface();

function maskOf(kind: MaskKind): Mask {
  return keepMask(kind, MaskMethod.ByKind, -1, -1, Bytes.from('*'));
}

/** All kinds are looked for, but UnionPay's numbers without a check. */
function everyKind(): Detections {
  const masks = new StaticArray<Mask | null>(<i32>KIND_COUNT);
  for (let kind = <i32>MaskKind.IdCard; kind <= <i32>MaskKind.KeyMaterial; kind++)
    if (kind != MaskKind.UnionPayCard) masks[kind] = maskOf(<MaskKind>kind);
  return new Detections(masks, null, []);
}

/** Fields: `$…` is a path, anything else a name. */
function planOf(fields: string[], kinds: MaskKind[], detect: bool = false): MaskPlan {
  const builder = new FieldSetBuilder();
  const masks: Mask[] = [];
  for (let i = 0; i < fields.length; i++) {
    if (fields[i].charCodeAt(0) == 36) expect<u32>(builder.addPath(i, Bytes.from(fields[i]), false)).toBe(0);
    else builder.addName(i, Bytes.from(fields[i]));
    masks.push(maskOf(i < kinds.length ? kinds[i] : MaskKind.Generic));
  }
  const set = builder.build()!;
  const found = detect ? everyKind() : null;
  return new MaskPlan(set, set, StaticArray.fromArray(masks), found);
}

/** The masked message; the word `unchanged`, if it is. */
function run(text: string, plan: MaskPlan): string {
  arena.reset();
  const source = Bytes.from(text);
  expect<u32>(document.parse(source.pointer, source.length, arena)).toBe(0, text);
  const masked = masker.run(document, source.length, plan, surface, 0);
  if (masked == Masked.Unchanged) return 'unchanged';
  expect<i32>(masked).toBe(Masked.Changed);
  return String.UTF8.decodeUnsafe(masker.out.pointer, masker.out.length);
}

describe('Masker by field', () => {
  it('masks by path', () => {
    const plan = planOf(['$.card'], [MaskKind.BankCard]);
    expect<string>(run('{"card":"6222021234567894","inner":{"card":"6222021234567894"}}', plan)).toBe(
      '{"card":"622202******7894","inner":{"card":"6222021234567894"}}',
    );
  });
  it('masks by name at any depth', () => {
    const plan = planOf(['phone'], [MaskKind.Phone]);
    expect<string>(
      run('{"phone":"13800138000","a":[{"phone":"13900139000"},{"b":{"phone":"13700137000"}}]}', plan),
    ).toBe('{"phone":"138****8000","a":[{"phone":"139****9000"},{"b":{"phone":"137****7000"}}]}');
  });
  it('masks every item under a wildcard', () => {
    const plan = planOf(['$.items[*].name'], [MaskKind.Name]);
    expect<string>(run('{"items":[{"name":"张三丰"},{},{"name":"李四"}],"name":"王五"}', plan)).toBe(
      '{"items":[{"name":"张**"},{},{"name":"李*"}],"name":"王五"}',
    );
  });
  it('leaves the body alone if nothing is named', () => {
    expect<string>(run('{"other":"x","phones":1}', planOf(['phone'], []))).toBe('unchanged');
    expect<string>(run('[]', planOf(['phone'], []))).toBe('unchanged');
    expect<string>(run('"phone"', planOf(['phone'], []))).toBe('unchanged');
    expect<string>(run('{"phone":null}', planOf(['phone'], []))).toBe('unchanged');
    expect<string>(run('{"phone":{}}', planOf(['phone'], []))).toBe('unchanged');
  });
  it('turns numbers into strings of the same shape and hides booleans', () => {
    const plan = planOf(['v', 'p'], [MaskKind.Generic, MaskKind.Phone]);
    expect<string>(run('[{"v":-12.5e+3},{"v":0},{"p":13800138000}]', plan)).toBe(
      '[{"v":"********"},{"v":"*"},{"p":"138****8000"}]',
    );
    expect<string>(run('[{"v":true},{"v":false},{"v":null},{"v":""}]', plan)).toBe(
      '[{"v":"***"},{"v":"***"},{"v":null},{"v":""}]',
    );
  });
  it('masks containers in full depth, inner fields by their own way', () => {
    const plan = planOf(['person', '$.person.phone', 'card'], [MaskKind.Generic, MaskKind.Phone, MaskKind.BankCard]);
    expect<string>(
      run(
        '{"person":{"n":"abc","l":[1,[true,{"deep":"x"}]],"phone":"13800138000","c":{"card":"6222021234567894"}},"after":"y"}',
        plan,
      ),
    ).toBe(
      '{"person":{"n":"***","l":["*",["***",{"deep":"*"}]],"phone":"138****8000","c":{"card":"622202******7894"}},"after":"y"}',
    );
    const both = planOf(['a', 'b'], [MaskKind.Generic, MaskKind.Name]);
    expect<string>(run('{"a":{"x":"123","b":{"y":"123"},"z":"123"},"x":"123"}', both)).toBe(
      '{"a":{"x":"***","b":{"y":"1**"},"z":"***"},"x":"123"}',
    );
  });
  it('masks a whole message', () => {
    expect<string>(run('["ab",{"k":1}]', planOf(['$'], []))).toBe('["**",{"k":"*"}]');
    expect<string>(run('"secret"', planOf(['$'], []))).toBe('"******"');
  });
  it('lets the first of several fields decide', () => {
    expect<string>(run('{"p":"13800138000"}', planOf(['$.p', 'p'], [MaskKind.Phone, MaskKind.Generic]))).toBe(
      '{"p":"138****8000"}',
    );
    expect<string>(run('{"p":"13800138000"}', planOf(['p', '$.p'], [MaskKind.Generic, MaskKind.Phone]))).toBe(
      '{"p":"***********"}',
    );
    expect<string>(
      run('{"p":"13800138000"}', planOf(['$.q', '$.*', '$.p'], [MaskKind.Name, MaskKind.Phone, MaskKind.Generic])),
    ).toBe('{"p":"138****8000"}');
  });
  it('reads escapes in values and names, and writes them where it keeps', () => {
    const plan = planOf(['name', 'q'], [MaskKind.Name, MaskKind.Name]);
    expect<string>(run('{"n\\u0061me":"\\u5f20\\u4e09"}', plan)).toBe('{"n\\u0061me":"\\u5f20*"}');
    expect<string>(run('{"q":"\\"ab"}', plan)).toBe('{"q":"\\"**"}');
    expect<string>(run('{"q":"\\ud83d\\ude00x"}', plan)).toBe('{"q":"\\ud83d\\ude00*"}');
  });
  it('copies everything else byte for byte', () => {
    expect<string>(run(' {\t"a" : [ 1.50 , "\\u0041\\/" ] ,\r\n"p":"abc" , "z" : 1E+2 } \n', planOf(['p'], []))).toBe(
      ' {\t"a" : [ 1.50 , "\\u0041\\/" ] ,\r\n"p":"***" , "z" : 1E+2 } \n',
    );
  });
});

const DETECT_ALL: MaskPlan = planOf([], [], true);

describe('Masker by content', () => {
  it('hides numbers with check digits in strings', () => {
    expect<string>(run('{"note":"card 6222021234567894, id 11010519491231002X."}', DETECT_ALL)).toBe(
      '{"note":"card 622202******7894, id 110***********002X."}',
    );
    expect<string>(run('["6222 0212 3456 7894"]', DETECT_ALL)).toBe('["6222 02** **** 7894"]');
    expect<string>(run('"6222021234567894"', DETECT_ALL)).toBe('"622202******7894"');
  });
  it('hides whole numbers, not fractions', () => {
    expect<string>(run('[6222021234567894]', DETECT_ALL)).toBe('["622202******7894"]');
    expect<string>(
      run('[0.6222021234567894,6222021234567894.5,-6222021234567894,6222021234567894e1]', DETECT_ALL),
    ).toBe('unchanged');
  });
  it('sees through escapes', () => {
    expect<string>(run('["622202123456789\\u0034"]', DETECT_ALL)).toBe('["622202******7894"]');
    expect<string>(run('["a\\n6222021234567894\\t\\"b"]', DETECT_ALL)).toBe('["a\\n622202******7894\\t\\"b"]');
    expect<string>(run('["\\n\\t\\"\\u4e2d a longer text"]', DETECT_ALL)).toBe('unchanged');
  });
  it('leaves member names and other values alone', () => {
    expect<string>(run('{"6222021234567894":"6222021234567895","t":1763812296004,"b":true,"n":null}', DETECT_ALL)).toBe(
      'unchanged',
    );
  });
  it('goes together with fields, which come first', () => {
    const both = planOf(['card'], [MaskKind.Generic], true);
    expect<string>(
      run('{"card":"6222021234567894","x":"6222021234567894","in":{"card":{"y":"6222021234567894"}}}', both),
    ).toBe('{"card":"****************","x":"622202******7894","in":{"card":{"y":"****************"}}}');
    expect<u32>(masker.fieldCount).toBe(2);
    expect<u32>(masker.detectedCount).toBe(1);
  });
});

describe('Masker at its limits', () => {
  it('masks at the greatest depth', () => {
    let text = '';
    for (let i = 0; i < 127; i++) text += '{"s":';
    text += '["x"]';
    for (let i = 0; i < 127; i++) text += '}';
    expect<string>(run(text, planOf(['s'], []))).toBe(text.replace('"x"', '"*"'));
  });
  it('says when memory is short, and does not pass on half a message', () => {
    const small = new Arena(1024, 8 * 1024);
    const poor = new Masker(small);
    let text = '{"s":"';
    for (let i = 0; i < 9000; i++) text += 'x';
    const source = Bytes.from(text + '"}');
    expect<u32>(document.parse(source.pointer, source.length, arena)).toBe(0);
    expect<i32>(poor.run(document, source.length, planOf(['s'], []), surface, 0)).toBe(Masked.OutOfMemory);
  });
  it('keeps nothing of the message before', () => {
    const plan = planOf(['a'], []);
    run('{"a":{"b":"x"}}', plan);
    expect<string>(run('{"b":"x"}', plan)).toBe('unchanged');
    expect<u32>(masker.fieldCount).toBe(0);
  });
});

describe('Masker by content', () => {
  it('hides every kind in strings, with the name of the field as its label', () => {
    const plan = planOf([], [], true);
    expect<string>(run('{"passportNo":"E12345678","n":1}', plan)).toBe('{"passportNo":"E1****678","n":1}');
    expect<string>(run('{"custName":"张三"}', plan)).toBe('{"custName":"张*"}');
    expect<string>(run('{"a":"mail zhang@example.com, tel 138 0013 8000"}', plan)).toBe(
      '{"a":"mail z****@example.com, tel 138 **** 8000"}',
    );
    expect<string>(run('{"remark":"姓名：张三，地址：北京市朝阳区建国路88号"}', plan)).toBe(
      '{"remark":"姓名：张*，地址：北京市朝阳区******"}',
    );
    expect<string>(run('{"ip":"10.1.2.3","plate":"京A12345"}', plan)).toBe('{"ip":"**.*.*.*","plate":"京A***45"}');
    expect<string>(run('{"accessToken":"a1b2c3d4e5f6g7h8"}', plan)).toBe('{"accessToken":"****************"}');
  });
  it('reads escapes at every level', () => {
    const plan = planOf([], [], true);
    expect<string>(run('{"a":"\\u0036222021234567894"}', plan)).toBe('{"a":"622202******7894"}');
    expect<string>(run('{"a":"%362220212%334567894"}', plan)).toBe('{"a":"%3622202******7894"}');
    expect<string>(run('{"d":"{\\"tel\\":\\"13800138000\\"}"}', plan)).toBe('{"d":"{\\"tel\\":\\"138****8000\\"}"}');
  });
  it('hides a JSON number only as a whole', () => {
    const plan = planOf([], [], true);
    expect<string>(run('{"a":13800138000,"b":6222021234567894}', plan)).toBe(
      '{"a":"138****8000","b":"622202******7894"}',
    );
    expect<string>(run('{"a":0.6222021234567894,"b":-13800138000,"c":13800138000.5}', plan)).toBe('unchanged');
  });
});
