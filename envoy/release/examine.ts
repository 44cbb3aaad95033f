import { dryRun, type LoadedModule } from '../host/index.ts';
import type { Refusal } from '../route/index.ts';

/** What the very module that is to run says of a configuration; undefined: it takes it. Never throws. */
export function examine(module: LoadedModule | Uint8Array, json: string): Refusal | undefined {
  const [first] = dryRun(module, json).errors;
  if (first === undefined) return undefined;
  const { code, path, detail } = first;
  return { code, pointer: path, ...(detail === undefined ? {} : { detail }) };
}
