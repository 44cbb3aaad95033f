// The seal's scope against the modules' own route index: whatever the index gives to a route, Envoy's predicate takes
// too.
import assert from 'node:assert/strict';
import { before, describe, it } from 'node:test';
import { createVm, exchange, type RootContext } from '../../envoy/host/index.ts';
import type { RouteConfig } from '../../envoy/route/index.ts';
import type { EnvoyObject } from '../../envoy/xds/index.ts';
import { scopePredicate, sealScope } from '../../istio/operator/plan/seal-scope.ts';
import { fimModule } from '../host/modules.ts';

const CASES = 4_000;
/** Refuses every message that meets it. */
const REFUSING = {
  pbocValidator: { rules: [{ path: '$.never', required: true }] },
} as unknown as RouteConfig['stages'];
const HOSTS = [undefined, ['pay.bank.cn'], ['*.bank.cn'], ['a.cn', 'b.cn'], ['pay.bank.cn', '*.fund.cn'], ['*']];
const PATHS: NonNullable<RouteConfig['match']>['path'][] = [
  undefined,
  { type: 'Prefix', value: '/pay' },
  { type: 'Prefix', value: '/v1/accounts:transfer' },
  { type: 'Exact', value: '/fund/redeem' },
  { type: 'Exact', value: '/fund/' },
  { type: 'Prefix', value: '/%E6%94%AF' },
  { type: 'Prefix', value: '/a.b/(c)' },
  { type: 'Pattern', value: '/orders/[0-9]+/cancel' },
  { type: 'Pattern', value: '/x?y' },
  { type: 'Pattern', value: '/(?:a|b)' },
  { type: 'Pattern', value: '/v1\\.0/tx.*' },
  { type: 'Prefix', value: '/~user/p' },
];
const AUTHORITIES = [
  'pay.bank.cn',
  'PAY.Bank.CN',
  'pay.bank.cn:8080',
  'pay.bank.cn:',
  'pay.bank.cn.',
  'x.y.bank.cn',
  'bank.cn',
  'u@pay.bank.cn',
  'a.cn',
  'B.cn:1',
  'old.fund.cn.:80',
  'other.org',
  '[::1]:80',
  '127.0.0.1',
  'pay%2ebank.cn',
  'pay.bank.cn,other.org',
  '',
];
const REQUEST_PATHS = [
  '/pay',
  '/pay/',
  '/pay/x?y',
  '/payx',
  '/PAY',
  '/v1/accounts:transfer',
  '/v1/accounts:transfer/1',
  '/fund/redeem',
  '/fund/redeem/',
  '/fund/',
  '/fund',
  '/%E6%94%AF',
  '/%e6%94%af/x',
  '/a.b/(c)',
  '/a.b/(c)/d',
  '/orders/12/cancel',
  '/y',
  '/xy',
  '/a',
  '/b',
  '/v1.0/tx1',
  '/~user/p',
  '/other',
  '/',
  '/other/%E6/x',
  '/q?p=/pay',
];

/** A small generator: the same cases in every run. */
function numbers(seed: number): (below: number) => number {
  let state = seed;
  return (below) => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return Math.floor((state / 2 ** 32) * below);
  };
}

const next = numbers(7);
const pick = <T>(list: readonly T[]): T => list[next(list.length)]!;

