import { createHash } from 'node:crypto';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { MODULES } from '../build.ts';
import { ROOT } from './project.ts';

/** `fim version`: prints versions, and the sha256 of each module in `build/`. */
export function version(options: { json?: boolean }): void {
  const modules = Object.fromEntries(
    MODULES.map((name) => [`${name}.wasm`, digestOf(join(ROOT, 'build', `${name}.wasm`))]),
  );
  const found = {
    fim: packageVersion('package.json'),
    node: process.versions.node,
    v8: process.versions.v8,
    assemblyscript: packageVersion('node_modules/assemblyscript/package.json'),
    modules,
  };
  if (options.json) {
    process.stdout.write(`${JSON.stringify(found)}\n`);
    return;
  }
  process.stdout.write(
    `fim ${found.fim}, Node ${found.node} (V8 ${found.v8}), AssemblyScript ${found.assemblyscript}\n`,
  );
  for (const [name, sha256] of Object.entries(modules))
    process.stdout.write(`${name.padEnd(20)} ${sha256 ? `sha256 ${sha256}` : 'not built: npm run build'}\n`);
}

function packageVersion(path: string): string {
  return (JSON.parse(readFileSync(join(ROOT, path), 'utf8')) as { version: string }).version;
}

function digestOf(path: string): string | null {
  return existsSync(path) ? createHash('sha256').update(readFileSync(path)).digest('hex') : null;
}
