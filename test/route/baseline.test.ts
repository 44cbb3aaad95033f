// Baselines merged into routes: what they say holds, whatever a route says, in whatever order they come.
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import {
  baselineRoute,
  canonicalJson,
  checkRoutes,
  inheritedOf,
  parseRoutes,
  reaches,
  routesOfFiles,
  routesOfNamespaces,
  translate,
  type BaselineResource,
  type LoadResult,
  type RouteResource,
} from '../../envoy/route/index.ts';
import { Random } from '../fuzz/guest.ts';

/** A baseline by its spec in flow style; an age stands after `@`. */
function baselineText(name: string, spec: string): string {
  const [own = '', created] = name.split('@');
  const stamp = created === undefined ? '' : `, creationTimestamp: "${created}"`;
  return `apiVersion: fim.financial/v1\nkind: FinancialBaseline\nmetadata: {name: ${own}${stamp}}\nspec: ${spec}\n`;
}

function routeText(name: string, spec: string): string {
  const [namespace, own] = name.includes('/') ? name.split('/') : ['default', name];
  return `apiVersion: fim.financial/v1\nkind: FinancialRoute\nmetadata: {name: ${own}, namespace: ${namespace}}\nspec: ${spec}\n`;
}

function load(...texts: string[]): LoadResult {
  return parseRoutes(texts.join('---\n'), 'files.yaml');
}

/** The one route of the texts, merged; fails on errors. */
function merged(...texts: string[]): RouteResource {
  const { resources, errors } = load(...texts);
  assert.deepEqual(errors, []);
  assert.equal(resources.length, 1);
  return resources[0]!;
}

const OLD = '2026-01-01T00:00:00Z';
const NEW = '2026-02-01T00:00:00Z';
const BANK_LIMIT = 'rateLimit: {requests: 100, period: 1s}';
const OWN_LIMIT = 'rateLimit: {requests: 9, period: 1m}';
const BANK_RULE = 'validation: {fields: [{name: transCode, pattern: "^01"}]}';
const OWN_RULE = 'validation: {fields: [{name: anything, required: false}]}';
const BANK_MASK = 'masking: {detect: [{kind: IdCard}]}';

