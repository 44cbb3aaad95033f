// The generated decoders are strict: one mistake in a plugin configuration, its code, its place.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { before, describe, it } from 'node:test';
import { dryRun, loadModule, type LoadedModule } from '../../envoy/host/index.ts';
import { buildModules } from '../../scripts/build.ts';

interface Route {
  [name: string]: unknown;
  match: Record<string, unknown>;
  body: Record<string, unknown>;
  stages: Record<string, Record<string, unknown>>;
}
interface Config {
  [name: string]: unknown;
  routes: [Route];
}

function config(): Config {
  return {
    version: '1.0',
    generation: 3,
    hash: '0'.repeat(64),
    kms: { cluster: 'fim-kms' },
    routes: [
      {
        name: 'default/a',
        observe: false,
        match: {
          hosts: ['a.cn'],
          methods: ['POST'],
          path: { type: 'Exact', value: '/a' },
          headers: [{ name: 'x', type: 'Present' }],
        },
        body: { maxBytes: 1024, compressed: 'Refuse' },
        stages: {
          rateLimiter: {
            id: 'default/a/0',
            requests: 5,
            periodMs: 1000,
            burst: 7,
            key: { source: 'Header', header: 'x-id' },
          },
          pbocValidator: {
            rules: [
              { path: '$.a', type: 'any' },
              { path: '$.b', enum: ['x'] },
            ],
          },
          fieldMasker: { fields: [{ name: 'a', kind: 'Phone' }], detect: [{ kind: 'IdCard' }] },
          sm4Encryptor: { keyId: 'kms://a/b', request: 'Encrypt', response: 'None' },
        },
      },
    ],
  };
}

type Case = [
  what: string,
  edit: (config: Config, route: Route, stages: Route['stages']) => void,
  code: string,
  path: string,
];

const CASES: Case[] = [
  [
    'an unknown member',
    (c) => {
      c.extra = 1;
    },
    'FIM-CFG-0010',
    '/extra',
  ],
  [
    'an unknown member of a route',
    (_, r) => {
      r.stage = {};
    },
    'FIM-CFG-0010',
    '/routes/0/stage',
  ],
  [
    'an unknown member of a stage',
    (_, __, s) => {
      s.pbocValidator = { rules: [{ path: '$.a' }, { path: '$.b', patern: '' }] };
    },
    'FIM-CFG-0010',
    '/routes/0/stages/pbocValidator/rules/1/patern',
  ],
  [
    'a stage that is not there',
    (_, r) => {
      r.stages.signer = {};
    },
    'FIM-CFG-0010',
    '/routes/0/stages/signer',
  ],
  [
    'a text for a number',
    (c) => {
      c.generation = '3';
    },
    'FIM-CFG-0011',
    '/generation',
  ],
  [
    'a number for a text',
    (_, r) => {
      r.name = 5;
    },
    'FIM-CFG-0011',
    '/routes/0/name',
  ],
  [
    'a number for a boolean',
    (_, r) => {
      r.observe = 0;
    },
    'FIM-CFG-0011',
    '/routes/0/observe',
  ],
  [
    'an object for a list',
    (_, r) => {
      r.match.hosts = {};
    },
    'FIM-CFG-0011',
    '/routes/0/match/hosts',
  ],
  [
    'a list for an object',
    (_, r) => {
      r.match.path = [];
    },
    'FIM-CFG-0011',
    '/routes/0/match/path',
  ],
  [
    'null for an object',
    (c) => {
      c.kms = null;
    },
    'FIM-CFG-0011',
    '/kms',
  ],
  [
    'a fraction',
    (_, r) => {
      r.body.maxBytes = 1.5;
    },
    'FIM-CFG-0011',
    '/routes/0/body/maxBytes',
  ],
  [
    'a missing member',
    (_, r) => {
      delete r.name;
    },
    'FIM-CFG-0012',
    '/routes/0/name',
  ],
  [
    'a missing member of a list item',
    (_, __, s) => {
      s.pbocValidator = { rules: [{ path: '$.a' }, {}] };
    },
    'FIM-CFG-0012',
    '/routes/0/stages/pbocValidator/rules/1/path',
  ],
  [
    'too small a number',
    (_, r) => {
      r.body.maxBytes = 0;
    },
    'FIM-CFG-0013',
    '/routes/0/body/maxBytes',
  ],
  [
    'too great a number',
    (_, r) => {
      r.body.maxBytes = 16_777_217;
    },
    'FIM-CFG-0013',
    '/routes/0/body/maxBytes',
  ],
  [
    'a number beyond all bounds',
    (_, __, s) => {
      Object.assign(s.rateLimiter ?? {}, { burst: 1e20 });
    },
    'FIM-CFG-0013',
    '/routes/0/stages/rateLimiter/burst',
  ],
  [
    'too long a text',
    (_, r) => {
      r.match.path = { value: `/${'a'.repeat(1024)}` };
    },
    'FIM-CFG-0014',
    '/routes/0/match/path/value',
  ],
  [
    'too long a text in bytes',
    (_, __, s) => {
      Object.assign(s.sm4Encryptor ?? {}, { context: '中'.repeat(86) });
    },
    'FIM-CFG-0014',
    '/routes/0/stages/sm4Encryptor/context',
  ],
  [
    'too many items',
    (_, r) => {
      r.match.hosts = Array.from({ length: 17 }, (_item, index) => `h${index}.cn`);
    },
    'FIM-CFG-0014',
    '/routes/0/match/hosts',
  ],
  [
    'a value that is not listed',
    (_, r) => {
      r.body.compressed = 'Ignore';
    },
    'FIM-CFG-0015',
    '/routes/0/body/compressed',
  ],
  [
    'a value of another case',
    (_, __, s) => {
      Object.assign(s.sm4Encryptor ?? {}, { request: 'encrypt' });
    },
    'FIM-CFG-0015',
    '/routes/0/stages/sm4Encryptor/request',
  ],
  [
    'another major version',
    (c) => {
      c.version = '2.0';
    },
    'FIM-CFG-0002',
    '',
  ],
  [
    'a key without settings of the KMS',
    (c) => {
      delete c.kms;
    },
    'FIM-CFG-0018',
    '/routes/0/stages/sm4Encryptor',
  ],
];

describe('plugin configuration', () => {
  let module: LoadedModule;

  before(async () => {
    const [built] = await buildModules(['fim']);
    module = loadModule(readFileSync((built as { path: string }).path));
  });

  const verdict = (json: string): unknown => dryRun(module, json).errors.map(({ code, path }) => ({ code, path }));

  it('without a mistake is accepted', () => assert.deepEqual(verdict(JSON.stringify(config())), []));
  it('with members in escapes is the same', () =>
    assert.deepEqual(verdict(JSON.stringify(config()).replace('"observe"', '"\\u006fbserve"')), []));
  it('of a newer minor version is accepted', () =>
    assert.deepEqual(verdict(JSON.stringify({ ...config(), version: '1.9' })), []));

  for (const [what, edit, code, path] of CASES) {
    it(`with ${what} is refused`, () => {
      const edited = config();
      edit(edited, edited.routes[0], edited.routes[0].stages);
      const json = JSON.stringify(edited);
      assert.deepEqual(verdict(json), [{ code, path }]);
    });
  }

  it('that is no JSON is refused', () => {
    for (const json of ['', '{', '[]]', '{"version":"1.0","version":"1.0","routes":[]}'])
      assert.deepEqual(verdict(json), [{ code: 'FIM-CFG-0001', path: '' }], json);
    assert.deepEqual(verdict('[]'), [{ code: 'FIM-CFG-0011', path: '' }]);
  });
});
