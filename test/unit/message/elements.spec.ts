import { Arena } from '../../../filters/memory/arena';
import { Bytes } from '../../../filters/memory/bytes';
import { FieldMatches } from '../../../filters/message/field-matches';
import { FieldSet } from '../../../filters/message/field-set';
import { FieldSetBuilder } from '../../../filters/message/field-set-builder';
import { XmlDocument } from '../../../filters/message/xml/document';
import { ErrorId } from '../../../filters/errors.gen';

const arena = new Arena(65536, 16 * 1024 * 1024);
const document = new XmlDocument();
const matches = new FieldMatches();
let source = Bytes.EMPTY;
let builder = new FieldSetBuilder(true);
let set: FieldSet | null = null;

/** Each find as `rule:pointer`, with `-` before a missing one and `+` before one too many. */
function finds(text: string): string {
  arena.reset();
  source = Bytes.from(text);
  expect<u32>(document.parse(source.pointer, source.length, arena)).toBe(0);
  if (set == null) set = builder.build();
  const fields = <FieldSet>set;
  expect<bool>(fields.match(document, matches, arena)).toBe(true);
  let found = '';
  while (matches.next()) {
    const pointer = String.UTF8.decodeUnsafe(fields.pointer(document, matches, arena), document.pointerLength);
    found += `${matches.missing ? '-' : matches.repeated ? '+' : ''}${matches.rule}:${pointer} `;
  }
  return found.trimEnd();
}

function add(rule: u32, path: string, required: bool): u32 {
  return builder.addPath(rule, Bytes.from(path), required);
}

describe('Paths of elements', () => {
  beforeEach(() => {
    builder = new FieldSetBuilder(true);
    set = null;
  });

  it('name what occurs once', () => {
    add(0, '$.a.b', true);
    expect<string>(finds('<a><b>1</b></a>')).toBe('0:/a/b');
    expect<string>(finds('<a/>')).toBe('-0:/a/b');
    expect<string>(finds('<x/>')).toBe('-0:/a/b');
  });

  it('tell of a second one', () => {
    add(0, '$.a.b', false);
    add(1, '$.a.c', false);
    expect<string>(finds('<a><b>1</b><c/><b>2</b></a>')).toBe('0:/a/b/0 1:/a/c +0:/a/b/1 0:/a/b/1');
  });

  it('tell of a second one on the way', () => {
    add(0, '$.a.b.c', false);
    expect<string>(finds('<a><b/><b><c/></b></a>')).toBe('+0:/a/b/1 0:/a/b/1/c');
  });

  it('name every one by [*], also if there is but one', () => {
    add(0, '$.a.b[*].c', true);
    expect<string>(finds('<a><b><c/></b></a>')).toBe('0:/a/b/c');
    expect<string>(finds('<a><b><c/></b><b/><b><c/></b></a>')).toBe('0:/a/b/0/c -0:/a/b/1/c 0:/a/b/2/c');
    expect<string>(finds('<a/>')).toBe('-0:/a/b/c');
  });

  it('name attributes, of texts too', () => {
    add(0, "$.a.b['@Ccy']", true);
    expect<string>(finds('<a><b Ccy="CNY">1</b></a>')).toBe('0:/a/b/@Ccy');
    expect<string>(finds('<a><b>1</b></a>')).toBe('-0:/a/b/@Ccy');
  });

  it('pass attributes by with .*', () => {
    add(0, '$.a.*', false);
    expect<string>(finds('<a x="1" xmlns="u"><b/><c y="2"/><b/></a>')).toBe('0:/a/b/0 0:/a/c 0:/a/b/1');
  });

  it('name the namespace where it changes', () => {
    add(0, "$.a['@xmlns']", true);
    add(1, "$.a.b['@xmlns']", false);
    expect<string>(finds('<a xmlns="u"><b/></a>')).toBe('0:/a/@xmlns');
    expect<string>(finds('<p:a xmlns:p="u"><b/></p:a>')).toBe('0:/a/@xmlns 1:/a/b/@xmlns');
  });

  it('find names at any depth', () => {
    builder.addName(3, Bytes.from('Id'));
    expect<string>(finds('<a><Id><Id>1</Id></Id><b><Id/></b></a>')).toBe('3:/a/Id 3:/a/Id/Id 3:/a/b/Id');
  });

  it('refuse item numbers, and [*] without a name', () => {
    expect<u32>(add(0, '$.a[0]', false)).toBe(ErrorId.FIM_CFG_0020);
    expect<u32>(add(0, '$[*].a', false)).toBe(ErrorId.FIM_CFG_0020);
    expect<u32>(add(0, '$.a[*][*]', false)).toBe(ErrorId.FIM_CFG_0020);
    expect<u32>(add(0, '$.*[*].b', false)).toBe(0);
  });

  it('report a repeated required element once as missing, each time', () => {
    add(0, '$.a.b.c', true);
    expect<string>(finds('<a><b/><b/></a>')).toBe('-0:/a/b/0/c +0:/a/b/1 -0:/a/b/1/c');
  });
});

describe('Pointers of repeated elements', () => {
  beforeEach(() => {
    builder = new FieldSetBuilder(true);
    set = null;
  });

  it('count namesakes on every level, in any order of asking', () => {
    add(0, '$.r.a[*].b[*].c', true);
    const text = '<r><x/><a><b/><y/><b/></a><x/><a><b/></a></r>';
    expect<string>(finds(text)).toBe('-0:/r/a/0/b/0/c -0:/r/a/0/b/1/c -0:/r/a/1/b/c');
    expect<string>(finds(text)).toBe('-0:/r/a/0/b/0/c -0:/r/a/0/b/1/c -0:/r/a/1/b/c');
  });

  it('stay right for many finds in a row', () => {
    add(0, '$.r.a[*].b', true);
    const many = '<a/>'.repeat(3000);
    const found = finds(`<r>${many}</r>`).split(' ');
    expect<i32>(found.length).toBe(3000);
    expect<string>(found[0]).toBe('-0:/r/a/0/b');
    expect<string>(found[2999]).toBe('-0:/r/a/2999/b');
  });
});
