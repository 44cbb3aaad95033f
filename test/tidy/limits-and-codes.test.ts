import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { errorCodes } from '../../scripts/tidy/error-codes.ts';
import { limits } from '../../scripts/tidy/limits.ts';
import { tidyOf } from './project-of.ts';

const LIMITS = '/** Bodies, bytes. */\nexport const MAX_BODY_BYTES: u32 = 1024;\n';
const USER = "import { MAX_BODY_BYTES } from '../limits';\nif (size > MAX_BODY_BYTES) refuse();\n";

describe('limits', () => {
  it('lets a documented, used limit pass', () => {
    assert.deepEqual(tidyOf(limits, { 'filters/limits.ts': LIMITS, 'filters/runtime/a.ts': USER }), []);
  });

  it('lets constants pass that are no limits of messages or configurations', () => {
    const files = {
      'filters/crypto/random.ts': 'const MAX_RUNS = 8;\n',
      'filters/keys/kms-answer.ts': 'const MAX_VERSION_DIGITS: u32 = 10;\nconst MAX_PORT = 65535;\n',
      'filters/runtime/a.ts': 'const HEADER_BYTES = 16;\n// const MAX_A = 3;\nconst MAX_B = MAX_BODY_BYTES;\n',
      'test/host/a.ts': 'const MAX_WAIT_MS = 100;\n',
      'filters/runtime/a.gen.ts': 'const MAX_A: u32 = 3;\n',
    };
    assert.deepEqual(tidyOf(limits, files), []);
  });

  for (const [file, text, name] of [
    ['filters/runtime/a.ts', 'const MAX_HEADERS: u32 = 100;', 'MAX_HEADERS'],
    ['filters/runtime/a.ts', '  static readonly MAX_HEADERS: u32 = 100;', 'MAX_HEADERS'],
    ['filters/message/a.ts', 'export const MAX_INPUT_BYTES: u32 = 1 << 20;', 'MAX_INPUT_BYTES'],
    ['filters/message/a.ts', 'const MAX_JSON_DEPTH: u32 = 128;', 'MAX_JSON_DEPTH'],
    ['envoy/host/a.ts', 'const DEFAULT_WAIT_MS = 5 * 1000;', 'DEFAULT_WAIT_MS'],
  ] as const) {
    it(`catches ${text.trim()} in ${file}`, () => {
      assert.deepEqual(tidyOf(limits, { [file]: `\n${text}\n` }), [
        `${file}:2 limit ${name} belongs into ${file.split('/')[0]}/limits.ts`,
      ]);
    });
  }

  it('catches a limit without a comment', () => {
    const files = { 'filters/limits.ts': LIMITS.replace(/.*\n/, ''), 'filters/runtime/a.ts': USER };
    assert.deepEqual(tidyOf(limits, files), [
      'filters/limits.ts:1 MAX_BODY_BYTES has no doc comment: unit, and what happens beyond it',
    ]);
  });

  it('takes a schema with the same number for someone who keeps it', () => {
    const limit = LIMITS.replace('1024', '16 * 1_024');
    const schema = (maximum: number): Record<string, string> => ({
      'filters/limits.ts': limit,
      'filters/runtime/config.schema.json': `{ "maximum": ${maximum} }`,
    });
    assert.deepEqual(tidyOf(limits, schema(16_384)), []);
    assert.equal(tidyOf(limits, schema(163_840)).length, 1);
  });

  it('catches a limit that nobody keeps', () => {
    const files = { 'filters/limits.ts': LIMITS, 'filters/runtime/a.ts': '// MAX_BODY_BYTES\n' };
    assert.deepEqual(tidyOf(limits, files), ['filters/limits.ts:2 MAX_BODY_BYTES is kept by nobody']);
  });
});

interface Entry {
  code: string;
  title?: string;
  titleZh?: string;
  advice?: string;
  status?: number;
}

const A: Entry = {
  code: 'FIM-RT-0001',
  status: 500,
  title: 'Not configured',
  titleZh: '未配置',
  advice: 'See the log.',
};
const B: Entry = { code: 'FIM-UP-0001', title: 'No Envoy', titleZh: '没有', advice: 'Set ENVOY_BIN.' };

function codesOf(errors: Entry[], changes: Record<string, string> = {}): string[] {
  return tidyOf(errorCodes, {
    'filters/errors.json': JSON.stringify({ errors }, null, 2),
    'filters/runtime/reply.ts': 'send(ErrorId.FIM_RT_0001);\n',
    'envoy/standalone/a.ts': "throw new CodedError('FIM-UP-0001');\n",
    'docs/errors.md': '`FIM-RT-0001` `FIM-UP-0001`\n',
    ...changes,
  });
}

describe('error codes', () => {
  it('lets a used and documented table pass', () => assert.deepEqual(codesOf([A, B]), []));

  it('catches a code that is not in the table', () => {
    assert.deepEqual(codesOf([A, B], { 'envoy/xds/a.ts': "\nfail('FIM-UP-0099');\n" }), [
      'envoy/xds/a.ts:2 FIM-UP-0099 is not in filters/errors.json',
    ]);
    assert.deepEqual(codesOf([A, B], { 'filters/keys/a.ts': 'fail(ErrorId.FIM_KMS_0009);\n' }), [
      'filters/keys/a.ts:1 FIM-KMS-0009 is not in filters/errors.json',
    ]);
  });

  it('catches a code that is used nowhere: a comment, a test and a copy of the table are no use', () => {
    const idle = {
      'envoy/standalone/a.ts': '// FIM-UP-0001\n',
      'test/e2e/a.test.ts': "expect('FIM-UP-0001');\n",
      'envoy/route/errors.gen.ts': "'FIM-UP-0001'\n",
    };
    assert.deepEqual(codesOf([A, B], idle), ['filters/errors.json:11 FIM-UP-0001 is used nowhere']);
  });

  it('catches a code that is not documented', () => {
    assert.deepEqual(codesOf([A, B], { 'docs/errors.md': '`FIM-UP-0001`\n' }), [
      'filters/errors.json:4 FIM-RT-0001 is not in docs/errors.md',
    ]);
  });

  it('catches a code given twice', () => assert.match(codesOf([A, B, A]).join(), /FIM-RT-0001 is there twice/));

  it('catches a missing translation', () =>
    assert.match(codesOf([A, { ...B, titleZh: '' }]).join(), /FIM-UP-0001 has no titleZh/));

  it('catches missing advice', () =>
    assert.match(codesOf([A, { code: B.code, title: 'a', titleZh: 'b' }]).join(), /FIM-UP-0001 has no advice/));

  it('catches a status that is no error', () =>
    assert.match(codesOf([{ ...A, status: 200 }, B]).join(), /FIM-RT-0001 has a status that is no error/));

  it('catches a malformed code', () =>
    assert.match(codesOf([A, B, { ...A, code: 'FIM-RT-1' }]).join(), /"FIM-RT-1" is not FIM, area and four digits/));
});
