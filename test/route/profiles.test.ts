// Profiles as resources: what they take over from one another, and mistakes at the user's line.
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { Ajv2020 } from 'ajv/dist/2020.js';
import { readFileSync } from 'node:fs';
import { broughtProfiles, loadRoutes, parseRoutes, translate } from '../../envoy/route/index.ts';
import type { PbocValidatorConfig } from '../../envoy/route/index.ts';

const HEAD = 'apiVersion: fim.financial/v1\nkind: ';
const profile = (name: string, spec: string): string =>
  `${HEAD}ValidationProfile\nmetadata: { name: ${name} }\nspec: ${spec}\n---\n`;
const route = (validation: string, body = ''): string =>
  `${HEAD}FinancialRoute\nmetadata: { name: r }\nspec: {${body} validation: ${validation} }\n`;

function sectionOf(text: string): PbocValidatorConfig {
  const { resources, errors } = parseRoutes(text, 'a.yaml');
  assert.deepEqual(errors, []);
  return translate(resources, { layout: 'fused' }).config.routes[0]!.stages.pbocValidator!;
}

function mistakes(text: string): string[] {
  return parseRoutes(text, 'a.yaml').errors.map((issue) => `${issue.code} ${issue.path} ${issue.line}`);
}

describe('profiles', () => {
  it('of FIM keep to the schema that users keep to', () => {
    const schema = JSON.parse(
      readFileSync(new URL('../../envoy/route/financial-route.schema.json', import.meta.url), 'utf8'),
    ) as Record<string, unknown>;
    const validate = new Ajv2020({ strict: false, validateFormats: false }).compile({
      $defs: schema.$defs,
      $ref: '#/$defs/validationProfile',
    });
    for (const [name, { source: _source, spec }] of broughtProfiles()) {
      assert.ok(
        validate({ apiVersion: 'fim.financial/v1', kind: 'ValidationProfile', metadata: { name }, spec }),
        `${name}: ${JSON.stringify(validate.errors)}`,
      );
      assert.ok(
        (spec.sources ?? []).some(({ from }) => from === 'Public') &&
          (spec.sources ?? []).some(({ from }) => from === 'Project'),
        `${name} says where its clauses come from`,
      );
    }
  });

  it('stand in the samples as users write them', () => {
    const { resources, profiles, errors } = loadRoutes(['istio/samples']);
    assert.deepEqual(errors, []);
    assert.deepEqual(
      profiles.map(({ name }) => name),
      ['house-transfers'],
    );
    const transfers = resources.find(({ name }) => name === 'interbank-transfers');
    assert.ok((transfers?.profiles[0]?.fields.length ?? 0) > 30);
  });

  it('take over what they do not replace: fields by place, rules by name', () => {
    const { rules, crossRules } = sectionOf(
      profile(
        'base',
        '{ fields: [{ name: a, length: 1 }, { path: $.b, type: "n" }, { name: c, in: Header }], rules: [{ name: s, sum: { items: "$.i[*]", total: $.t } }, { compare: { left: $.x, operator: Less, right: $.y } }] }',
      ) +
        profile(
          'house',
          "{ extends: base, fields: [{ path: \"$['a']\", length: 2, when: [{ name: k, equals: '1' }] }, { name: a, length: 3, when: [{ name: k, equals: '2' }] }, { name: C, in: Header, required: false }], rules: [{ name: s, sum: { items: '$.j[*]', total: $.t } }] }",
        ) +
        route('{ profile: house, fields: [{ name: d }] }'),
    );
    assert.deepEqual(
      rules.map(({ path, minLength, when, profile: fromProfile }) => [path, minLength, when, fromProfile]),
      [
        ['$.b', undefined, undefined, true],
        ["$['a']", 2, [0], true],
        ['$.a', 3, [1], true],
        ['c', undefined, undefined, true],
        ['$.d', undefined, undefined, undefined],
      ],
    );
    assert.deepEqual(
      crossRules?.map(({ kind, left }) => [kind, left]),
      [
        ['Compare', '$.x'],
        ['Sum', '$.j[*]'],
      ],
    );
  });

  it('are meant from the root that a route names, own rules are not', () => {
    const { rules, conditions, crossRules } = sectionOf(
      profile(
        'base',
        "{ fields: [{ path: $, type: object }, { name: a, when: [{ name: k, equals: '1' }, { name: h, in: Header, present: true }] }, { path: \"$['x y'][*]\" }, { name: c, in: Query }], rules: [{ sum: { items: '$.i[*]', total: $.t } }, { compare: { left: $.x, operator: Less, value: '1' } }, { when: [{ path: $.k, present: true }], currencyExponent: { amount: $.m, currency: $.n } }] }",
      ) +
        route(
          "{ profile: base, root: \"$.Envelope['pay-load']\", fields: [{ name: d }], rules: [{ compare: { left: $.own, operator: Equal, value: '1' } }] }",
        ),
    );
    assert.deepEqual(
      rules.map(({ path }) => path),
      ["$.Envelope['pay-load']", "$.Envelope['pay-load'].a", "$.Envelope['pay-load']['x y'][*]", 'c', '$.d'],
    );
    assert.deepEqual(
      conditions?.map(({ path }) => path),
      ["$.Envelope['pay-load'].k", 'h', "$.Envelope['pay-load'].k"],
    );
    assert.deepEqual(
      crossRules?.map(({ left, right }) => [left, right]),
      [
        ["$.Envelope['pay-load'].i[*]", "$.Envelope['pay-load'].t"],
        ["$.Envelope['pay-load'].x", undefined],
        ["$.Envelope['pay-load'].m", "$.Envelope['pay-load'].n"],
        ['$.own', undefined],
      ],
    );
  });

  it('extend those that FIM brings, for the formats of these', () => {
    const text = profile('own', '{ extends: pboc-3.0.2, fields: [{ name: stan, type: "n", length: 6 }] }');
    const { rules } = sectionOf(text + route('{ profile: own }'));
    assert.equal(rules.filter(({ path }) => path === '$.stan').length, 1);
    assert.ok(rules.length > 20);
    assert.deepEqual(mistakes(text + route('{ profile: own }', 'body: { format: XML },')), [
      'FIM-CFG-1056 $.spec.validation.profile 9',
    ]);
  });

  it('are known before and after the routes that name them, in their namespace', () => {
    assert.deepEqual(mistakes(`${route('{ profile: late }')}---\n${profile('late', '{ fields: [{ name: a }] }')}`), []);
    const elsewhere = profile('far', '{ fields: [{ name: a }] }').replace('name: far', 'name: far, namespace: other');
    assert.deepEqual(mistakes(elsewhere + route('{ profile: far }')), ['FIM-CFG-1053 $.spec.validation.profile 9']);
  });

  it('are refused in a circle, too deep, without a parent, under a name of FIM', () => {
    assert.deepEqual(mistakes(profile('a', '{ extends: b }') + profile('b', '{ extends: a }')), [
      'FIM-CFG-1054 $.spec.extends 4',
      'FIM-CFG-1054 $.spec.extends 9',
    ]);
    const tower = Array.from({ length: 9 }, (_, i) =>
      profile(`p${i}`, i === 8 ? '{ fields: [{ name: a }] }' : `{ extends: p${i + 1} }`),
    ).join('');
    assert.deepEqual(mistakes(tower), ['FIM-CFG-1055 $.spec.extends 4']);
    assert.deepEqual(mistakes(profile('a', '{ extends: nobody }')), ['FIM-CFG-1053 $.spec.extends 4']);
    assert.deepEqual(mistakes(profile('cnaps2-hvps', '{ fields: [{ name: a }] }')), ['FIM-CFG-1057 $.metadata.name 3']);
    assert.deepEqual(mistakes(profile('a', '{ fields: [{ name: a }] }') + profile('a', '{ fields: [{ name: a }] }')), [
      'FIM-CFG-1007 $.metadata.name 8',
    ]);
  });

  it('have their mistakes at their own lines, those of the module too', () => {
    assert.deepEqual(mistakes(profile('a', '\n  fields:\n    - name: x\n      pattern: "("')), [
      'FIM-CFG-1024 $.spec.fields[0].pattern 7',
    ]);
    const { resources } = parseRoutes(
      profile('a', '\n  fields:\n    - name: x\n    - name: y\n      pattern: "(((x{50}){50}){50}){50}"') +
        route('{ pboc: "3.0.2", profile: a }'),
      'a.yaml',
    );
    const translation = translate(resources, { layout: 'fused' });
    const index = translation.config.routes[0]!.stages.pbocValidator!.rules.findIndex(({ path }) => path === '$.y');
    const { path, line, resource } = translation.locate(
      'FIM-CFG-0024',
      `/routes/0/stages/pbocValidator/rules/${index}/pattern`,
    );
    assert.deepEqual([path, line, resource], ['$.spec.fields[1].pattern', 8, 'default/a']);
  });

  it('together with a route have no more rules than a module takes', () => {
    const many = Array.from({ length: 8 }, (_, i) =>
      profile(
        `m${i}`,
        `{ ${i === 0 ? '' : `extends: m${i - 1}, `}fields: [${Array.from({ length: 256 }, (_unused, j) => `{ name: f${i}x${j} }`).join(', ')}] }`,
      ),
    ).join('');
    assert.deepEqual(mistakes(many + route('{ profile: m7 }')), []);
    assert.deepEqual(mistakes(many + route('{ profile: m7, fields: [{ name: more }] }')), [
      'FIM-CFG-1002 $.spec.validation 44',
    ]);
  });
});
