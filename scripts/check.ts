// npm run check [types|format]: types and lint of everything that runs on Node, and formatting of all sources, or one of
// the two.
import { execFileSync, spawn } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { cacheFolder } from '../envoy/standalone/cache-folder.ts';
import { KnownLayout } from './known-layout.ts';

/** A tool to run, with advice for a failure. */
interface Check {
  tool: string;
  args: string[];
  advice: string;
  /** Does something once it has succeeded. */
  onGood?: () => void;
}

const TYPES: Check[] = [
  { tool: 'node_modules/typescript/bin/tsc', args: ['--noEmit', '-p', 'tsconfig.json'], advice: '' },
  { tool: 'node_modules/oxlint/bin/oxlint', args: ['--type-aware', '-f', 'unix'], advice: '' },
];

/** Checks the layout of those files that were not found good before, if there are any. */
function format(): Check[] {
  const known = new KnownLayout(join(cacheFolder('layout'), 'known'));
  const listed = execFileSync(
    'git',
    ['ls-files', '-z', '--cached', '--others', '--exclude-standard', '--', '*.ts', '*.mjs', '*.js'],
    { encoding: 'utf8', maxBuffer: 64 * 1024 * 1024 },
  );
  const files = new Map(
    listed
      .split('\0')
      .filter((file) => file !== '' && existsSync(file))
      .map((file) => [file, readFileSync(file, 'utf8')] as const)
      .filter(([file, text]) => !known.has(file, text)),
  );
  if (files.size === 0) return [];
  const args = ['--check', '--log-level', 'warn', ...files.keys()];
  const tool = 'node_modules/prettier/bin/prettier.cjs';
  return [{ tool, args, advice: '`npm run format` lays them out.', onGood: () => known.add(files) }];
}

const CHECKS: Record<string, () => Check[]> = { types: () => TYPES, format };

/** Runs one tool. Returns its output if it failed. */
async function run({ tool, args, advice, onGood }: Check): Promise<string[]> {
  const child = spawn(process.execPath, [tool, ...args], { stdio: ['ignore', 'pipe', 'pipe'] });
  let output = '';
  for (const stream of [child.stdout, child.stderr])
    stream.setEncoding('utf8').on('data', (text: string) => (output += text));
  const status = await new Promise<number | null>((done) => child.on('close', done));
  if (status === 0) {
    onGood?.();
    return [];
  }
  return [[output.trim(), advice].filter((text) => text !== '').join('\n')];
}

process.chdir(fileURLToPath(new URL('..', import.meta.url)));
const [asked] = process.argv.slice(2);
const chosen = Object.entries(CHECKS).filter(([of]) => asked === undefined || of === asked);
if (chosen.length === 0) throw new Error(`no such check: ${asked}`);
const problems = (await Promise.all(chosen.flatMap(([, checks]) => checks()).map(run))).flat();
for (const problem of problems) process.stdout.write(`${problem}\n`);
process.exit(problems.length > 0 ? 1 : 0);
