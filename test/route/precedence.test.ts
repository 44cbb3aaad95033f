import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { LIMIT, order, resource, translated } from './sample.ts';

function match(name: string, text: string): ReturnType<typeof resource> {
  return resource(name, `{match: {${text}}, ${LIMIT}}`);
}

describe('precedence', () => {
  it('is by host, then path, method, headers', () => {
    const routes = [
      resource('all', `{${LIMIT}}`),
      match('headers-one', 'headers: [{name: a, value: b}]'),
      match('headers-two', 'headers: [{name: a, value: b}, {name: c, type: Present}]'),
      match('method', 'methods: [POST]'),
      match('prefix-short', 'path: {value: /a}'),
      match('prefix-long', 'path: {value: /a/b}'),
      match('pattern', "path: {type: Pattern, value: '^/a'}"),
      match('exact', 'path: {type: Exact, value: /a}'),
      match('wildcard', 'hosts: ["*.cn"]'),
      match('wildcard-long', 'hosts: ["*.bank.cn"]'),
      match('host', 'hosts: [fund.bank.cn]'),
      match('host-exact', 'hosts: [fund.bank.cn], path: {type: Exact, value: /a}'),
    ];
    const expected = [
      'host-exact',
      'host',
      'wildcard-long',
      'wildcard',
      'exact',
      'pattern',
      'prefix-long',
      'prefix-short',
      'method',
      'headers-two',
      'headers-one',
      'all',
    ];
    assert.deepEqual(order(translated(routes)), expected);
    assert.deepEqual(order(translated(routes.toReversed())), expected);
  });

  it('splits a route whose hosts are not equally specific, with one limit for all', () => {
    const { routes } = translated([
      match('many', 'hosts: ["*.cn", a.cn, "*.b.cn", c.cn]'),
      match('one', 'hosts: ["*.b.cn"], path: {value: /x}'),
    ]);
    assert.deepEqual(
      routes.map((route) => [route.config.name, route.config.match?.hosts]),
      [
        ['default/many', ['a.cn', 'c.cn']],
        ['default/one', ['*.b.cn']],
        ['default/many', ['*.b.cn']],
        ['default/many', ['*.cn']],
      ],
    );
    assert.deepEqual(
      new Set(
        routes
          .filter((route) => route.config.name === 'default/many')
          .map((route) => route.config.stages.rateLimiter?.id),
      ),
      new Set(['default/many/0']),
    );
  });

  it('leaves a match out where it would say nothing', () => {
    const { config } = translated([match('root', 'hosts: ["*"], path: {type: Prefix, value: /}')]);
    assert.equal(config.routes[0]?.match, undefined);
  });
});

describe('paths and methods', () => {
  it('are compared in the form that requests are brought into', () => {
    const { config } = translated([match('a', 'path: {type: Exact, value: "/%7etilde/支/a%3Ab/%e4"}')]);
    assert.equal(config.routes[0]?.match?.path?.value, '/~tilde/%E6%94%AF/a:b/%E4');
  });

  it('put a route that names HEAD before one that takes it with GET', () => {
    assert.deepEqual(order(translated([match('a', 'methods: [GET]'), match('b', 'methods: [HEAD]')])), ['b', 'a']);
  });
});

describe('conflicts', () => {
  it('see through spelling: escapes, and the case of a prefix', () => {
    for (const [one, other] of [
      ['{type: Exact, value: "/a%3Ab"}', '{type: Exact, value: "/a:b"}'],
      ['{value: /支付}', '{value: "/%e6%94%af%e4%bb%98/"}'],
      ['{value: /Pay}', '{value: /pAY}'],
    ]) {
      assert.deepEqual(
        translated([match('a', `path: ${one}`), match('b', `path: ${other}`)]).conflicts.map(
          ({ code, resource: loser }) => [code, loser],
        ),
        [['FIM-CFG-1050', 'default/b']],
        one,
      );
    }
    assert.deepEqual(
      translated([match('a', 'path: {type: Exact, value: /Pay}'), match('b', 'path: {type: Exact, value: /pay}')])
        .conflicts,
      [],
      'an exact path is meant for itself',
    );
  });

  it('are won by age, then by name', () => {
    const young = resource('a@2026-02-01T00:00:00Z', `{${LIMIT}}`);
    const old = resource('z@2026-01-01T00:00:00Z', `{${LIMIT}}`);
    const ageless = resource('b', `{${LIMIT}}`);
    const { routes, conflicts, conditions } = translated([ageless, young, old]);
    assert.deepEqual(
      routes.map((route) => route.config.name),
      ['default/z'],
    );
    assert.deepEqual(
      conflicts.map(({ code, resource: loser, path, line, partial }) => [code, loser, path, line, partial]),
      [
        ['FIM-CFG-1050', 'default/a', '$.spec', 4, false],
        ['FIM-CFG-1050', 'default/b', '$.spec', 4, false],
      ],
    );
    assert.match(conflicts[0]?.message ?? '', /default\/z \(z\.yaml:3\)/);
    const [accepted] = conditions['default/a'] ?? [];
    assert.deepEqual([accepted?.type, accepted?.status, accepted?.reason], ['Accepted', 'False', 'Conflicted']);
    assert.match(accepted?.message ?? '', /default\/z/);
    assert.deepEqual(
      order(translated([resource('b', `{${LIMIT}}`), resource('other/a', `{${LIMIT}}`), resource('a', `{${LIMIT}}`)])),
      ['a'],
    );
  });

  it('see through spelling: slash at the end, case and order of headers, order of methods', () => {
    const first = match(
      'a',
      'methods: [GET, POST], path: {value: /x/}, headers: [{name: A, value: b}, {name: c, type: Present}]',
    );
    const second = match(
      'b',
      'methods: [POST, GET], path: {value: /x}, headers: [{name: C, type: Present}, {name: a, value: b}]',
    );
    assert.deepEqual(
      translated([first, second]).conflicts.map((conflict) => [conflict.resource, conflict.partial]),
      [['default/b', false]],
    );
  });

  it('may be partial: the rest goes on serving', () => {
    const { routes, conflicts, conditions } = translated([
      match('a', 'hosts: [x.cn]'),
      match('b', 'hosts: [x.cn, y.cn]'),
      match('c', 'hosts: [z.cn]'),
    ]);
    assert.deepEqual(
      routes.map((route) => route.config.name),
      ['default/a', 'default/b', 'default/c'],
    );
    assert.deepEqual(
      conflicts.map((conflict) => [conflict.resource, conflict.partial, conflict.path]),
      [['default/b', true, '$.spec.match']],
    );
    assert.deepEqual(
      conditions['default/b']?.map((condition) => [condition.type, condition.status]),
      [
        ['Accepted', 'True'],
        ['PartiallyConflicted', 'True'],
        ['ResolvedRefs', 'Unknown'],
        ['Programmed', 'Unknown'],
      ],
    );
  });

  it('are none between routes that differ', () => {
    assert.deepEqual(
      translated([
        match('a', 'methods: [GET]'),
        match('b', 'methods: [POST]'),
        match('c', 'path: {value: /x}'),
        match('d', 'path: {type: Exact, value: /x}'),
        resource('e', `{${LIMIT}}`),
      ]).conflicts,
      [],
    );
  });
});
