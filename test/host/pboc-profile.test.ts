// The profile's data file, clause by clause, through the built module: for each field what passes and what does not.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { before, describe, test } from 'node:test';
import { createVm, exchange, loadModule } from '../../envoy/host/index.ts';
import type { RootContext } from '../../envoy/host/index.ts';
import { checkRoutes, translate, type StagesConfig } from '../../envoy/route/index.ts';
import { buildModules } from '../../scripts/build.ts';

const VERSION = '3.0.2';

/** By field: valid values, and invalid values with the last four digits of their codes. As JSON texts. */
const CASES: Record<string, { good: string[]; bad: [string, string][] }> = {
  pan: {
    good: [
      '"6222021234567894"',
      '"4222222222222"',
      '"6200000000000000000"',
      '"6222021234567895"',
      '"8112345678901234"',
    ],
    bad: [
      ['"4222222222223"', '0011'],
      ['"622202123456789X"', '0011'],
      ['"422222222222"', '0011'],
      ['"62000000000000000000"', '0011'],
      ['"6222 0212 3456 7894"', '0011'],
      ['6222021234567894', '0006'],
      ['null', '0006'],
      ['""', '0011'],
    ],
  },
  processingCode: {
    good: ['"000000"', '"310000"'],
    bad: [
      ['"00000"', '0008'],
      ['"0000000"', '0009'],
      ['"00000A"', '0018'],
      ['0', '0006'],
    ],
  },
  amount: {
    good: ['"000000010000"', '100', '100.00', '0', '"0.01"', '"9999999999999.9999"'],
    bad: [
      ['"1234567890123"', '0014'],
      ['-1', '0014'],
      ['1e3', '0014'],
      ['"1,000.00"', '0014'],
      ['"+1"', '0014'],
      ['""', '0014'],
      ['"100.00000"', '0014'],
      ['{"total":1}', '0006'],
      ['true', '0006'],
    ],
  },
  transAmount: {
    good: ['"000000010000"', '1.5'],
    bad: [
      ['"x"', '0014'],
      ['[]', '0006'],
    ],
  },
  transmissionDateTime: {
    good: ['"1122193135"', '"0229000000"'],
    bad: [
      ['"1322193135"', '0013'],
      ['"0230000000"', '0013'],
      ['"1122246000"', '0013'],
      ['"20261122193135"', '0013'],
      ['1122193135', '0006'],
    ],
  },
  stan: {
    good: ['"000001"'],
    bad: [
      ['"00001"', '0008'],
      ['"0000001"', '0009'],
      ['"00000x"', '0018'],
      ['1', '0006'],
    ],
  },
  traceNo: {
    good: ['"999999"'],
    bad: [
      ['"99999"', '0008'],
      ['"１２３４５６"', '0018'],
    ],
  },
  transTime: {
    good: ['"000000"', '"235959"'],
    bad: [
      ['"240000"', '0013'],
      ['"19:31:35"', '0013'],
      ['193135', '0006'],
    ],
  },
  transDate: {
    good: ['"20240229"', '"20261122"'],
    bad: [
      ['"20230229"', '0013'],
      ['"1122"', '0013'],
      ['"2026-11-22"', '0013'],
      ['20261122', '0006'],
    ],
  },
  mcc: {
    good: ['"5411"'],
    bad: [
      ['"541"', '0008'],
      ['"54111"', '0009'],
      ['"54A1"', '0018'],
    ],
  },
  posEntryMode: {
    good: ['"051"'],
    bad: [
      ['"05"', '0008'],
      ['"0510"', '0009'],
      ['"05X"', '0018'],
    ],
  },
  cardSequenceNumber: {
    good: ['"001"'],
    bad: [
      ['"01"', '0008'],
      ['"0001"', '0009'],
      ['1', '0006'],
    ],
  },
  acquiringInstitutionId: {
    good: ['"1"', '"12345678901"'],
    bad: [
      ['""', '0008'],
      ['"123456789012"', '0009'],
      ['"ICBC"', '0018'],
    ],
  },
  rrn: {
    good: ['"123456789012"', '"ABCdef123456"'],
    bad: [
      ['"12345678901"', '0008'],
      ['"1234567890123"', '0009'],
      ['"12345678901-"', '0018'],
    ],
  },
  terminalId: {
    good: ['"12345678"', '"T-1"', '"T 000001"'],
    bad: [
      ['""', '0008'],
      ['"123456789"', '0009'],
      ['"终端001"', '0018'],
    ],
  },
  merchantId: {
    good: ['"123456789012345"', '"M1"'],
    bad: [
      ['""', '0008'],
      ['"1234567890123456"', '0009'],
      ['"商户"', '0018'],
    ],
  },
  currencyCode: {
    good: ['"156"', '"CNY"', '"840"', '"USD"'],
    bad: [
      ['"RMB"', '0015'],
      ['"cny"', '0015'],
      ['"000"', '0015'],
      ['156', '0006'],
    ],
  },
  pinBlock: {
    good: ['"0123456789ABCDEF"', '"0123456789abcdef0123456789abcdef"'],
    bad: [
      ['"0123456789ABCDE"', '0008'],
      ['"0123456789abcdef0123456789abcdef00"', '0009'],
      ['"0123456789ABCDEFA"', '0016'],
      ['"1234567890123456=="', '0016'],
    ],
  },
  icData: {
    good: ['"9F2608AABBCCDDEEFF0011"', `"${'00'.repeat(255)}"`],
    bad: [
      ['"9"', '0008'],
      ['"9F2"', '0016'],
      ['"9G"', '0016'],
      [`"${'00'.repeat(256)}"`, '0009'],
    ],
  },
  idCardNo: {
    good: ['"11010519491231002X"', '"440524188001010014"'],
    bad: [
      ['"110105194912310021"', '0012'],
      ['"11010519491331002X"', '0012'],
      ['"99010519491231002X"', '0012'],
      ['"1101051949123100"', '0012'],
      ['110105194912310021', '0006'],
    ],
  },
};