describe('a baseline', () => {
  it('takes a section from the oldest override, then from the route, then from the oldest default', () => {
    const route = routeText('a', `{${OWN_LIMIT}}`);
    const limit = (...texts: string[]): unknown => merged(...texts, route).sections.rateLimit?.value.requests;
    const by = (name: string, part: string, requests: number): string =>
      baselineText(name, `{${part}: {rateLimit: {requests: ${requests}, period: 1s}}}`);
    assert.equal(limit(), 9);
    assert.equal(limit(by('d', 'defaults', 1)), 9);
    assert.equal(limit(by('d', 'defaults', 1), by('o', 'overrides', 2)), 2);
    assert.equal(limit(by(`young@${NEW}`, 'overrides', 3), by(`old@${OLD}`, 'overrides', 4)), 4);
    assert.equal(limit(by('b', 'overrides', 5), by('a', 'overrides', 6)), 6, 'of the same age, by name');
    const bare = routeText('a', `{${BANK_RULE}}`);
    const preset = merged(by(`young@${NEW}`, 'defaults', 3), by(`old@${OLD}`, 'defaults', 4), bare);
    assert.equal(preset.sections.rateLimit?.value.requests, 4);
    assert.deepEqual(inheritedOf(preset), [
      { section: 'rateLimit', baseline: 'old', part: 'defaults', replaces: false },
    ]);
  });

  it('never mixes a section from two hands', () => {
    const { sections } = merged(
      baselineText('bank', '{overrides: {masking: {fields: [{name: idCard, kind: IdCard}]}}}'),
      routeText('a', '{masking: {fields: [{name: phone, kind: Phone}], detect: [{kind: BankCard}]}}'),
    );
    assert.deepEqual(sections.masking?.value, {
      fields: [{ name: 'idCard', kind: 'IdCard', method: 'ByKind', char: '*' }],
      inventory: false,
      stream: false,
    });
  });

  it('takes the short form for the section that it stands for', () => {
    const short = (module: string, config: string): string =>
      routeText('a', `{wasm: {module: ${module}, config: ${config}}}`);
    const over = merged(
      baselineText('bank', `{overrides: {${BANK_LIMIT}}}`),
      short('rate-limiter.wasm', '{requests: 1, period: 1s}'),
    );
    assert.equal(over.sections.rateLimit?.value.requests, 100);
    assert.equal(over.spec.wasm, undefined);
    assert.equal(inheritedOf(over)[0]?.replaces, true);
    const under = merged(
      baselineText('bank', `{defaults: {${BANK_LIMIT}}}`),
      short('rate-limiter.wasm', '{requests: 1, period: 1s}'),
    );
    assert.equal(under.sections.rateLimit?.value.requests, 1);
    assert.deepEqual(inheritedOf(under), []);
    const beside = merged(
      baselineText('bank', `{overrides: {${BANK_LIMIT}}}`),
      short('field-masker.wasm', '{detect: [{kind: IdCard}]}'),
    );
    assert.equal(beside.spec.wasm?.module, 'field-masker.wasm', 'another section than that of the override stays');
  });

  it('enforces its own sections although the route observes, and leaves the route the rest', () => {
    const text = routeText('a', `{enforcement: Observe, ${OWN_LIMIT}}`);
    const { config } = translate([merged(baselineText('bank', `{overrides: {${BANK_RULE}}}`), text)], {
      layout: 'fused',
    });
    assert.deepEqual([config.routes[0]?.observe, config.routes[0]?.enforced], [true, ['pbocValidator']]);
    const strict = merged(baselineText('bank', `{overrides: {enforcement: Enforce}}`), text);
    assert.equal(strict.spec.enforcement, 'Enforce');
    assert.deepEqual(
      inheritedOf(strict).map(({ section, replaces }) => [section, replaces]),
      [['enforcement', true]],
    );
  });

  it('may try its sections out, which turns off nothing of the route', () => {
    const tried = baselineText('bank', `{overrides: {enforcement: Observe, ${BANK_RULE}}}`);
    const { config } = translate([merged(tried, routeText('a', `{${OWN_LIMIT}}`))], { layout: 'fused' });
    assert.deepEqual([config.routes[0]?.observe, config.routes[0]?.enforced], [true, ['rateLimiter']]);
    const alone = translate([merged(tried, routeText('a', `{${OWN_RULE}}`))], { layout: 'fused' });
    assert.deepEqual([alone.config.routes[0]?.observe, alone.config.routes[0]?.enforced], [true, undefined]);
  });

  it('decides how its sections read bodies', () => {
    const bank = baselineText('bank', `{overrides: {${BANK_RULE}, body: {maxBytes: 4096}}}`);
    assert.equal(merged(bank, routeText('a', '{body: {maxBytes: 16777216}}')).spec.body?.maxBytes, 4096);
    const without = baselineText('bank', `{overrides: {${BANK_RULE}}}`);
    assert.equal(merged(without, routeText('a', '{body: {maxBytes: 16777216}}')).spec.body, undefined);
    const { resources, errors } = load(without, routeText('a', `{body: {format: XML}, ${OWN_RULE}}`));
    assert.deepEqual(resources, []);
    assert.deepEqual(
      errors.map(({ code, path, line, resource }) => [code, path, line, resource]),
      [['FIM-CFG-1083', '$.spec.body.format', 9, 'default/a']],
    );
    const limit = baselineText('bank', `{overrides: {${BANK_LIMIT}}}`);
    assert.equal(merged(limit, routeText('a', '{body: {format: XML}}')).spec.body?.format, 'XML', 'a limit reads none');
  });

  it('gives a default that reads bodies to routes of its format only', () => {
    const bank = baselineText('bank', `{defaults: {${BANK_MASK}}}`);
    assert.ok(merged(bank, routeText('a', '{}')).sections.masking);
    assert.ok(merged(bank, routeText('a', '{body: {maxBytes: 5}}')).sections.masking);
    assert.equal(merged(bank, routeText('a', `{body: {format: XML}, ${OWN_LIMIT}}`)).sections.masking, undefined);
  });

  it('is no mistake over requests without a body', () => {
    const bank = baselineText('bank', `{overrides: {${BANK_RULE}}}`);
    assert.ok(merged(bank, routeText('a', `{match: {methods: [GET]}, ${OWN_LIMIT}}`)).sections.validation);
  });

  it('asks for national TLS whatever the annotation of the route says', () => {
    const bank = baselineText('bank', '{overrides: {tls: {cipherSuites: [ECDHE-SM4-SM3]}}}');
    const route = routeText('a', `{${OWN_LIMIT}}`).replace(
      'metadata: {',
      'metadata: {annotations: {fim.financial/accept-missing-tlcp: "true"}, ',
    );
    const { conditions } = translate([merged(bank, route)], { layout: 'fused' });
    const programmed = conditions['default/a']?.find(({ type }) => type === 'Programmed');
    assert.equal(programmed?.reason, 'TlcpNotTerminated');
  });

  it('resolves profiles among those that FIM brings, not among those of tenants', () => {
    const { errors } = load(baselineText('bank', '{overrides: {validation: {profile: house}}}'));
    assert.deepEqual(
      errors.map(({ code, path }) => [code, path]),
      [['FIM-CFG-1082', '$.spec.overrides.validation.profile']],
    );
    const shadow =
      'apiVersion: fim.financial/v1\nkind: ValidationProfile\nmetadata: {name: cnaps2-hvps}\nspec: {fields: [{path: $.x}]}\n';
    const { resources } = load(
      baselineText('bank', '{overrides: {body: {format: CNAPS2}, validation: {profile: cnaps2-hvps}}}'),
      shadow,
      routeText('a', '{}'),
    );
    assert.ok(resources[0]!.profiles[0]!.fields.length > 10, 'the one of that name in the namespace is not it');
  });

  it('has one limit for all routes of a namespace', () => {
    const { resources } = load(
      baselineText('bank', `{overrides: {${BANK_LIMIT}}}`),
      routeText('a', '{match: {path: {value: /a}}}'),
      routeText('b', `{match: {path: {value: /b}}, ${OWN_LIMIT}}`),
      routeText('other/c', '{match: {path: {value: /c}}}'),
    );
    const ids = translate(resources, { layout: 'fused' }).config.routes.map(({ stages }) => stages.rateLimiter?.id);
    assert.deepEqual(ids.sort(), ['default/~bank/0', 'default/~bank/0', 'other/~bank/0']);
  });

  it('tells mistakes at the line of whoever made them', () => {
    const { errors } = load(
      baselineText('bank', '{overrides: {validation: {mode: Stream, fields: [{name: a}]}}}'),
      routeText('a', `{${BANK_MASK}}`),
    );
    assert.deepEqual(
      errors.map(({ code, path, line, resource, baseline }) => [code, path, line, resource, baseline]),
      [['FIM-CFG-1066', '$.spec.overrides.validation.mode', 4, 'default/a', 'bank']],
    );
    const { resources } = load(baselineText('bank', `{overrides: {${BANK_RULE}}}`), routeText('a', '{}'));
    const { locate } = translate(resources, { layout: 'fused' });
    const issue = locate('FIM-CFG-0024', '/routes/0/stages/pbocValidator/rules/0/pattern');
    assert.deepEqual(
      [issue.path, issue.line, issue.resource, issue.baseline],
      ['$.spec.overrides.validation.fields[0].pattern', 4, 'default/a', 'bank'],
    );
  });
});

