import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { imports } from '../../scripts/tidy/imports.ts';
import { tidyOf } from './project-of.ts';

/** Findings for one file with one import statement. */
function importing(file: string, statement: string): string[] {
  return tidyOf(imports, { [file]: `// first line\n${statement}\n` });
}

describe('imports: what is allowed', () => {
  const allowed: [string, string][] = [
    ['filters/memory/writer.ts', "import { Arena } from './arena';"],
    ['filters/memory/scratch.ts', "import { MAX } from '../limits';"],
    ['filters/message/json/document.ts', "import { ErrorId } from '../../errors.gen';"],
    ['filters/runtime/stream.ts', "import { Bytes } from '../memory/bytes';"],
    ['filters/runtime/abi.ts', "export { proxy_log } from '@solo-io/proxy-runtime/assembly/imports';"],
    ['filters/field-masker/stage.ts', "import {\n  Stage,\n} from '../runtime/stage';"],
    ['filters/fim/index.ts', "import { stage } from '../field-masker/stage';"],
    ['envoy/xds/listener.ts', "import { routeKey } from '../route/index.ts';"],
    ['envoy/host/vm.ts', "import { MAX } from '../limits.ts';"],
    ['istio/operator/apply.ts', "import { render } from '../../envoy/xds/render.ts';"],
    ['scripts/fim.ts', "import { up } from '../envoy/standalone/up.ts';"],
    ['test/host/a.test.ts', "import { tidy } from '../../scripts/tidy.ts';"],
    ['envoy/host/vm.ts', "const text = 'import x from ../../istio/crd';"],
    ['envoy/host/vm.ts', "// import { crd } from '../../istio/crd.ts';"],
  ];
  for (const [file, statement] of allowed) {
    it(`${file}: ${statement.replaceAll('\n', ' ')}`, () => assert.deepEqual(importing(file, statement), []));
  }
});

describe('imports: what is caught', () => {
  const caught: [string, string, RegExp][] = [
    [
      'filters/memory/arena.ts',
      "import { log } from '../runtime/host';",
      /^filters\/memory\/arena\.ts:2 filters\/memory may not import filters\/runtime$/,
    ],
    [
      'filters/crypto/sm4.ts',
      "import { parse } from '../message/json/document';",
      /filters\/crypto may not import filters\/message/,
    ],
    [
      'filters/message/json/document.ts',
      "export * from '../../runtime/stage';",
      /filters\/message may not import filters\/runtime/,
    ],
    ['envoy/host/vm.ts', "import { load } from '../route/index.ts';", /envoy\/host may not import envoy\/route/],
    ['envoy/xds/listener.ts', "import { createVm } from '../host/index.ts';", /envoy\/xds may not import envoy\/host/],
    ['filters/field-masker/stage.ts', "import { a } from '../pboc-validator/stage';", /a stage imports another stage/],
    [
      'filters/runtime/stream.ts',
      "import { a } from '../rate-limiter/stage';",
      /filters\/runtime may not import filters\/rate-limiter/,
    ],
    ['filters/new-area/a.ts', "import { a } from '../memory/arena';", /filters\/new-area has no place/],
    [
      'filters/runtime/host.ts',
      "import { proxy_log } from '@solo-io/proxy-runtime/assembly/imports';",
      /only by filters\/runtime\/abi\.ts/,
    ],
    ['filters/keys/cache.ts', "import { x } from 'long';", /long may not be imported here/],
    ['filters/keys/cache.ts', "import { x } from '../../envoy/limits.ts';", /filters\/ may not import envoy\//],
    ['envoy/xds/render.ts', "import type { Crd } from '../../istio/crd.ts';", /envoy\/ may not import istio\//],
    ['envoy/xds/render.ts', "const crd = await import('../../istio/crd.ts');", /envoy\/ may not import istio\//],
    ['envoy/xds/render.ts', "import '../../filters/limits.ts';", /envoy\/ may not import filters\//],
    ['envoy/host/vm.ts', "import { probe } from '../../test/host/probe.ts';", /envoy\/ may not import test\//],
    ['scripts/build.ts', "import { probe } from '../../elsewhere.ts';", /outside the repository/],
  ];
  for (const [file, statement, expected] of caught) {
    it(`${file}: ${statement}`, () => {
      const findings = importing(file, statement);
      assert.equal(findings.length, 1, findings.join('\n'));
      assert.match(findings[0] ?? '', expected);
    });
  }
});
