// `fim mask explain`: what is hidden, where and why, by the module itself; never the value.
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { validateFiles } from '../../envoy/route/index.ts';
import { explain, type ExplainedFinding } from '../../scripts/fim/mask-explain.ts';
import type { LoadedModule } from '../../envoy/host/index.ts';
import { builtModules } from '../host/modules.ts';
import { fim, ROOT } from './command.ts';

const CARD = '6222021234567894';
const ROUTE = (name: string, format: string, masking: object): string =>
  JSON.stringify({
    apiVersion: 'fim.financial/v1',
    kind: 'FinancialRoute',
    metadata: { name },
    spec: { match: { path: { value: `/${name}` } }, body: JSON.parse(format) as object, masking },
  });

describe('mask explain', () => {
  let folder: string;
  let module: LoadedModule;
  before(async () => {
    folder = mkdtempSync(join(tmpdir(), 'fim-explain-test-'));
    module = (await builtModules(['fim'])).get('fim')!;
  });
  after(() => rmSync(folder, { recursive: true, force: true }));

  async function findings(
    format: string,
    masking: object,
    message: string | Buffer,
    isRequest = false,
    around: { path?: string; fields?: [string, string][] } = {},
  ): Promise<ExplainedFinding[]> {
    const file = join(folder, 'route.json');
    writeFileSync(file, ROUTE('a', format, masking));
    const report = await validateFiles([file]);
    assert.deepEqual(report.errors, []);
    const route = report.translation.pluginConfigs[0]!.config.routes![0]!;
    const result = explain(module, route, Buffer.from(message as string), { isRequest, ...around });
    return result.findings.map(({ from: _from, to: _to, ...finding }) => finding);
  }

  const places = (found: ExplainedFinding[]): (string | null)[][] =>
    found.map(({ path, kind, becomes }) => [path, kind, becomes]);

  test('ISO 8583, TLV, CNAPS2 and forms: elements, chip tags, fields of the header, parts', async () => {
    const iso = await findings(
      '{"format":"ISO8583","iso8583":{"specification":"unionpay-terminal"}}',
      { dictionary: { kinds: ['BankCard', 'CardExpiry'] }, fields: [{ path: '$.DE52', method: 'Remove' }] },
      Buffer.from(
        '6000030000603210320072020070240000080012001662220212345678940000000000000100000000012912313233343536373839303132112233445566778800279F2608A1B2C3D4E5F607185A0862220212345678945F2403291231',
        'hex',
      ),
    );
    assert.deepEqual(places(iso), [
      ['/DE2', 'BankCard', '622202******7894'],
      ['/DE14', 'CardExpiry', '****'],
      ['/DE52', 'Generic', null],
      ['/DE55/5A', 'BankCard', '622202******7894'],
      ['/DE55/5F24', 'CardExpiry', '******'],
    ]);
    const tlv = await findings(
      '{"format":"TLV","tlvEncoding":"Hex"}',
      { dictionary: { kinds: ['BankCard'] } },
      '9F2608A1B2C3D4E5F607185A086222021234567894',
    );
    assert.deepEqual(places(tlv), [['/5A', 'BankCard', '622202******7894']]);
    const cnaps2 = await findings(
      '{"format":"CNAPS2"}',
      {
        fields: [
          { name: 'Nm', kind: 'Name' },
          { path: '$.H.OrigSender', method: 'KeepFirstLast', keepFirst: 2, keepLast: 2 },
        ],
      },
      '{H:02102100099996  HVPS104100000004  HVPS20240801093047XMLhvps.111.001.01     2024080100000117    2024080100000117    3U         }\r\n<Document xmlns="urn:x"><Dbtr><Nm>王小明</Nm></Dbtr></Document>',
    );
    assert.deepEqual(places(cnaps2), [
      ['/H/OrigSender', 'Generic', '10********96'],
      ['/Document/Dbtr/Nm', 'Name', '王**'],
    ]);
    const form = await findings(
      '{"format":"Form"}',
      { dictionary: { kinds: ['BankCard'] }, fields: [{ name: 'cvn2', method: 'Remove' }] },
      `a=1&user%5BcardNo%5D=${CARD}&cvn2=123`,
    );
    assert.deepEqual(places(form), [
      ['/user[cardNo]', 'BankCard', '622202******7894'],
      ['/cvn2', 'Generic', null],
    ]);
  });

  test('headers, parameters and cookies', async () => {
    const both = { direction: 'Both' };
    const masking = {
      fields: [
        { header: 'X-Phone', kind: 'Phone', ...both },
        { parameter: 'q', method: 'Remove' },
        { cookie: 'uid', kind: 'UserName', ...both },
      ],
      dictionary: { kinds: ['BankCard'], direction: 'Both' },
    };
    const request = await findings('{"format":"JSON"}', masking, '{}', true, {
      path: `/pay?a=1&card%4eo=${CARD}&q=x`,
      fields: [
        ['x-phone', '13800138000'],
        ['cookie', `uid=zhangsan; b=2; pan=${CARD}`],
      ],
    });
    assert.deepEqual(places(request), [
      ['header x-phone', 'Phone', '138****8000'],
      ['parameter cardNo', 'BankCard', '622202******7894'],
      ['parameter q', 'Generic', null],
      ['cookie uid', 'UserName', 'z******n'],
      ['cookie pan', 'BankCard', '622202******7894'],
    ]);
    const response = await findings('{"format":"JSON"}', masking, '{}', false, {
      fields: [['set-cookie', 'uid=zhangsan; Path=/']],
    });
    assert.deepEqual(places(response), [['cookie uid', 'UserName', 'z******n']]);
  });

  test('JSON: fields, the dictionary, content, detectors of the house, messages inside strings', async () => {
    const found = await findings(
      '{"format":"JSON"}',
      {
        fields: [
          { name: 'other' },
          { path: '$.t', method: 'Token', keyId: 'kms://a/b' },
          { name: 'gone', method: 'Remove' },
        ],
        dictionary: { classes: ['C2'] },
        detect: [{ kind: 'IdCard' }],
        detectors: [{ name: 'staff', pattern: 'E[0-9]{6}', near: ['工号'] }],
        nested: 1,
      },
      `{"cardNo":"${CARD}","t":"secret","gone":[1],"n":"证件11010519491231002X，工号E123456","in":"{\\"list\\":[{\\"other\\":7}]}"}`,
    );
    assert.deepEqual(
      found.map(({ path, kind, rule, method, becomes }) => [path, kind, rule, method, becomes]),
      [
        ['/cardNo', 'BankCard', 'dictionary', 'ByKind', '622202******7894'],
        ['/t', 'Generic', 'fields[1]', 'Token', null],
        ['/gone', 'Generic', 'fields[2]', 'Remove', null],
        ['/n', 'IdCard', 'detect[0]', 'ByKind', '110***********002X'],
        ['/n', 'House', 'detectors[0]', 'Full', '*******'],
        ['/in!/list/0/other', 'Generic', 'fields[0]', 'ByKind', '*'],
      ],
    );
    assert.deepEqual(found[3]!.why.slice(0, 1), ['check character is right']);
    assert.ok(found[4]!.why.includes('label or word near it'));
    assert.deepEqual(found[0]!.why, ['named by the rule']);
    for (const secret of [CARD, '11010519491231002X', 'E123456', 'secret'])
      assert.ok(!JSON.stringify(found).includes(secret));
  });

  test('XML and forms, in requests too', async () => {
    const xml = await findings(
      '{"format":"XML"}',
      { fields: [{ name: 'cardNo', kind: 'BankCard' }] },
      `<a><cardNo>${CARD}</cardNo></a>`,
    );
    assert.deepEqual(
      xml.map(({ path, becomes }) => [path, becomes]),
      [['/a/cardNo', '622202******7894']],
    );
    const masking = { fields: [{ name: 'cardNo', kind: 'BankCard', direction: 'Request' }] };
    const form = await findings('{"format":"Form"}', masking, `a=1&cardNo=${CARD}`, true);
    assert.deepEqual(
      form.map(({ path, becomes }) => [path, becomes]),
      [['/cardNo', '622202******7894']],
    );
  });

  test('the command: JSON from standard input, no values without a terminal, refusals told', async () => {
    const file = join(folder, 'one.json');
    writeFileSync(file, ROUTE('one', '{"format":"JSON"}', { detect: [{ kind: 'BankCard' }] }));
    const told = await fim(['mask', 'explain', '-', '--route', file, '-o', 'json'], { input: `{"n":"${CARD}"}` });
    assert.equal(told.status, 0, told.stderr);
    const { route, findings: list } = JSON.parse(told.stdout) as { route: string; findings: ExplainedFinding[] };
    assert.match(route, /one/);
    assert.deepEqual(list, [
      {
        path: '/n',
        kind: 'BankCard',
        rule: 'detect[0]',
        method: 'ByKind',
        why: ['check character is right', 'digits of an issuer'],
        becomes: '622202******7894',
      },
    ]);
    const shown = await fim(['mask', 'explain', '-', '--route', file, '--show-values'], { input: `{"n":"${CARD}"}` });
    assert.match(shown.stderr, /FIM-UP-0020/);
    assert.ok(!(shown.stdout + shown.stderr).includes(CARD));
    // Python's pty gives the command a terminal.
    writeFileSync(join(folder, 'message.json'), `{"n":"${CARD}"}`);
    const args = ['scripts/fim.ts', 'mask', 'explain', join(folder, 'message.json'), '--route', file, '--show-values'];
    const code = 'import pty, sys; sys.exit(pty.spawn(sys.argv[1:]) >> 8)';
    const onTerminal = spawnSync('python3', ['-c', code, process.execPath, ...args], { cwd: ROOT, encoding: 'utf8' });
    assert.match(onTerminal.stdout, new RegExp(`becomes {2}622202\\*{6}7894[^]*value {4}"?${CARD}`));
    const refused = await fim(['mask', 'explain', '-', '--route', file], { input: '{"n":' });
    assert.match(refused.stderr, /FIM-UP-0052/);
  });
});