describe('the selector of a baseline', () => {
  const of = (selector: string): BaselineResource => {
    const { baselines, errors } = load(baselineText('bank', `{namespaces: ${selector}, overrides: {${BANK_LIMIT}}}`));
    assert.deepEqual(errors, []);
    return baselines[0]!;
  };

  it('goes by labels as Kubernetes does', () => {
    const prod = { tier: 'prod' };
    assert.ok(reaches(of('{matchLabels: {tier: prod}}'), 'a', prod));
    assert.ok(!reaches(of('{matchLabels: {tier: prod}}'), 'a'));
    assert.ok(reaches(of('{matchExpressions: [{key: tier, operator: NotIn, values: [test]}]}'), 'a'));
    assert.ok(!reaches(of('{matchExpressions: [{key: tier, operator: NotIn, values: [prod]}]}'), 'a', prod));
    assert.ok(reaches(of('{matchExpressions: [{key: tier, operator: Exists}]}'), 'a', prod));
    assert.ok(!reaches(of('{matchExpressions: [{key: tier, operator: DoesNotExist}]}'), 'a', prod));
    assert.ok(reaches(of('{matchLabels: {kubernetes.io/metadata.name: fund}}'), 'fund'));
    assert.ok(!reaches(of('{matchLabels: {kubernetes.io/metadata.name: fund}}'), 'pay'));
    assert.ok(
      !reaches(of('{matchLabels: {kubernetes.io/metadata.name: fund}}'), 'pay', {
        'kubernetes.io/metadata.name': 'fund',
      }),
      'a namespace cannot take the name of another',
    );
  });

  it('takes all namespaces of files where it asks for more than their names, and says so', () => {
    const { resources, warnings } = load(
      baselineText('bank', `{namespaces: {matchLabels: {tier: prod}}, overrides: {${BANK_LIMIT}}}`),
      routeText('a', '{}'),
    );
    assert.ok(resources[0]!.sections.rateLimit);
    assert.deepEqual(
      warnings.map(({ code }) => code),
      ['FIM-CFG-1084'],
    );
  });

  it('leaves other namespaces alone', () => {
    const { resources } = load(
      baselineText(
        'bank',
        `{namespaces: {matchLabels: {kubernetes.io/metadata.name: fund}}, overrides: {${BANK_LIMIT}}}`,
      ),
      routeText('fund/a', '{}'),
      routeText('pay/b', '{}'),
    );
    assert.deepEqual(
      resources.map(({ key, sections }) => [key, sections.rateLimit !== undefined]),
      [
        ['fund/a', true],
        ['pay/b', false],
      ],
    );
  });
});