/** The same path in another spelling: escapes, parameters, empty and dot segments. */
function disguise(path: string): string {
  const [before = '', ...query] = path.split('?');
  const segments = before.split('/').slice(1);
  const changed = segments.map((segment) => {
    switch (next(8)) {
      case 0:
        return `${segment};p=1`;
      case 1:
        return segment.replace(/[a-z:(~]/, (letter) => `%${letter.charCodeAt(0).toString(16)}`);
      case 2:
        return `.;x/${segment}`;
      case 3:
        return `z;/..;/${segment}`;
      case 4:
        return `;/${segment}`;
      case 5:
        return segment.replaceAll(/%[0-9A-F]{2}/g, (escape) => escape.toLowerCase());
      default:
        return segment;
    }
  });
  return [`/${changed.join('/')}`, ...query].join('?');
}

type Predicate = Record<string, never> & {
  single_predicate: {
    input: { typed_config: { header_name: string } };
    value_match: { safe_regex: { regex: string } };
  };
  or_matcher: { predicate: Predicate[] };
  and_matcher: { predicate: Predicate[] };
  not_matcher: Predicate;
};

/** Envoy's reading of a predicate; regular expressions are for the whole value. */
function takes(predicate: EnvoyObject, headers: Record<string, string>): boolean {
  const { single_predicate: single, or_matcher: or, and_matcher: and, not_matcher: not } = predicate as Predicate;
  if (or !== undefined) return or.predicate.some((part) => takes(part, headers));
  if (and !== undefined) return and.predicate.every((part) => takes(part, headers));
  if (not !== undefined) return !takes(not, headers);
  const value = headers[single.input.typed_config.header_name];
  return (
    value !== undefined && value !== '' && new RegExp(`^(?:${single.value_match.safe_regex.regex})$`, 's').test(value)
  );
}

function scoped(routes: readonly RouteConfig[], authority: string, path: string): boolean {
  const scope = sealScope(routes);
  const predicate = scopePredicate(scope);
  return predicate === undefined ? scope === 'all' : takes(predicate, { ':authority': authority, ':path': path });
}

function route(
  name: string,
  hosts: string[] | undefined,
  path: NonNullable<RouteConfig['match']>['path'],
): RouteConfig {
  const match = {
    ...(hosts === undefined || hosts.includes('*') ? {} : { hosts }),
    ...(path === undefined ? {} : { path }),
  };
  return { name, ...(Object.keys(match).length === 0 ? {} : { match }), stages: REFUSING };
}

describe('the scope of a seal', () => {
  let configured: (routes: readonly RouteConfig[]) => RootContext;

  before(async () => {
    const module = await fimModule();
    configured = (routes) => {
      const { accepted, root, logs } = createVm(module, { vmId: 'scope', failurePolicy: 'FAIL_CLOSED' }).configure(
        JSON.stringify({ version: '1.0', routes }),
      );
      assert.ok(accepted, logs.at(-1)?.message ?? 'refused');
      return root;
    };
  });

  it(`takes all that the index gives to a route, in ${CASES} requests`, (t) => {
    let met = 0;
    let outside = 0;
    for (let round = 0; round < CASES / 40; round++) {
      const routes = Array.from({ length: 1 + next(3) }, (_, index) =>
        route(`demo/r${index}`, pick(HOSTS), pick(PATHS)),
      );
      const root = configured(routes);
      for (let index = 0; index < 40; index++) {
        const authority = pick(AUTHORITIES);
        const path = next(2) === 0 ? pick(REQUEST_PATHS) : disguise(pick(REQUEST_PATHS));
        const { client } = exchange(root, {
          request: { authority, path, method: 'POST', headers: { 'content-type': 'application/json' }, body: '{}' },
        });
        const concerned = scoped(routes, authority, path);
        if (client.status === 422) met++;
        else if (!concerned) outside++;
        // FIM alone refuses an invalid host, for any path.
        assert.ok(
          client.status === 200 || concerned || client.body.includes('FIM-RT-0043'),
          `${authority} ${path} meets one of ${JSON.stringify(routes.map(({ match }) => match))} and is not sealed`,
        );
      }
    }
    t.diagnostic(`${met} met a route, ${outside} are strangers`);
    assert.ok(met > CASES / 10 && outside > CASES / 10, `${met} met a route, ${outside} are strangers`);
  });

  it('leaves to strangers what plainly is theirs', () => {
    const routes = [route('demo/a', ['pay.bank.cn'], { type: 'Prefix', value: '/pay' })];
    for (const [authority, path] of [
      ['other.org', '/pay'],
      ['xpay.bank.cn', '/pay'],
      ['pay.bank.cn', '/payments'],
      ['pay.bank.cn', '/q?p=/pay/../x'],
      ['pay.bank.cn', '/other/%E6%94%AF%20x'],
      ['pay.bank.cn', '/shop;jsessionid=1/x'],
    ] as const) {
      assert.equal(scoped(routes, authority, path), false, `${authority} ${path}`);
    }
    for (const [authority, path] of [
      ['PAY.bank.cn.:443', '/pay;x/y'],
      ['pay.bank.cn', '/other/..;/pay'],
      ['pay.bank.cn', '/%70ay'],
      ['', '/pay'],
      ['pay.bank.cn', '//pay'],
      ['pay.bank.cn', '/\u00e9'],
    ] as const) {
      assert.equal(scoped(routes, authority, path), true, `${authority} ${path}`);
    }
  });

  it('is of the hosts alone where there are too many paths, and everything where there are too many hosts', () => {
    const many = (hosts: (index: number) => string[] | undefined): RouteConfig[] =>
      Array.from({ length: 500 }, (_, index) =>
        route(`demo/r${index}`, hosts(index), { type: 'Prefix', value: `/${'x'.repeat(200)}${index}` }),
      );
    const wide = sealScope(many(() => ['pay.bank.cn']));
    assert.ok(wide !== 'all' && wide.every(({ hosts, paths }) => hosts !== undefined && paths === undefined));
    assert.equal(sealScope(many(() => undefined)), 'all');
    assert.equal(sealScope(many((index) => [`${'y'.repeat(60)}.${'z'.repeat(60)}${index}.cn`])), 'all');
    assert.equal(sealScope([]).length, 0);
  });
});
