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

const arena = new Arena(64 * 1024, 64 * 1024 * 1024);
const masker = new Masker(arena);
const document = new JsonDocument();
const surface = new JsonSurface();

function planOf(nested: i32): MaskPlan {
  const values = new FieldSetBuilder();
  const elements = new FieldSetBuilder(true);
  values.addName(0, Bytes.from('cardNo'));
  elements.addName(0, Bytes.from('cardNo'));
  const set = values.build()!;
  set.elements = elements.build();
  const masks = new StaticArray<Mask | null>(<i32>KIND_COUNT);
  masks[MaskKind.Phone] = keepMask(MaskKind.Phone, MaskMethod.ByKind, -1, -1, Bytes.from('*'));
  const card = keepMask(MaskKind.BankCard, MaskMethod.ByKind, -1, -1, Bytes.from('*'));
  const plan = new MaskPlan(set, set, [card], new Detections(masks, null, []));
  plan.nested = nested;
  masker.nest(nested);
  return plan;
}

/** Masked form of a text that is a string of JSON. */
function run(text: string, nested: i32 = 2): string {
  arena.reset();
  const escaped = text.split('\\').join('\\\\').split('"').join('\\"').split('\n').join('\\n');
  const source = Bytes.from('{"t":"' + escaped + '"}');
  expect<u32>(document.parse(source.pointer, source.length, arena)).toBe(0, text);
  const masked = masker.run(document, source.length, planOf(nested), surface, 0);
  if (masked == Masked.Unchanged) return 'unchanged';
  expect<i32>(masked).toBe(Masked.Changed, text);
  const out = Bytes.copy(masker.out.pointer, masker.out.length);
  expect<u32>(document.parse(out.pointer, out.length, arena)).toBe(0, 'what it becomes is JSON');
  const pointer = document.text(document.firstChild(document.root), arena);
  return String.UTF8.decodeUnsafe(pointer, document.textLength);
}

const CARD = '6222021234567894';
const HIDDEN = '622202******7894';

describe('Messages inside texts', () => {
  it('are masked as all of a text, also as a string of JSON', () => {
    expect<string>(run('{"cardNo":"' + CARD + '"}')).toBe('{"cardNo":"' + HIDDEN + '"}');
    expect<string>(run(' <a><cardNo>' + CARD + '</cardNo></a>')).toBe(' <a><cardNo>' + HIDDEN + '</cardNo></a>');
    expect<string>(run('"{\\"cardNo\\":\\"' + CARD + '\\"}"')).toBe('"{\\"cardNo\\":\\"' + HIDDEN + '\\"}"');
  });
  it('are masked amid other text, and what is found beside them', () => {
    expect<string>(run('req={"a":[1,{"cardNo":"' + CARD + '"}]} by 13800138000 took 3 ms')).toBe(
      'req={"a":[1,{"cardNo":"' + HIDDEN + '"}]} by 138****8000 took 3 ms',
    );
    expect<string>(run('[main] [INFO] {x} <b> a<b {"cardNo":' + CARD + '}, then [{"cardNo":"' + CARD + '"}].')).toBe(
      '[main] [INFO] {x} <b> a<b {"cardNo":"' + HIDDEN + '"}, then [{"cardNo":"' + HIDDEN + '"}].',
    );
    expect<string>(
      run('got <?xml version="1.0"?><d><cardNo>' + CARD + '</cardNo><d/></d> and <e cardNo="' + CARD + '"/>!'),
    ).toBe('got <?xml version="1.0"?><d><cardNo>' + HIDDEN + '</cardNo><d/></d> and <e cardNo="' + HIDDEN + '"/>!');
    expect<string>(run('declined: <cardNo>' + CARD + '</cardNo>')).toBe('declined: <cardNo>' + HIDDEN + '</cardNo>');
  });
  it('are masked with escaped quotes, if a second level is asked for', () => {
    const text = 'msg={\\"cardNo\\":\\"' + CARD + '\\",\\"q\\":\\"\\\\\\"}\\"} end';
    expect<string>(run(text)).toBe(text.replace(CARD, HIDDEN));
    expect<string>(run(text, 1)).toBe('unchanged');
  });
  it('are masked where the text breaks them off', () => {
    expect<string>(run('log {"cardNo":"' + CARD + '","name":"x"')).toBe('log {"cardNo":"' + HIDDEN + '","name":"x"');
    expect<string>(run('log {"cardNo":"' + CARD + '","na')).toBe('log {"cardNo":"' + HIDDEN + '","na');
    expect<string>(run('log {"a":{"cardNo":"' + CARD + '"},"cardNo":62220212345')).toBe(
      'log {"a":{"cardNo":"' + HIDDEN + '"},"cardNo":"***********"',
    );
    expect<string>(run('log {"cardNo":"62220212')).toBe('log {"cardNo":"********');
    expect<string>(run('log {"cardNo":"62220212\\u4e')).toBe('log {"cardNo":' + '*'.repeat(13));
  });
  it('are hidden whole if readers could take them in different ways', () => {
    expect<string>(run('{"cardNo":"1","cardNo":"' + CARD + '"}')).toBe('*'.repeat(42));
    expect<string>(run('a {"x":1,"x":"' + CARD + '"} b')).toBe('a ' + '*'.repeat(30) + ' b');
    expect<string>(run('<a x="1" x="' + CARD + '"/>')).toBe('*'.repeat(31));
  });
  it('leave other texts as they are', () => {
    for (let i = 0; i < 5; i++)
      expect<string>(
        run(['a {b} [c] <d>', '{"x":1} and {"y":[2]}', 'if (a<b && c>d) { "s" }', '{{{', '<a><b></a>'][i]),
      ).toBe('unchanged');
  });
  it('take no longer than the text is long, and pass nothing that was not looked at', () => {
    const masked = run('{"a":['.repeat(20000) + CARD);
    expect<bool>(masked.includes(CARD)).toBe(false);
    expect<string>(run('<br> '.repeat(20000))).toBe('unchanged');
  });
});