describe('requests without a route', () => {
  it('meet the overrides, and no defaults', () => {
    const loaded = load(
      baselineText('bank', `{overrides: {${BANK_LIMIT}}, defaults: {${BANK_MASK}}}`),
      routeText('a', `{match: {path: {value: /a}}, ${OWN_RULE}}`),
    );
    const errors: never[] = [];
    const { config } = translate(routesOfFiles(loaded, errors, []), { layout: 'fused' });
    assert.deepEqual(
      config.routes.map(({ name, match, stages }) => [name, match, Object.keys(stages).sort()]),
      [
        ['default/a', { path: { type: 'Prefix', value: '/a' } }, ['fieldMasker', 'pbocValidator', 'rateLimiter']],
        ['default/~baseline', undefined, ['rateLimiter']],
      ],
    );
  });

  it('are those that no route without a match has, however young it is', () => {
    const loaded = load(baselineText(`bank@${OLD}`, `{overrides: {${BANK_LIMIT}}}`), routeText('a', `{${OWN_RULE}}`));
    const { config, conflicts } = translate(routesOfFiles(loaded, [], []), { layout: 'fused' });
    assert.deepEqual(
      config.routes.map(({ name }) => name),
      ['default/a'],
    );
    assert.equal(config.routes[0]?.stages.rateLimiter?.requests, 100);
    assert.equal(conflicts.length, 1);
  });

  it('have one in each namespace of a mesh that the files know', () => {
    const names = '{matchExpressions: [{key: kubernetes.io/metadata.name, operator: In, values: [pay, fund]}]}';
    const loaded = load(
      baselineText('bank', `{namespaces: ${names}, overrides: {${BANK_LIMIT}}}`),
      routeText('fund/a', '{}'),
      routeText('other/b', '{}'),
    );
    assert.deepEqual(
      routesOfNamespaces(loaded, []).map(({ key }) => key),
      ['fund/~baseline', 'pay/~baseline'],
    );
  });

  it('have no route where nothing is overridden', () => {
    const { baselines } = load(
      baselineText('a', `{defaults: {${BANK_LIMIT}}}`),
      baselineText('b', '{overrides: {enforcement: Enforce}}'),
    );
    assert.equal(baselineRoute('default', baselines), undefined);
  });
});

