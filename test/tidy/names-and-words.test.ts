import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { names } from '../../scripts/tidy/names.ts';
import { words } from '../../scripts/tidy/words.ts';
import { tidyOf } from './project-of.ts';

describe('names', () => {
  it('lets kebab-case and the usual capitals pass', () => {
    const good = [
      'README.md',
      'LICENSE',
      '.ci/run',
      '.npmrc',
      'package-lock.json',
      'filters/rate-limiter/config.gen.ts',
      'envoy/route/profiles/3.0.2.json',
      'test/unit/sm4.spec.ts',
    ];
    assert.deepEqual(tidyOf(names, Object.fromEntries(good.map((file) => [file, '']))), []);
  });

  for (const [file, expected] of [
    ['envoy/routeIndex.ts', '"routeIndex.ts" is not kebab-case'],
    ['envoy/Route.ts', '"Route.ts" is not kebab-case'],
    ['envoy/route_index.ts', '"route_index.ts" is not kebab-case'],
    ['envoy/My Folder/a.ts', '"My Folder" is not kebab-case'],
    ['envoy/utils.ts', '"utils" in a name says nothing: name what is inside'],
    ['envoy/xds/string-utils.ts', '"utils" in a name says nothing: name what is inside'],
    ['test/helpers/a.ts', '"helpers" in a name says nothing: name what is inside'],
    ['filters/common/a.ts', '"common" in a name says nothing: name what is inside'],
    ['filters/misc.ts', '"misc" in a name says nothing: name what is inside'],
  ] as const) {
    it(`catches ${file}`, () => assert.deepEqual(tidyOf(names, { [file]: '' }), [`${file}:0 ${expected}`]));
  }
});

describe('words', () => {
  it('lets ordinary text pass', () => {
    const text =
      'Envoy 1.40 (envoyproxy/envoy#46893) answers; key kms://prod/fund/key-2023#3; apt-get install docker.io; an issue of keys; vector #7; a TLS session.\n';
    assert.deepEqual(tidyOf(words, { 'docs/a.md': text, 'package-lock.json': `https://registry.${'npmjs'}.org/` }), []);
  });

  // Put together here so that this file passes its own check.
  const caught = [
    ['TO', 'DO', ': later'],
    ['FIX', 'ME'],
    ['https://registry.', 'npmjs.org/'],
    ['https://py', 'pi.org/simple'],
    ['GOPROXY=https://proxy.', 'golang.org'],
    ['https://repo1.', 'maven.org/'],
    ['gh', 'cr.io/a/b'],
    ['written in a helper', ' session'],
    ['fixes ', '#12'],
    ['see iss', 'ue 3'],
    ['/wo', 'rk/main/a.ts'],
  ].map((parts) => parts.join(''));
  for (const text of caught) {
    it(`catches ${JSON.stringify(text)}`, () => {
      const findings = tidyOf(words, { 'envoy/a.ts': `let a = 1;\n// ${text}\n` });
      assert.equal(findings.length, 1, findings.join('\n'));
      assert.match(findings[0] ?? '', /^envoy\/a\.ts:2 /);
    });
  }
});
