// The first look at patterns (TypeScript) never refuses what the module takes: an editor's red line must be true.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { before, it } from 'node:test';
import { dryRun, loadModule, type LoadedModule } from '../../envoy/host/index.ts';
import { patternMistake } from '../../envoy/route/pattern-syntax.ts';
import { buildModules } from '../../scripts/build.ts';

const PIECES = [
  'a',
  '0',
  '中',
  '.',
  '^',
  '$',
  '|',
  '(',
  ')',
  '(?:',
  '(?i)',
  '(?P<n>',
  '(?<n>',
  '(?=',
  '(?!',
  '(?>',
  '(?i-s:',
  '[',
  ']',
  '[^',
  '[]a]',
  '[a-z]',
  '[[:alpha:]]',
  '-',
  '*',
  '+',
  '?',
  '{',
  '}',
  '{2}',
  '{1,3}',
  '{,4}',
  '{3,}',
  '{4,2}',
  '{1001}',
  '\\',
  '\\d',
  '\\pN',
  '\\p{Han}',
  '\\b',
  '\\A',
  '\\z',
  '\\1',
  '\\012',
  '\\x41',
  '\\Q',
  '\\E',
  '\\k',
  '#',
  ' ',
  ',',
];

/** Patterns of pieces, the same on every run. */
function patterns(count: number): string[] {
  let state = 0x2545f491;
  const below = (limit: number): number => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) | 0;
    return (state >>> 8) % limit;
  };
  return Array.from({ length: count }, () =>
    Array.from({ length: 1 + below(6) }, () => PIECES[below(PIECES.length)]).join(''),
  );
}

let module: LoadedModule;

before(async () => {
  const [built] = await buildModules(['pboc-validator']);
  module = loadModule(readFileSync((built as { path: string }).path));
});

function taken(pattern: string): boolean {
  const json = JSON.stringify({
    version: '1.0',
    routes: [{ name: 'r', stages: { pbocValidator: { rules: [{ path: '$.a', pattern }] } } }],
  });
  const { accepted, errors } = dryRun(module, json);
  assert.ok(
    accepted || ['FIM-CFG-0022', 'FIM-CFG-0023', 'FIM-CFG-0024'].includes(errors[0]?.code ?? ''),
    JSON.stringify(errors),
  );
  return accepted;
}

it('agrees with the module on random patterns, as far as it looks', (t) => {
  let both = 0;
  let refused = 0;
  let late = 0;
  for (const pattern of patterns(1500)) {
    const mistake = patternMistake(pattern);
    const accepted = taken(pattern);
    assert.ok(!(accepted && mistake !== undefined), `${JSON.stringify(pattern)}: ${mistake}`);
    if (accepted) both++;
    else if (mistake !== undefined) refused++;
    else late++;
  }
  t.diagnostic(`${both} taken by both, ${refused} refused by both, ${late} refused by the module alone`);
  assert.ok(both > 200 && refused > 200 && late < refused, 'the patterns are of one kind');
});
