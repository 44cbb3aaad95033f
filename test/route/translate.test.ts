import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { describe, it } from 'node:test';
import { MAX_PLUGIN_ROUTES } from '../../envoy/limits.ts';
import { CHAIN, checkRoutes, parseRoutes } from '../../envoy/route/index.ts';
import { LIMIT, order, resource, translated } from './sample.ts';

const KEY = 'keyId: kms://prod/fund/key-2023';

describe('stages', () => {
  it('of the short form are those of the section', () => {
    const pairs = [
      ['rate-limiter.wasm', 'rateLimit', '{requests: 5, period: 1m30s, burst: 7, key: {header: X-Id}}'],
      ['pboc-validator.wasm', 'validation', '{pboc: "3.0.2", fields: [{name: a b, enum: [x], check: Numeric}]}'],
      [
        'field-masker.wasm',
        'masking',
        '{fields: [{name: a, kind: Phone, direction: Both}], detect: [{kind: IdCard, keepLast: 1}]}',
      ],
      ['sm4-encryptor.wasm', 'encryption', `{${KEY}, request: Decrypt, response: Encrypt, context: c}`],
    ];
    for (const [module, section, config] of pairs) {
      const short = translated([resource('r', `{wasm: {module: ${module}, config: ${config}}}`)]);
      const long = translated([resource('r', `{${section}: ${config}}`)]);
      assert.equal(short.hash, long.hash, module);
    }
  });

  it('of a limit', () => {
    const limiter = (spec: string): unknown =>
      translated([resource('ns/r', `{rateLimit: ${spec}}`)]).config.routes[0]?.stages.rateLimiter;
    assert.deepEqual(limiter('{requests: 5, period: 1h1m1s1ms, burst: 7, key: {header: X-Id}}'), {
      id: 'ns/r/0',
      requests: 5,
      periodMs: 3_661_001,
      burst: 7,
      key: { source: 'Header', header: 'x-id' },
      status: 429,
    });
    assert.deepEqual(limiter('{requests: 5, period: 1s, key: {sourceAddress: true}}'), {
      id: 'ns/r/0',
      requests: 5,
      periodMs: 1000,
      key: { source: 'SourceAddress' },
      status: 429,
    });
    assert.deepEqual(limiter('{requests: 5, period: 1s}'), { id: 'ns/r/0', requests: 5, periodMs: 1000, status: 429 });
    assert.deepEqual(limiter('{requests: 5, period: 1s, headers: Always}'), {
      id: 'ns/r/0',
      requests: 5,
      periodMs: 1000,
      status: 429,
      headers: 'Always',
    });
    assert.deepEqual(limiter('{requests: 5, period: 1s, headers: OnRefusal}'), {
      id: 'ns/r/0',
      requests: 5,
      periodMs: 1000,
      status: 429,
    });
  });

  it('of masking act in the directions that are asked for', () => {
    const masker = (spec: string): unknown => {
      const { request, response, fields, detect } =
        translated([resource('r', `{masking: ${spec}}`)]).config.routes[0]?.stages.fieldMasker ?? {};
      return [
        request,
        response,
        ...(fields ?? []).map((field) => [field.request, field.response]),
        ...(detect ?? []).map((item) => [item.kind, item.request, item.response]),
      ];
    };
    assert.deepEqual(masker('{fields: [{name: a}]}'), [false, true, [false, true]]);
    assert.deepEqual(masker('{fields: [{name: a, direction: Request}]}'), [true, false, [true, false]]);
    assert.deepEqual(masker('{fields: [{name: a, direction: Both}, {name: b}]}'), [
      true,
      true,
      [true, true],
      [false, true],
    ]);
    assert.deepEqual(masker('{fields: [{name: a, direction: Request}], detect: [{kind: IdCard}]}'), [
      true,
      true,
      [true, false],
      ['IdCard', false, true],
    ]);
  });

  it('of a field by name look at the top level', () => {
    const rules = translated([
      resource(
        'r',
        `{validation: {fields: [{name: transCode}, {name: "odd name", required: false}, {path: "$.a[*].b", type: any}]}}`,
      ),
    ]).config.routes[0]?.stages.pbocValidator?.rules;
    assert.deepEqual(
      rules?.map((rule) => [rule.path, rule.required, rule.type]),
      [
        ['$.transCode', true, 'string'],
        ["$['odd name']", false, 'string'],
        ['$.a[*].b', true, 'any'],
      ],
    );
  });
});

