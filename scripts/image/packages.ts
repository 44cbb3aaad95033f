// Files and packages that a program of this repository needs at run time. `node scripts/image/packages.ts ENTRY…
// TARGET` copies them.
import { cpSync, existsSync, mkdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));
/** Imports and re-exports are on lines of their own. Those of types do not exist at run time. */
const IMPORT = /^(?:import|export)\b(?!\s+type\b)[^'"]*\bfrom ['"]([^'"]+)['"];?$|\bimport\(['"]([^'"]+)['"]\)/gm;
/** Files that a source reads without importing them. */
const READ_BY: Record<string, string[]> = {
  'envoy/route/profiles.ts': ['envoy/route/profiles'],
  'services/audit/record-reader.ts': ['services/audit/record.schema.json'],
  'envoy/route/schema-check.ts': ['envoy/route/financial-route.schema.json'],
  'services/limits/service.ts': ['services/limits/protocol'],
  'services/limits/redis-store.ts': ['services/limits/take.lua'],
};

export interface Needs {
  /** Relative to the repository. */
  files: string[];
  /** Folders of packages, relative to the repository: `node_modules/…`. */
  packages: string[];
}

function targetsOf(file: string): string[] {
  return [...readFileSync(path.join(ROOT, file), 'utf8').matchAll(IMPORT)].map((match) => match[1] ?? match[2] ?? '');
}

/** Package name of an import: `@scope/name` or `name`. */
function packageName(target: string): string {
  return target
    .split('/')
    .slice(0, target.startsWith('@') ? 2 : 1)
    .join('/');
}

/** Folder in which Node finds a package: the nearest `node_modules` that has it. */
function locate(name: string, from: string): string | undefined {
  for (let folder = from; ; folder = path.dirname(folder)) {
    const candidate = path.join(folder, 'node_modules', name);
    if (existsSync(path.join(ROOT, candidate, 'package.json'))) return candidate;
    if (folder === '.' || folder === '') return undefined;
  }
}

function closure(names: Iterable<string>): string[] {
  const found = new Set<string>();
  const visit = (name: string, from: string, needed: boolean): void => {
    const folder = locate(name, from);
    if (folder === undefined) {
      if (needed) throw new Error(`the package ${name} is not installed`);
      return;
    }
    if (found.has(folder)) return;
    found.add(folder);
    const { dependencies = {}, optionalDependencies = {} } = JSON.parse(
      readFileSync(path.join(ROOT, folder, 'package.json'), 'utf8'),
    ) as { dependencies?: Record<string, string>; optionalDependencies?: Record<string, string> };
    for (const next of Object.keys(dependencies)) visit(next, folder, !(next in optionalDependencies));
  };
  for (const name of names) visit(name, '.', true);
  return [...found].sort();
}

/** Needs of the entries. Throws if a package is not installed. */
export function needsOf(entries: readonly string[]): Needs {
  const files = new Set<string>(['package.json']);
  const names = new Set<string>();
  const visit = (file: string): void => {
    if (files.has(file)) return;
    files.add(file);
    if (!file.endsWith('.ts')) return;
    for (const target of targetsOf(file)) {
      if (target.startsWith('.')) visit(path.posix.normalize(path.posix.join(path.posix.dirname(file), target)));
      else if (!target.startsWith('node:')) names.add(packageName(target));
    }
    for (const data of READ_BY[file] ?? []) files.add(data);
  };
  for (const entry of entries) visit(entry);
  return { files: [...files].sort(), packages: closure(names) };
}

/** Copies the needs, with the same folders as here. */
export function copyNeeds({ files, packages }: Needs, target: string): void {
  for (const file of files) {
    mkdirSync(path.dirname(path.join(target, file)), { recursive: true });
    cpSync(path.join(ROOT, file), path.join(target, file), { recursive: true });
  }
  for (const folder of packages) {
    // Nested packages are found and copied separately.
    cpSync(path.join(ROOT, folder), path.join(target, folder), {
      recursive: true,
      dereference: true,
      filter: (source) => !source.slice(path.join(ROOT, folder).length).includes('node_modules'),
    });
  }
}

if (import.meta.main) {
  const target = process.argv.at(-1) ?? '';
  const needs = needsOf(process.argv.slice(2, -1));
  copyNeeds(needs, target);
  process.stdout.write(`${needs.files.length} files, ${needs.packages.length} packages\n`);
}
