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
