// npm run check [types|format]: types and lint of everything that runs on Node, and formatting of all sources, or one of
// the two.
import { spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';

/** Tools to run, by what they look at, with advice for a failure. */
const CHECKS = [
  { of: 'types', tool: 'node_modules/typescript/bin/tsc', args: ['--noEmit', '-p', 'tsconfig.json'], advice: '' },
  { of: 'types', tool: 'node_modules/oxlint/bin/oxlint', args: ['--type-aware', '-f', 'unix'], advice: '' },
  {
    of: 'format',
    tool: 'node_modules/prettier/bin/prettier.cjs',
    args: ['--check', '--cache', '--log-level', 'warn', '.'],
    advice: '`npm run format` lays them out.',
  },
];

/** Runs one tool. Returns its output if it failed. */
async function run({ tool, args, advice }: (typeof CHECKS)[number]): Promise<string[]> {
  const child = spawn(process.execPath, [tool, ...args], { stdio: ['ignore', 'pipe', 'pipe'] });
  let output = '';
  for (const stream of [child.stdout, child.stderr])
    stream.setEncoding('utf8').on('data', (text: string) => (output += text));
  const status = await new Promise<number | null>((done) => child.on('close', done));
  return status === 0 ? [] : [[output.trim(), advice].filter((text) => text !== '').join('\n')];
}

process.chdir(fileURLToPath(new URL('..', import.meta.url)));
const [asked] = process.argv.slice(2);
const chosen = CHECKS.filter(({ of }) => asked === undefined || of === asked);
if (chosen.length === 0) throw new Error(`no such check: ${asked}`);
const problems = (await Promise.all(chosen.map(run))).flat();
for (const problem of problems) process.stdout.write(`${problem}\n`);
process.exit(problems.length > 0 ? 1 : 0);
