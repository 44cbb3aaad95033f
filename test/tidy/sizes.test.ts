import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { sizes } from '../../scripts/tidy/sizes.ts';
import { tidyOf } from './project-of.ts';

const body = (lines: number): string => '  a();\n'.repeat(lines);

describe('sizes', () => {
  it('lets a file of 450 lines pass', () => {
    assert.deepEqual(tidyOf(sizes, { 'envoy/a.ts': 'let a = 1;\n'.repeat(450) }), []);
  });

  it('catches a file of 451 lines', () => {
    assert.deepEqual(tidyOf(sizes, { 'envoy/a.ts': 'let a = 1;\n'.repeat(451) }), [
      'envoy/a.ts:0 451 lines; at most 450',
    ]);
  });

  it('leaves generated files alone', () => {
    assert.deepEqual(tidyOf(sizes, { 'envoy/a.gen.ts': 'let a = 1;\n'.repeat(900) }), []);
  });

  it('lets a function of 90 lines pass', () => {
    assert.deepEqual(tidyOf(sizes, { 'envoy/a.ts': `function a() {\n${body(88)}}\n` }), []);
  });

  const heads = [
    'function a() {',
    'export async function a(b: number, c = () => 1): Promise<void> {',
    'const a = (b: number) => {',
    'const a = async b => {',
    '  static a(b: i32): void {',
    '  get a(): Map<string, number> {',
    '  constructor(private a: usize) {',
    'export function a(pick: (from: u32) => bool): u32 {',
    "it('does something', () => {",
    "it('does not use braces in { strings', async (t) => { // {",
    'return list.map(function (x) {',
  ];
  for (const head of heads) {
    it(`catches 91 lines behind: ${head}`, () => {
      assert.deepEqual(tidyOf(sizes, { 'envoy/a.ts': `let z = 0;\n${head}\n${body(89)}}\n` }), [
        'envoy/a.ts:2 function of 91 lines; at most 90',
      ]);
    });
  }

  const others = [
    'class A {',
    'interface A {',
    'if (a(b)) {',
    'for (const a of b()) {',
    'while (a()) {',
    'switch (a()) {',
    'const a = {',
    "describe('a', () => {",
    "describe('a (b)', function () {",
  ];
  for (const head of others) {
    it(`does not count what is no function: ${head}`, () => {
      assert.deepEqual(tidyOf(sizes, { 'envoy/a.ts': `${head}\n${body(110)}}\n` }), []);
    });
  }

  it('is not confused by strings, templates, comments and regular expressions', () => {
    const tricky =
      "function a() {\n  const b = `}${c({ d: '}' })}}`; // }\n  /* } */ const e = /[/}]\\/}/.test('}') ? \"}\" : 1 / 2 / 3;\n";
    assert.deepEqual(tidyOf(sizes, { 'envoy/a.ts': `${tricky}${body(86)}}\n` }), [], '90 lines');
    assert.deepEqual(tidyOf(sizes, { 'envoy/a.ts': `${tricky}${body(87)}}\n` }), [
      'envoy/a.ts:1 function of 91 lines; at most 90',
    ]);
  });
});