describe('layouts', () => {
  it('chain: one configuration for each module, every route in each', () => {
    const { pluginConfigs } = translated(
      [
        resource('a', `{match: {path: {value: /a}}, ${LIMIT}}`),
        resource('b', `{encryption: {${KEY}, request: Encrypt}}`),
      ],
      { layout: 'chain' },
    );
    assert.deepEqual(
      pluginConfigs.map(({ module, config }) => [
        module,
        config.kms !== undefined,
        config.routes.map((route) => [route.name, ...Object.keys(route.stages)]),
      ]),
      CHAIN.map(({ folder }) => {
        const a = folder === 'rate-limiter' ? ['rateLimiter'] : [];
        const b = folder === 'sm4-encryptor' ? ['sm4Encryptor'] : [];
        return [
          `${folder}.wasm`,
          b.length > 0,
          [
            ['default/a', ...a],
            ['default/b', ...b],
          ],
        ];
      }),
    );
  });

  it('chain: refuses what would run in a wrong order, and leaves the rest', () => {
    const validate = 'validation: {pboc: "3.0.2", response: true}';
    const mask = 'masking: {detect: [{kind: IdCard}]}';
    const refused = [
      `{${mask}, encryption: {${KEY}, response: Encrypt}}`,
      `{${validate}, encryption: {${KEY}, response: Encrypt}}`,
      `{${validate}, ${mask}}`,
      `{validation: {pboc: "3.0.2"}, encryption: {${KEY}, request: Decrypt}}`,
      `{masking: {fields: [{name: a, direction: Request}]}, encryption: {${KEY}, request: Decrypt}}`,
    ];
    for (const spec of refused) {
      const { errors, routes } = translated(
        [resource('a', spec), resource('b', `{match: {path: {value: /b}}, ${LIMIT}}`)],
        { layout: 'chain' },
      );
      assert.deepEqual(
        errors.map((error) => error.code),
        ['FIM-CFG-1052'],
        spec,
      );
      assert.deepEqual(
        routes.map((route) => route.config.name),
        ['default/b'],
      );
      assert.deepEqual(translated([resource('a', spec)]).errors, [], 'the fused layout takes it');
    }
    const taken = [
      `{${validate}, encryption: {${KEY}, response: Decrypt}}`,
      `{${mask}, encryption: {${KEY}, response: Decrypt}}`,
      `{encryption: {${KEY}, request: Decrypt, response: Encrypt}}`,
      `{validation: {pboc: "3.0.2"}, masking: {fields: [{name: a, direction: Both}]}, encryption: {${KEY}, request: Encrypt}}`,
    ];
    for (const spec of taken) assert.deepEqual(translated([resource('a', spec)], { layout: 'chain' }).errors, [], spec);
  });
});

describe('output', () => {
  const a = resource('a', `{match: {hosts: [x.cn, a.cn], methods: [PUT, GET]}, ${LIMIT}}`);
  const b = resource('b', `{encryption: {${KEY}, request: Encrypt}}`);

  it('is the same bytes for the same resources, in any order', () => {
    assert.equal(translated([a, b]).pluginConfigs[0]?.json, translated([b, a]).pluginConfigs[0]?.json);
    const turned = resource('a', `{${LIMIT}, match: {methods: [GET, PUT], hosts: [a.cn, x.cn]}}`);
    assert.equal(translated([turned, b]).hash, translated([a, b]).hash);
  });

  it('is named by a hash of all but generation and hash', () => {
    const first = translated([a, b], { generation: 7 });
    const second = translated([a, b], { generation: 8 });
    assert.equal(first.hash, second.hash);
    assert.deepEqual([first.config.generation, second.config.generation], [7, 8]);
    const { generation: _generation, hash: _hash, ...rest } = JSON.parse(first.pluginConfigs[0]?.json ?? '');
    assert.equal(createHash('sha256').update(JSON.stringify(rest)).digest('hex'), first.hash);
    assert.notEqual(translated([a]).hash, first.hash);
    assert.notEqual(translated([a, b], { kms: { cluster: 'other' } }).hash, first.hash);
  });

  it('has the settings of the KMS only where keys are used', () => {
    assert.equal(translated([a]).config.kms, undefined);
    assert.deepEqual(translated([b], { kms: { cluster: 'k', timeoutMs: 5 } }).config.kms, {
      cluster: 'k',
      timeoutMs: 5,
    });
  });

  it('keeps to the bound on routes: the oldest serve, the others are told', () => {
    const many = Array.from({ length: MAX_PLUGIN_ROUTES + 2 }, (_, index) =>
      resource(`r${String(index).padStart(4, '0')}`, `{match: {path: {value: /p${index}}}, ${LIMIT}}`),
    );
    const { routes, errors, conditions } = translated(many.toReversed());
    assert.equal(routes.length, MAX_PLUGIN_ROUTES);
    assert.deepEqual(
      errors.map((error) => [error.code, error.resource]),
      [
        ['FIM-CFG-1002', 'default/r1000'],
        ['FIM-CFG-1002', 'default/r1001'],
      ],
    );
    assert.equal(conditions['default/r1001']?.[0]?.reason, 'Invalid');
  });
});

