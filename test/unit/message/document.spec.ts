import { Arena } from '../../../filters/memory/arena';
import { Bytes } from '../../../filters/memory/bytes';
import { JsonDocument } from '../../../filters/message/json/document';
import { FieldKind } from '../../../filters/message/field-tree';
import { ErrorId } from '../../../filters/errors.gen';

const arena = new Arena(65536, 16 * 1024 * 1024);
const document = new JsonDocument();
let source = Bytes.EMPTY;

function parse(text: string): u32 {
  arena.reset();
  source = Bytes.from(text);
  return document.parse(source.pointer, source.length, arena);
}

function textOf(node: u32): string {
  return String.UTF8.decodeUnsafe(document.text(node, arena), document.textLength);
}

function pointerOf(node: u32): string {
  return String.UTF8.decodeUnsafe(document.pointer(node, arena), document.pointerLength);
}

function memberOf(object: u32, name: string): u32 {
  const bytes = Bytes.from(name);
  return document.member(object, bytes.pointer, bytes.length, bytes.hash);
}

describe('JsonDocument', () => {
  it('gives kinds, spans and counts', () => {
    expect<u32>(parse(' {"a": [1, "x\\n"], "b": null} ')).toBe(0);
    const root = document.root;
    expect<FieldKind>(document.kind(root)).toBe(FieldKind.Object);
    expect<u32>(document.start(root)).toBe(1);
    expect<u32>(document.end(root)).toBe(source.length - 1);
    expect<u32>(document.count(root)).toBe(2);
    expect<u32>(document.size).toBe(5);
    const list = document.firstChild(root);
    const first = document.firstChild(list);
    const second = document.nextSibling(first);
    expect<FieldKind>(document.kind(list)).toBe(FieldKind.Array);
    expect<u32>(document.index(second)).toBe(1);
    expect<bool>(document.escaped(second)).toBe(true);
    expect<string>(textOf(second)).toBe('x\n');
    expect<u32>(document.nextSibling(second)).toBe(0);
    expect<u32>(document.parent(second)).toBe(list);
    expect<FieldKind>(document.kind(document.nextSibling(list))).toBe(FieldKind.Null);
  });

  it('keeps numbers as they were written', () => {
    expect<u32>(parse('[12345678901234567890.10]')).toBe(0);
    expect<string>(textOf(document.firstChild(document.root))).toBe('12345678901234567890.10');
  });

  it('does not copy text without escapes', () => {
    expect<u32>(parse('["plain"]')).toBe(0);
    expect<usize>(document.text(document.firstChild(document.root), arena)).toBe(source.pointer + 2);
  });

  it('finds members by their decoded names', () => {
    expect<u32>(parse('{"\\u0061":1,"":2,"ab":3}')).toBe(0);
    expect<string>(textOf(memberOf(document.root, 'a'))).toBe('1');
    expect<string>(textOf(memberOf(document.root, ''))).toBe('2');
    expect<u32>(memberOf(document.root, 'b')).toBe(0);
    expect<u32>(memberOf(memberOf(document.root, 'ab'), 'a')).toBe(0);
  });

  it('writes JSON Pointers with their escapes', () => {
    expect<u32>(parse('{"a/b":{"m~n":[0,[7]]}}')).toBe(0);
    expect<string>(pointerOf(document.size)).toBe('/a~1b/m~0n/1/0');
    expect<string>(pointerOf(document.root)).toBe('');
  });

  it('says where a mistake is, and holds nothing then', () => {
    expect<u32>(parse('{"a":1,}')).toBe(<u32>ErrorId.FIM_JSON_0001);
    expect<u32>(document.errorOffset).toBe(7);
    expect<u32>(document.root).toBe(0);
  });

  it('says when the arena is too small', () => {
    const small = new Arena(4096, 8192);
    const text = Bytes.from('[' + '0,'.repeat(1000) + '0]');
    expect<u32>(document.parse(text.pointer, text.length, small)).toBe(<u32>ErrorId.FIM_RT_0006);
    expect<u32>(document.root).toBe(0);
    small.release();
  });
});