describe('any baselines and any route', () => {
  const SECTIONS = {
    rateLimit: { requests: 7, period: '1s' },
    validation: { fields: [{ name: 'bank', pattern: '^0' }] },
    masking: { detect: [{ kind: 'IdCard' }] },
    encryption: { keyId: 'kms://bank/key', response: 'Encrypt' },
    signature: { keyId: 'kms://bank/mac', request: 'Verify' },
    tls: { cipherSuites: ['ECDHE-SM4-SM3'] },
  };
  const OWN = {
    rateLimit: { requests: 1, period: '1h', key: { sourceAddress: true } },
    validation: { fields: [{ name: 'own', required: false }] },
    masking: { fields: [{ name: 'own' }] },
    encryption: { keyId: 'kms://own/key', request: 'Decrypt' },
    signature: { keyId: 'kms://own/mac', request: 'Sign' },
    tls: { cipherSuites: ['ECDHE-SM4-SM3'], missing: 'Accept' },
  };
  const MODULES = {
    rateLimit: 'rate-limiter.wasm',
    validation: 'pboc-validator.wasm',
    masking: 'field-masker.wasm',
    encryption: 'sm4-encryptor.wasm',
  } as const;
  const MATCHES = [
    undefined,
    { path: { type: 'Exact', value: '/a' } },
    { hosts: ['a.bank.cn'], headers: [{ name: 'x', value: 'y' }] },
    { methods: ['GET'] },
    { path: { type: 'RegularExpression', value: '/[a-z]+' } },
  ];

  /** Some of the sections. */
  const some = <T extends object>(dice: Random, all: T): Partial<T> =>
    Object.fromEntries(Object.entries(all).filter(() => dice.below(2) === 0)) as Partial<T>;

  function anyRoute(dice: Random): object {
    const own: Record<string, unknown> = some(dice, OWN);
    const match = dice.pick(MATCHES);
    const name = dice.pick(Object.keys(MODULES) as (keyof typeof MODULES)[]);
    const short = own[name] === undefined && dice.below(2) === 0;
    return {
      apiVersion: 'fim.financial/v1',
      kind: 'FinancialRoute',
      metadata: { name: 'own', annotations: { 'fim.financial/accept-missing-tlcp': 'true' } },
      spec: {
        ...own,
        ...(short ? { wasm: { module: MODULES[name], config: OWN[name] } } : {}),
        ...(match === undefined ? {} : { match }),
        ...(dice.below(2) === 0 ? { enforcement: 'Observe' } : {}),
        ...(dice.below(3) === 0 ? { body: { maxBytes: 1 + dice.below(1_000_000), compressed: 'Decompress' } } : {}),
      },
    };
  }

  function anyBaseline(dice: Random, name: string): object {
    const overrides = some(dice, SECTIONS);
    const defaults = some(dice, SECTIONS);
    return {
      apiVersion: 'fim.financial/v1',
      kind: 'FinancialBaseline',
      metadata: { name, creationTimestamp: dice.pick([OLD, NEW]) },
      spec: {
        overrides: { masking: SECTIONS.masking, ...overrides },
        ...(Object.keys(defaults).length === 0 ? {} : { defaults }),
      },
    };
  }

  it('give what the overrides say, the same in any order', () => {
    let merges = 0;
    for (let seed = 1; seed <= 400; seed++) {
      const dice = new Random(seed);
      const baselines = ['a', 'b', 'c'].slice(0, 1 + dice.below(3)).map((name) => anyBaseline(dice, name));
      const route = anyRoute(dice);
      if (checkRoutes([route]).errors.length > 0) continue;
      const { resources, errors } = checkRoutes([...baselines, route]);
      const again = checkRoutes([route, ...baselines.toReversed()]);
      const text = (one: LoadResult): string => canonicalJson(translate(one.resources, { layout: 'fused' }).config);
      assert.equal(text({ resources, errors } as LoadResult), text(again), `seed ${seed}`);
      const [one] = resources;
      // A section of the route's own that does not go with those of the baseline is refused, never let through.
      if (one === undefined) {
        assert.ok(errors.length > 0, `seed ${seed}`);
        continue;
      }
      merges++;
      const over = new Set(
        baselines.flatMap((baseline) => Object.keys((baseline as { spec: { overrides: object } }).spec.overrides)),
      );
      const config = translate([one], { layout: 'fused' }).config.routes[0]!;
      for (const name of over) {
        const origin = one.origins?.get(name);
        assert.equal(origin?.part, 'overrides', `seed ${seed}: ${name}`);
        const value = one.spec[name as keyof typeof SECTIONS] as unknown as Record<string, unknown>;
        for (const [member, said] of Object.entries(SECTIONS[name as keyof typeof SECTIONS]))
          if (!Array.isArray(said) || name === 'tls') assert.deepEqual(value[member], said, `seed ${seed}: ${name}`);
        assert.notEqual((value as { missing?: string }).missing, 'Accept', `seed ${seed}`);
        const member = { validation: 'pbocValidator', rateLimit: 'rateLimiter' }[name];
        if (member !== undefined)
          assert.ok(
            config.observe !== true || config.enforced?.includes(member),
            `seed ${seed}: ${name} is enforced, whatever the route says`,
          );
      }
      assert.equal(one.spec.body, undefined, `seed ${seed}: bodies are read as the baseline says`);
    }
    assert.ok(merges > 100, `${merges} merges`);
  });
});
