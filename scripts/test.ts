// npm test [STAGE [NAME…]] [--optimize] [--times N] [--beside-load]: runs everything, or one stage, or the files of it
// whose path contains a NAME; N times, and while other threads keep all processors busy.
import { writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { runStages } from './test/lanes.ts';
import type { Outcome } from './test/outcome.ts';
import { costLines } from './test/processor-time.ts';
import { readRepetition, runRepeatedly } from './test/repeat.ts';
import { STAGES, type Stage } from './test/stages.ts';
import { knownUnstable, unlisted } from './test/unstable.ts';

function print(line: string): void {
  process.stdout.write(`${line}\n`);
}

function seconds(sinceMs: number): string {
  return `${((performance.now() - sinceMs) / 1000).toFixed(1)} s`;
}

function usage(problem: string): never {
  const names = [...new Set(STAGES.map((stage) => stage.name))].join(' ');
  print(
    `${problem}\nusage: npm test [-- STAGE [NAME…] [--optimize] [--times N] [--beside-load]]\nstages: main mesh peers (groups), ${names}`,
  );
  process.exit(2);
}

function chooseStages(what: string | undefined): Stage[] {
  const group = what ?? 'main';
  const tier = STAGES.filter((stage) => stage.tier === group);
  const chosen = tier.length > 0 ? tier : STAGES.filter((stage) => stage.name === group);
  if (chosen.length === 0) usage(`no such stage: ${group}`);
  return chosen;
}

function indent(text: string): string {
  return text.replaceAll(/^/gm, '      ');
}

function printProblems(total: Outcome): void {
  if (total.unstable.length > 0)
    print(
      `\nUNSTABLE, failed among others and passed alone:\n${total.unstable.map((name) => `  - ${name}`).join('\n')}`,
    );
  if (total.failures.length > 0) print('\nFailures:');
  for (const [index, failure] of total.failures.entries())
    print(`  ${index + 1}. ${failure.name}\n${indent(failure.detail)}`);
  if (total.skipped.length > 0)
    print(`\nSKIPPED, that is not tested:\n${total.skipped.map((name) => `  - ${name}`).join('\n')}`);
}

process.chdir(fileURLToPath(new URL('..', import.meta.url)));
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => process.exit(130)); // stages end what they started on exit
const countsFile = process.env.FIM_TEST_COUNTS;
delete process.env.FIM_TEST_COUNTS; // must not reach tests that run one of our scripts

const read = readRepetition(process.argv.slice(2));
if (typeof read === 'string') usage(read);
const { repetition, rest: args } = read;
const optimize = args.includes('--optimize');
const [what, ...names] = args.filter((arg) => arg !== '--optimize');
const began = performance.now();
const request = { names, optimize, print };
const stages = chooseStages(what);
const total = await (repetition === undefined
  ? runStages(stages, request)
  : runRepeatedly(stages, request, repetition));
const chance = unlisted(total.unstable, knownUnstable(), new Date());
total.failed += chance.length;
total.failures.push(...chance);
costLines(total.costs).forEach(print);
printProblems(total);

const isCi = process.env.CI === 'true';
const failed = total.failed + (isCi ? total.skipped.length : 0);
const skippedText = total.skipped.length > 0 && !isCi ? `, ${total.skipped.length} skipped` : '';
// .ci/run adds up the tiers from this file and prints the closing line itself.
if (countsFile === undefined) print(`\n${total.passed} passed, ${failed} failed${skippedText}`);
else {
  writeFileSync(countsFile, `${total.passed} ${failed}\n`);
  print(`\ntier ${what ?? 'main'}: passed=${total.passed} failed=${failed} in ${seconds(began)}`);
}
process.exit(failed > 0 || total.passed === 0 ? 1 : 0);
