import { Arena } from '../../../filters/memory/arena';
import { Bytes } from '../../../filters/memory/bytes';
import { Writer } from '../../../filters/memory/writer';

function writer(capacity: usize, cap: usize = 64 * 1024): Writer {
  const made = new Writer(new Arena(1024, cap));
  made.begin(capacity);
  return made;
}

function text(from: Writer): string {
  return String.UTF8.decodeUnsafe(from.pointer, from.length);
}

function decimal(value: u64): string {
  const out = writer(32);
  out.decimal(value);
  return text(out);
}

function jsonText(value: string): string {
  const source = Bytes.from(value);
  const out = writer(32);
  out.jsonText(source.pointer, source.length);
  return text(out);
}

describe('Writer', () => {
  it('starts empty', () => {
    const out = writer(16);
    expect<u32>(out.length).toBe(0);
    expect<bool>(out.overflowed).toBe(false);
  });

  it('appends bytes, characters and literals in order', () => {
    const out = writer(64);
    const middle = Bytes.from('中');
    out.ascii('a');
    out.bytes(middle.pointer, middle.length);
    out.byte(33);
    out.ascii('');
    out.bytes(0, 0);
    expect<string>(text(out)).toBe('a中!');
  });

  it('grows by moving and keeps what it holds', () => {
    const out = writer(1);
    for (let i = 0; i < 1000; i++) out.byte(<u8>(97 + (i % 26)));
    expect<u32>(out.length).toBe(1000);
    expect<bool>(out.overflowed).toBe(false);
    let wrong = 0;
    for (let i = 0; i < 1000; i++) if (load<u8>(out.pointer + i) != <u8>(97 + (i % 26))) wrong++;
    expect<i32>(wrong).toBe(0);
  });

  it('fits its capacity exactly without moving', () => {
    const out = writer(4);
    const start = out.pointer;
    out.ascii('abcd');
    expect<usize>(out.pointer).toBe(start);
    out.byte(101);
    expect<string>(text(out)).toBe('abcde');
  });

  it('can be used again', () => {
    const out = writer(8);
    out.ascii('first');
    out.begin(8);
    expect<u32>(out.length).toBe(0);
    out.ascii('second');
    expect<string>(text(out)).toBe('second');
  });

  it('turns overflowed when the arena is full and ignores what follows', () => {
    const out = writer(512, 2048);
    for (let i = 0; i < 5000; i++) out.byte(120);
    expect<bool>(out.overflowed).toBe(true);
    const length = out.length;
    out.ascii('more');
    out.decimal(1);
    out.hex(out.pointer, 1);
    out.jsonText(out.pointer, 1);
    expect<u32>(out.length).toBe(length, 'nothing is added after the overflow');
    expect<usize>(out.reserve(1)).toBe(0);
  });

  it('is overflowed from the start when the arena has no room, until it is begun anew', () => {
    const arena = new Arena(1024, 2048);
    const out = new Writer(arena);
    out.begin(4096);
    expect<bool>(out.overflowed).toBe(true);
    out.byte(1);
    expect<u32>(out.length).toBe(0);
    out.begin(16);
    out.ascii('ok');
    expect<bool>(out.overflowed).toBe(false);
    expect<string>(text(out)).toBe('ok');
  });

  it('reserves room that the caller fills', () => {
    const out = writer(2);
    const to = out.reserve(100);
    expect<bool>(to != 0).toBe(true);
    memory.fill(to, 122, 100);
    out.advance(3);
    expect<string>(text(out)).toBe('zzz');
  });
});

describe('Writer.decimal', () => {
  it('writes every magnitude', () => {
    expect<string>(decimal(0)).toBe('0');
    expect<string>(decimal(9)).toBe('9');
    expect<string>(decimal(10)).toBe('10');
    expect<string>(decimal(1234567890)).toBe('1234567890');
    expect<string>(decimal(u64.MAX_VALUE)).toBe('18446744073709551615');
  });
});

describe('Writer.hex', () => {
  it('writes both nibbles in lower case', () => {
    const out = writer(4);
    const source = heap.alloc(4);
    store<u32>(source, 0xff7f0a00);
    out.hex(source, 4);
    heap.free(source);
    expect<string>(text(out)).toBe('000a7fff');
  });
});

describe('Writer.jsonText', () => {
  it('leaves plain text and UTF-8 alone', () => {
    expect<string>(jsonText('transCode/转账 ~')).toBe('transCode/转账 ~');
    expect<string>(jsonText('')).toBe('');
  });

  it('escapes quotes and backslashes', () => {
    expect<string>(jsonText('a"b\\c')).toBe('a\\"b\\\\c');
  });

  it('escapes every control character', () => {
    expect<string>(jsonText('\x00\n\x1f\x20')).toBe('\\u0000\\u000a\\u001f\x20');
  });

  it('leaves DEL, which JSON allows', () => {
    expect<string>(jsonText('\x7f')).toBe('\x7f');
  });
});
