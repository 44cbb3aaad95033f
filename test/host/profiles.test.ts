// The profiles that FIM brings, through the public resource and the built module: a valid message each, and one mistake
// at a time (test/vectors/profiles).
import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { before, describe, test } from 'node:test';
import { parse } from 'yaml';
import { createVm, exchange, loadModule } from '../../envoy/host/index.ts';
import type { LoadedModule, RootContext } from '../../envoy/host/index.ts';
import { checkRoutes, translate } from '../../envoy/route/index.ts';
import { buildModules } from '../../scripts/build.ts';

interface Vectors {
  profile: string;
  body: Record<string, unknown>;
  contentType: string;
  /** Root of the profile's message. */
  root?: string;
  /** Text; or, with `hex`, hexadecimal digits with blanks between them. */
  message: string;
  hex?: boolean;
  /** More messages that are valid. */
  also?: { about: string; message: string }[];
  mistakes: { replace: string; with: string; errors: string[]; about?: string }[];
}

const FOLDER = new URL('../vectors/profiles/', import.meta.url);
const FILES = readdirSync(FOLDER).sort();

let module: LoadedModule;
before(async () => {
  const [built] = await buildModules(['pboc-validator']);
  module = loadModule(readFileSync(built!.path));
});

function configured({ profile, body, root }: Vectors): RootContext {
  const { resources, errors } = checkRoutes([
    {
      apiVersion: 'fim.financial/v1',
      kind: 'FinancialRoute',
      metadata: { name: 'profile' },
      spec: { body, validation: { profile, maxErrors: 64, ...(root === undefined ? {} : { root }) } },
    },
  ]);
  assert.deepEqual(errors, []);
  const answer = createVm(module, {}).configure(translate(resources, { layout: 'fused' }).pluginConfigs[0]!.json);
  assert.ok(answer.accepted, JSON.stringify(answer.logs));
  return answer.root;
}

/** The errors as `CODE POINTER`; that of the reply alone if it lists none. */
function send(root: RootContext, vectors: Vectors, message: string): string[] {
  const body = vectors.hex === true ? Buffer.from(message.replaceAll(/\s/g, ''), 'hex') : message;
  const { client } = exchange(root, {
    request: { method: 'POST', path: '/', headers: { 'content-type': vectors.contentType }, body },
    upstream: () => ({ status: 200 }),
  });
  if (client.status === 200) return [];
  const { code, errors } = JSON.parse(client.body.toString()) as {
    code: string;
    errors?: { code: string; path: string }[];
  };
  return (errors ?? [{ code, path: '' }]).map((error) => `${error.code} ${error.path}`.trim());
}

for (const file of FILES) {
  const vectors = parse(readFileSync(new URL(file, FOLDER), 'utf8')) as Vectors;
  describe(file.slice(0, -5), () => {
    test('takes a valid message', () => {
      assert.deepEqual(send(configured(vectors), vectors, vectors.message), []);
      for (const { about, message } of vectors.also ?? [])
        assert.deepEqual(send(configured(vectors), vectors, message), [], about);
    });
    test('names each mistake', () => {
      const root = configured(vectors);
      for (const { replace, with: other, errors } of vectors.mistakes) {
        assert.ok(vectors.message.includes(replace), `${replace} is not in the message`);
        assert.deepEqual(
          send(
            root,
            vectors,
            vectors.message.replace(replace, () => other),
          ),
          errors,
          `${replace} → ${other}`,
        );
      }
    });
  });
}