/** The validator's section that the profile is translated to. */
function section(): NonNullable<StagesConfig['pbocValidator']> {
  const { resources } = checkRoutes([
    {
      apiVersion: 'fim.financial/v1',
      kind: 'FinancialRoute',
      metadata: { name: 'profile' },
      spec: { validation: { pboc: VERSION } },
    },
  ]);
  const validator = translate(resources, { layout: 'fused' }).config.routes[0]?.stages.pbocValidator;
  assert.ok(validator !== undefined);
  return validator;
}

let root: RootContext;
before(async () => {
  const [built] = await buildModules(['pboc-validator']);
  const routes = [{ name: 'test/profile', stages: { pbocValidator: section() } }];
  const configured = createVm(loadModule(readFileSync(built!.path)), {}).configure(
    JSON.stringify({ version: '1.0', routes }),
  );
  assert.ok(configured.accepted, JSON.stringify(configured.logs));
  root = configured.root;
});

/** Status and the errors as `CODE POINTER`. */
function send(body: string): { status: number | undefined; errors: string[] } {
  const { client } = exchange(root, {
    request: { method: 'POST', path: '/', headers: { 'content-type': 'application/json' }, body },
    upstream: () => ({ status: 200 }),
  });
  const text = client.body.toString();
  const { errors = [] } = (text === '' ? {} : JSON.parse(text)) as { errors?: { code: string; path: string }[] };
  return { status: client.status, errors: errors.map(({ code, path }) => `${code.slice(-4)} ${path}`) };
}

describe(`PBOC profile ${VERSION}`, () => {
  test('has a case for each of its fields', () => {
    const fields = section()
      .rules.filter((rule) => rule.path !== '$')
      .map((rule) => rule.path.slice(2));
    assert.deepEqual(Object.keys(CASES).sort(), [...new Set(fields)].sort());
  });

  test('asks for nothing but an object', () => {
    assert.deepEqual(send('{}'), { status: 200, errors: [] });
    assert.deepEqual(send('{"anything":{"pan":"nested fields are not looked at"}}'), { status: 200, errors: [] });
    for (const other of ['[]', '"text"', '1', 'null', 'true'])
      assert.deepEqual(send(other), { status: 422, errors: ['0006 '] }, other);
  });

  for (const [field, { good, bad }] of Object.entries(CASES)) {
    test(field, () => {
      for (const value of good) assert.deepEqual(send(`{"${field}":${value}}`), { status: 200, errors: [] }, value);
      for (const [value, code] of bad)
        assert.deepEqual(send(`{"x":1,"${field}":${value}}`), { status: 422, errors: [`${code} /${field}`] }, value);
    });
  }

  test('takes a whole message, and names every mistake of a bad one', () => {
    const value = (choose: (field: string) => string): string =>
      `{${Object.keys(CASES)
        .map((field) => `"${field}":${choose(field)}`)
        .join(',')}}`;
    assert.deepEqual(send(value((field) => CASES[field]!.good[0]!)), { status: 200, errors: [] });
    const expected = Object.entries(CASES).map(([field, { bad }]) => `${bad[0]![1]} /${field}`);
    assert.deepEqual(send(value((field) => CASES[field]!.bad[0]![0])).errors, expected.slice(0, 16));
  });
});
