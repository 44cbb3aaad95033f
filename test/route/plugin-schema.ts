import { readdirSync, readFileSync, existsSync } from 'node:fs';
import { Ajv2020 } from 'ajv/dist/2020.js';

import { withStages } from '../../scripts/generate/stages.ts';

const FILTERS = new URL('../../filters/', import.meta.url);
const NAME = 'config.schema.json';

/** Violations of the plugin configuration's schemas by a value. Empty if there are none. */
export function pluginSchemaMistakes(value: unknown): string[] {
  return validate(value) ? [] : (validate.errors ?? []).map((error) => `${error.instancePath} ${error.message}`);
}

const ajv = new Ajv2020({ strict: true, strictTypes: false, allErrors: true });
ajv.addVocabulary(['x-fim-lazy', 'x-fim-raw']);
for (const folder of readdirSync(FILTERS)) {
  const file = new URL(`${folder}/${NAME}`, FILTERS);
  if (existsSync(file))
    ajv.addSchema({
      ...withStages(JSON.parse(readFileSync(file, 'utf8')) as object),
      $id: `https://fim.financial/filters/${folder}/${NAME}`,
    });
}
const validate = ajv.getSchema(`https://fim.financial/filters/runtime/${NAME}`) ?? ajv.compile(false);