/** The vectors whose messages are XML of a standard's namespace, and where the document begins. */
const STANDARD = FILES.map((file) => ({
  name: file.slice(0, -5),
  vectors: parse(readFileSync(new URL(file, FOLDER), 'utf8')) as Vectors,
})).filter(({ vectors }) => /<Document xmlns="urn:/.test(vectors.message));

/** The message with its document under a prefix, as JAXB writes it. */
const prefixed = (message: string): string => {
  const at = message.indexOf('<Document');
  const end = message.indexOf('</Document>') + '</Document>'.length;
  const document = message
    .slice(at, end)
    .replace('<Document xmlns=', '<Document xmlns:ns2=')
    .replaceAll(/<(\/?)([A-Za-z])/g, '<$1ns2:$2');
  return message.slice(0, at) + document + message.slice(end);
};

describe('namespaces of ISO 20022 and CNAPS2', () => {
  test('are known', () => assert.ok(STANDARD.length >= 9, String(STANDARD.length)));

  for (const { name, vectors } of STANDARD) {
    test(`${name}: under a prefix, or under none, the message passes`, () => {
      const root = configured(vectors);
      for (const message of [
        prefixed(vectors.message),
        vectors.message.replace(/<Document xmlns="[^"]*"/, '<Document'),
        vectors.message.replace('<Document ', '<Document xmlns:unused="urn:example:unused" '),
      ])
        assert.deepEqual(send(root, vectors, message), [], message.slice(0, 300));
    });

    test(`${name}: an element of another namespace is not the message's`, () => {
      const root = configured(vectors);
      const at = vectors.message.indexOf('<Document');
      for (const element of ['MsgId', 'GrpHdr', 'CreDtTm', 'PKGGrpHdr']) {
        const tag = `<${element}>`;
        if (!vectors.message.slice(at).includes(tag)) continue;
        const foreign = `${vectors.message.slice(0, at)}${vectors.message.slice(at).replace(tag, `<${element} xmlns="urn:example:other">`)}`;
        assert.match(send(root, vectors, foreign).join(' '), /FIM-PBOC-0044/, element);
        const none = foreign.replace('xmlns="urn:example:other"', 'xmlns=""');
        assert.match(send(root, vectors, none).join(' '), /FIM-PBOC-0044/, `${element} without namespace`);
      }
      const whole = vectors.message.replace(/<Document xmlns="[^"]*"/, '<Document xmlns="urn:example:other"');
      assert.match(send(root, vectors, whole).join(' '), /FIM-PBOC-0007 [^ ]*\/Document\/@xmlns/);
    });
  }

  const pacs = STANDARD.find(({ name }) => name === 'iso20022-pacs.008')!.vectors;

  test('supplementary data of other namespaces passes, whatever its names', () => {
    const data =
      '<SplmtryData><PlcAndNm>Tx</PlcAndNm><Envlp><x:MsgId xmlns:x="urn:example:house">1</x:MsgId><GrpHdr xmlns="urn:example:house"><MsgId/></GrpHdr></Envlp></SplmtryData>';
    const message = pacs.message.replace('</FIToFICstmrCdtTrf>', `${data}</FIToFICstmrCdtTrf>`);
    assert.deepEqual(send(configured(pacs), pacs, message), []);
  });

  test('namespaces of national and network versions pass, within an envelope of the same one too', () => {
    for (const uri of ['urn:swift:xsd:$pacs.008.001.02', 'https://www.bcb.gov.br/pi/pacs.008/1.13'])
      assert.deepEqual(
        send(configured(pacs), pacs, pacs.message.replace(/<Document xmlns="[^"]*"/, `<Document xmlns="${uri}"`)),
        [],
      );
    const enveloped = { ...pacs, root: '$.Envelope' };
    const message = pacs.message
      .replace(/<Document xmlns="[^"]*"/, '<Envelope xmlns="https://www.bcb.gov.br/pi/pacs.008/1.13"><Document')
      .replace('</Document>', '</Document></Envelope>');
    assert.deepEqual(send(configured(enveloped), enveloped, message), []);
    const inside = message.replace('<MsgId>', '<MsgId xmlns="urn:example:other">');
    assert.match(send(configured(enveloped), enveloped, inside).join(' '), /FIM-PBOC-0044/);
  });

  test('white space around numbers and dates does not count, around texts it does', () => {
    const root = configured(pacs);
    const spaced = pacs.message
      .replace('>1000.50<', '>\r\n      1000.50\t<')
      .replace('>500<', '> +500.00 <')
      .replace('>1500.5<', '>\n1500.5\n<')
      .replace('>2026-11-22<', '> 2026-11-22\n<')
      .replace('>2026-11-22T09:30:00+08:00<', '>&#xA;2026-11-22T09:30:00+08:00 <');
    assert.deepEqual(send(root, pacs, spaced), []);
    for (const [replace, other, error] of [
      ['>1000.50<', '>1000 .50<', /FIM-PBOC-0014/],
      ['>1000.50<', '>\u00a01000.50<', /FIM-PBOC-0014/],
      ['>500<', '> <', /FIM-PBOC-0014/],
      ['>2026-11-22<', '>2026-11 -22<', /FIM-PBOC-0013/],
      ['>DEUTDEFF<', '> DEUTDEFF<', /FIM-PBOC-0026/],
      ['>CLRG<', '>CLRG <', /FIM-PBOC-0010/],
    ] as const)
      assert.match(
        send(
          root,
          pacs,
          pacs.message.replace(replace, () => other),
        ).join(' '),
        error,
        other,
      );
  });
});

describe('pain.001 by version', () => {
  const pain = STANDARD.find(({ name }) => name === 'iso20022-pain.001')!.vectors;
  const namespaceOf = (version: string): string => `urn:iso:std:iso:20022:tech:xsd:pain.001.001.${version}"`;
  const dated = (namespace: string, date: string): string =>
    pain.message
      .replace(namespaceOf('09'), namespace)
      .replace('<ReqdExctnDt><Dt>2026-11-30</Dt></ReqdExctnDt>', `<ReqdExctnDt>${date}</ReqdExctnDt>`);

  test('the execution date is a date before version .08, and a choice from then on', () => {
    const root = configured(pain);
    const wrong = ['garbage', '2021-02-31', '20210121', '', '<Dt>2026-11-30</Dt>', '2026-11-30T09:00:00'];
    for (const version of ['03', '04', '05', '06', '07']) {
      for (const date of ['2026-11-30', ' 2026-11-30\n', '2026-11-30Z'])
        assert.deepEqual(send(root, pain, dated(namespaceOf(version), date)), [], `${version} ${date}`);
      for (const date of wrong)
        assert.match(
          send(root, pain, dated(namespaceOf(version), date)).join(' '),
          /\/ReqdExctnDt/,
          `${version} ${date}`,
        );
    }
    for (const version of ['08', '09', '10', '11', '12']) {
      for (const date of ['<Dt>2026-11-30</Dt>', '<DtTm>2026-11-30T09:00:00Z</DtTm>'])
        assert.deepEqual(send(root, pain, dated(namespaceOf(version), date)), [], `${version} ${date}`);
      for (const date of ['2026-11-30', 'garbage', '', '<Dt>2021-02-31</Dt>'])
        assert.match(
          send(root, pain, dated(namespaceOf(version), date)).join(' '),
          /\/ReqdExctnDt/,
          `${version} ${date}`,
        );
    }
  });

  test('of a version that nobody knows the execution date is either', () => {
    const root = configured(pain);
    for (const date of ['2026-11-30', '<Dt>2026-11-30</Dt>'])
      assert.deepEqual(send(root, pain, dated(`urn:example:pain.001.99"`, date)), [], date);
  });

  test('a control sum is a decimal of 18 digits, 17 of them behind the point', () => {
    const root = configured(pain);
    const summed = (sum: string): string => pain.message.replace('<CtrlSum>200.00<', `<CtrlSum>${sum}<`);
    const right = ['0', '200', '200.00', ' 1.5\n', '123456789012345678', '1.23456789012345678', '0.12345678901234567'];
    for (const sum of [...right, '000000000000000000000200', '1.0000000000000000000000', '12345678901234567.8'])
      assert.deepEqual(send(root, pain, summed(sum)), [], sum);
    const wrong = [
      '1e2',
      '1E2',
      '1234567890123456789',
      '1234567890123456789012',
      '1.234567890123456789',
      '-1',
      '1.2.3',
    ];
    for (const sum of [...wrong, '0.123456789012345678', '123456789012345678.9', '1000000000000000000', '', 'INF'])
      assert.match(send(root, pain, summed(sum)).join(' '), /\/GrpHdr\/CtrlSum/, sum);
  });
});
