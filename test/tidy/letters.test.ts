import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { letters } from '../../scripts/tidy/letters.ts';
import { tidyOf } from './project-of.ts';

describe('letters', () => {
  it('lets named characters pass, digits, counts and text', () => {
    const code = [
      'if (byte == Ascii.Colon || byte - 48 < 10 || byte == 48 || byte >= 32) go();',
      'if (length == 58 || load<u32>(at) == 58 || load<u8>(at) == count) go();',
      '// byte == 58',
    ].join('\n');
    assert.deepEqual(tidyOf(letters, { 'filters/a.ts': code, 'envoy/a.ts': 'if (byte == 58) go();\n' }), []);
  });

  for (const code of [
    'byte == 58',
    'first != 123',
    'load<u8>(at) == 93',
    'load<u8>(end - min(a, 1)) == 9',
    'quote != 34',
  ]) {
    it(`catches ${code}`, () => {
      assert.deepEqual(tidyOf(letters, { 'filters/a.ts': `let a = 1;\nif (${code}) go();\n` }), [
        `filters/a.ts:2 "${code}": name the character (filters/memory/ascii.ts)`,
      ]);
    });
  }
});