describe('locate', () => {
  const text = `apiVersion: fim.financial/v1
kind: FinancialRoute
metadata: {name: a}
spec:
  match:
    path: {type: Pattern, value: "["}
  validation:
    fields:
      - name: x
      - name: y
        pattern: "^a"
  wasm:
    module: sm4-encryptor.wasm
    config:
      keyId: kms://a/b
`.replace('"["', '"^/"');
  const translation = translated([
    ...parseRoutes(text, 'a.yaml').resources,
    resource('b', `{match: {path: {type: Exact, value: /}}, ${LIMIT}}`),
  ]);
  const cases: [string, string, number][] = [
    ['/routes/1/match/path/value', '$.spec.match.path.value', 6],
    ['/routes/1/stages/pbocValidator/rules/1/pattern', '$.spec.validation.fields[1].pattern', 11],
    ['/routes/1/stages/pbocValidator/rules/1/path', '$.spec.validation.fields[1].name', 10],
    ['/routes/1/stages/pbocValidator/rules/0', '$.spec.validation.fields[0]', 9],
    ['/routes/1/stages/sm4Encryptor/keyId', '$.spec.wasm.config.keyId', 15],
    ['/routes/1/stages/sm4Encryptor', '$.spec.wasm.config', 14],
    ['/routes/1/name', '$.metadata.name', 3],
    ['/routes/1', '$.spec', 4],
  ];
  for (const [pointer, path, line] of cases) {
    it(`${pointer} is ${path}`, () => {
      const issue = translation.locate('FIM-CFG-0022', pointer);
      assert.deepEqual(
        [issue.code, issue.file, issue.path, issue.line, issue.resource],
        ['FIM-CFG-0022', 'a.yaml', path, line, 'default/a'],
      );
    });
  }

  it('says so where no resource is to blame', () => {
    assert.deepEqual(translation.locate('FIM-CFG-0002', '/version'), {
      code: 'FIM-CFG-0002',
      path: '$',
      message: 'Plugin configuration has an unsupported major version (plugin configuration /version)',
      file: '',
    });
    assert.equal(translation.locate('no code', '').code, 'FIM-CFG-0019');
  });
});

describe('standalone mode', () => {
  it('says that targets are not looked at', () => {
    const routes = [
      resource('a', `{selector: {matchLabels: {app: x}}, ${LIMIT}}`),
      resource('b', `{match: {path: {value: /b}}, targetRefs: [{group: "", kind: Service, name: s}], ${LIMIT}}`),
    ];
    assert.deepEqual(
      translated(routes, { standalone: true }).warnings.map((warning) => [
        warning.code,
        warning.path,
        warning.resource,
      ]),
      [
        ['FIM-CFG-1063', '$.spec.selector', 'default/a'],
        ['FIM-CFG-1063', '$.spec.targetRefs', 'default/b'],
      ],
    );
    assert.deepEqual(translated(routes).warnings, []);
  });
});

describe('conditions', () => {
  it('of national TLS can be accepted by an annotation', () => {
    const route = {
      apiVersion: 'fim.financial/v1',
      kind: 'FinancialRoute',
      metadata: { name: 'a', generation: 3, annotations: { 'fim.financial/accept-missing-tlcp': 'true' } },
      spec: { tls: { cipherSuites: ['ECDHE-SM4-SM3'] } },
    };
    const { resources } = checkRoutes([route]);
    const translation = translated(resources);
    const programmed = translation.conditions['default/a']?.find((condition) => condition.type === 'Programmed');
    assert.deepEqual([programmed?.status, programmed?.observedGeneration], ['Unknown', 3]);
    assert.equal(translation.routes[0]?.loopbackOnly, true, 'standalone mode stays on loopback all the same');
  });

  it('of Observe: verdicts only', () => {
    const translation = translated([
      resource('a', `{enforcement: Observe, encryption: {${KEY}, request: Encrypt}, validation: {pboc: "3.0.2"}}`),
    ]);
    assert.equal(translation.config.routes[0]?.observe, true);
    assert.deepEqual(
      translation.warnings.map((warning) => [warning.code, warning.path]),
      [['FIM-CFG-1061', '$.spec.enforcement']],
    );
    assert.equal(translation.config.routes[0]?.stages.sm4Encryptor?.request, 'Encrypt');
    assert.equal(order(translation)[0], 'a');
  });
});
