import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { circles } from '../../scripts/tidy/circles.ts';
import { tidyOf } from './project-of.ts';

describe('circles: what is caught', () => {
  it('two files that load one another', () =>
    assert.deepEqual(
      tidyOf(circles, {
        'envoy/a.ts': "// first\nimport { b } from './b.ts';\n",
        'envoy/b.ts': "import { type A, a } from './a.ts';\n",
      }),
      ['envoy/a.ts:2 stands in a circle of imports: envoy/a.ts, envoy/b.ts'],
    ));

  it('three files in AssemblyScript, whose imports have no ending, across folders', () =>
    assert.deepEqual(
      tidyOf(circles, {
        'filters/runtime/stage.ts': "import { Exchange } from './exchange';\n",
        'filters/runtime/exchange.ts': "import { Ring } from '../keys/ring';\n",
        'filters/keys/ring.ts': "export * from '../runtime/stage';\n",
        'filters/runtime/index.ts': "import { Stage } from './stage';\n",
      }),
      [
        'filters/keys/ring.ts:1 stands in a circle of imports: filters/keys/ring.ts, filters/runtime/exchange.ts, filters/runtime/stage.ts',
      ],
    ));

  it('a file loaded when it is needed', () =>
    assert.equal(
      tidyOf(circles, {
        'scripts/a.ts': "const b = await import('./b.ts');\n",
        'scripts/b.ts': "import './a.ts';\n",
      }).length,
      1,
    ));
});

describe('circles: what is allowed', () => {
  it('types that stand in files which load this one', () =>
    assert.deepEqual(
      tidyOf(circles, {
        'envoy/a.ts': "import { b } from './b.ts';\nimport { c } from './c.ts';\n",
        'envoy/b.ts': "import type { A } from './a.ts';\nexport type { A } from './a.ts';\n",
        'envoy/c.ts': "import { type A, type Other as B } from './a.ts';\n",
      }),
      [],
    ));

  it('two ways to one file', () =>
    assert.deepEqual(
      tidyOf(circles, {
        'envoy/a.ts': "import { b } from './b.ts';\nimport { c } from './c.ts';\n",
        'envoy/b.ts': "import { c } from './c.ts';\n",
        'envoy/c.ts': 'export const c = 1;\n',
      }),
      [],
    ));
});
