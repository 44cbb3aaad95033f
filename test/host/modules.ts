// The built modules, ready for the host.
import { readFileSync } from 'node:fs';
import { loadModule } from '../../envoy/host/index.ts';
import type { LoadedModule } from '../../envoy/host/index.ts';
import { buildModules, MODULES } from '../../scripts/build.ts';

/** Builds what is not up to date and loads it; by name. */
export async function builtModules(names: Iterable<string>): Promise<Map<string, LoadedModule>> {
  const wanted = new Set(names);
  const built = await buildModules(MODULES.filter((name) => wanted.has(name)));
  return new Map(built.map(({ name, path }) => [name, loadModule(readFileSync(path))]));
}

/** `fim.wasm`. */
export async function fimModule(): Promise<LoadedModule> {
  return (await builtModules(['fim'])).get('fim')!;
}
