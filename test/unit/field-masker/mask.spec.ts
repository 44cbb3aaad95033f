import { Arena } from '../../../filters/memory/arena';
import { Bytes } from '../../../filters/memory/bytes';
import { Writer } from '../../../filters/memory/writer';
import { MaskKind, MaskMethod } from '../../../filters/field-masker/config.gen';
import { isMaskCharacter } from '../../../filters/field-masker/method/keep';
import { keepMask, Mask } from '../../../filters/field-masker/method/mask';

const arena = new Arena(1024, 1024 * 1024);

function run(mask: Mask, text: string): string {
  arena.reset();
  const out = new Writer(arena);
  out.begin(8);
  const bytes = Bytes.from(text);
  mask.text(bytes.pointer, bytes.length, out);
  return String.UTF8.decodeUnsafe(out.pointer, out.length);
}

function byKind(kind: MaskKind, text: string): string {
  return run(keepMask(kind, MaskMethod.ByKind, -1, -1, Bytes.from('*')), text);
}

function keep(first: i32, last: i32, text: string, char: string = '*'): string {
  return run(keepMask(MaskKind.Generic, MaskMethod.KeepFirstLast, first, last, Bytes.from(char)), text);
}

describe('Mask by kind', () => {
  it('hides as the table of the README says', () => {
    expect<string>(byKind(MaskKind.Generic, 'secret')).toBe('******');
    expect<string>(byKind(MaskKind.IdCard, '110101199003074514')).toBe('110***********4514');
    expect<string>(byKind(MaskKind.BankCard, '6222021234567894')).toBe('622202******7894');
    expect<string>(byKind(MaskKind.BankCard, '6222021234567890123')).toBe('622202*********0123');
    expect<string>(byKind(MaskKind.Phone, '13800138000')).toBe('138****8000');
    expect<string>(byKind(MaskKind.Name, '张三丰')).toBe('张**');
    expect<string>(byKind(MaskKind.Name, '张三')).toBe('张*');
    expect<string>(byKind(MaskKind.Address, '北京市朝阳区建国路八十八号')).toBe('北京市朝阳区*******');
  });

  it('hides a value whole that is too short for what is kept', () => {
    expect<string>(byKind(MaskKind.Name, '张')).toBe('*');
    expect<string>(byKind(MaskKind.Phone, '12345')).toBe('*****');
    expect<string>(byKind(MaskKind.Phone, '1380013800')).toBe('**********'); // 3 of 10 hidden are less than a third
    expect<string>(byKind(MaskKind.BankCard, '62220212345678')).toBe('**************'); // 4 of 14
    expect<string>(byKind(MaskKind.BankCard, '622202123456789')).toBe('622202*****6789'); // 5 of 15
    expect<string>(byKind(MaskKind.Address, '北京市朝阳区建国')).toBe('********');
    expect<string>(byKind(MaskKind.Generic, '')).toBe('');
    expect<string>(byKind(MaskKind.Name, '')).toBe('');
  });

  it('keeps the domain of an e-mail address and nothing of what is none', () => {
    expect<string>(byKind(MaskKind.Email, 'zhang@example.com')).toBe('z****@example.com');
    expect<string>(byKind(MaskKind.Email, '张三@example.com.cn')).toBe('张*@example.com.cn');
    expect<string>(byKind(MaskKind.Email, 'a@example.com')).toBe('*@example.com');
    expect<string>(byKind(MaskKind.Email, 'a@b@example.com')).toBe('a**@example.com');
    expect<string>(byKind(MaskKind.Email, 'zhang')).toBe('*****');
    expect<string>(byKind(MaskKind.Email, '@example.com')).toBe('************');
    expect<string>(byKind(MaskKind.Email, 'zhang@')).toBe('******');
    expect<string>(byKind(MaskKind.Email, 'zhang@localhost')).toBe('***************');
    expect<string>(byKind(MaskKind.Email, 'x@1.13800138000')).toBe('***************');
    expect<string>(byKind(MaskKind.Email, 'x@a secret.com')).toBe('**************');
    expect<string>(byKind(MaskKind.Email, 'x@张三.com')).toBe('********');
  });
});

describe('Mask with own bounds', () => {
  it('keeps first and last by code points', () => {
    expect<string>(keep(1, 1, '😀中文é!')).toBe('😀***!');
    expect<string>(keep(0, 2, 'abcdef')).toBe('****ef');
    expect<string>(keep(2, 0, 'abcdef')).toBe('ab****');
    expect<string>(keep(3, 1, 'abcdef')).toBe('abc**f');
    expect<string>(keep(4, 1, 'abcdef')).toBe('******');
    expect<string>(keep(256, 256, 'abcdef')).toBe('******');
    expect<string>(keep(0, 0, 'abcdef')).toBe('******');
  });

  it('Full keeps nothing, whatever else is said', () => {
    expect<string>(run(keepMask(MaskKind.Phone, MaskMethod.Full, 3, 4, Bytes.from('*')), '13800138000')).toBe(
      '***********',
    );
    expect<string>(run(keepMask(MaskKind.Email, MaskMethod.Full, -1, -1, Bytes.from('*')), 'a@b.cn')).toBe('******');
  });

  it('writes mask characters of any length', () => {
    expect<string>(keep(1, 1, 'abcdef', '●')).toBe('a●●●●f');
    expect<string>(keep(1, 1, 'abcdef', '😀')).toBe('a😀😀😀😀f');
    expect<string>(keep(1, 1, 'abcdef', 'x')).toBe('axxxxf');
  });

  it('is idempotent', () => {
    const texts = ['6222021234567894', '张三丰', 'a', '', '13800138000', 'zhang@example.com', 'a@b', 'abcdefghij'];
    for (let kind = <i32>MaskKind.Generic; kind <= <i32>MaskKind.Address; kind++) {
      for (let i = 0; i < texts.length; i++) {
        const once = byKind(<MaskKind>kind, texts[i]);
        expect<string>(byKind(<MaskKind>kind, once)).toBe(once);
      }
    }
  });
});

describe('Mask.digits', () => {
  it('hides digits and leaves separators', () => {
    arena.reset();
    const out = new Writer(arena);
    out.begin(64);
    const card = Bytes.from('6222-0212-3456-7894');
    keepMask(MaskKind.BankCard, MaskMethod.ByKind, -1, -1, Bytes.from('*')).found(card.pointer, card.length, out);
    expect<string>(String.UTF8.decodeUnsafe(out.pointer, out.length)).toBe('6222-02**-****-7894');
  });
});

describe('isMaskCharacter', () => {
  it('takes one visible character', () => {
    const good = ['*', '#', 'x', '0', '●', '＊', '😀', 'é'];
    for (let i = 0; i < good.length; i++) expect<bool>(isMaskCharacter(Bytes.from(good[i]))).toBe(true, good[i]);
  });
  it('refuses none, several, quotes, backslashes, spaces and control characters', () => {
    const bad = ['', '**', '●●', '"', '\\', ' ', '\n', '\x7f', '\u0085', '\u00a0'];
    for (let i = 0; i < bad.length; i++) expect<bool>(isMaskCharacter(Bytes.from(bad[i]))).toBe(false, bad[i]);
  });
});
