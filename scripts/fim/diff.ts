// `fim diff`: what a change of policies means, in words.
import { differences, loadRoutes, type Difference } from '../../envoy/route/index.ts';
import { CodedError } from '../../envoy/standalone/coded-error.ts';
import { inLanguage } from './language.ts';
import { styled } from './terminal.ts';
import { tellMistakes } from './transcript.ts';

export interface DiffFlags {
  output: string;
  failOnWeaker?: boolean;
}

/** Longest value that a line shows, characters. */
const SHOWN_CHARACTERS = 160;
const EFFECTS = {
  Weaker: ['red', 'weaker', '减弱'],
  Other: ['yellow', 'to be read', '需审阅'],
  Stricter: ['green', 'stricter', '加强'],
} as const;

/** Compares two files or folders. Returns the exit status: 0, or 1 if one is wrong or, if asked, something is weaker. */
export function diff(before: string, after: string, flags: DiffFlags): number {
  if (flags.output !== 'text' && flags.output !== 'json')
    throw new CodedError('FIM-UP-0020', '--output is text or json');
  const [old, next] = [loadRoutes([before]), loadRoutes([after])];
  const errors = [...old.errors, ...next.errors];
  if (errors.length > 0) {
    tellMistakes(errors, '');
    return 1;
  }
  const found = differences(old, next);
  if (flags.output === 'json') print(JSON.stringify({ differences: found }));
  else tellAll(found);
  return flags.failOnWeaker === true && found.some(({ effect }) => effect === 'Weaker') ? 1 : 0;
}

function tellAll(found: readonly Difference[]): void {
  if (found.length === 0) print(`${styled('green', '✓')} ${inLanguage('no difference', '没有差异')}`);
  for (const [effect, group] of Map.groupBy(found, (one) => one.effect)) {
    const [colour, en, zh] = EFFECTS[effect];
    print(styled(['bold', colour], `${inLanguage(en, zh)}: ${group.length}`));
    for (const [resource, own] of Map.groupBy(group, (one) => one.resource)) {
      print(`  ${styled('bold', resource)}`);
      for (const one of own) print(`    ${line(one)}`);
    }
  }
}

function line({ kind, path, from, to, file, line: number }: Difference): string {
  const place = styled('dim', number === undefined ? file : `${file}:${number}`);
  const at = path === '$' ? inLanguage('the whole resource', '整个资源') : path.replace(/^\$\.spec\./, '');
  if (kind === 'Changed') return `~ ${at}: ${shown(from)} → ${shown(to)}  ${place}`;
  return kind === 'Added' ? `+ ${at}: ${shown(to)}  ${place}` : `- ${at}: ${shown(from)}  ${place}`;
}

function shown(json = ''): string {
  return json.length <= SHOWN_CHARACTERS ? json : `${json.slice(0, SHOWN_CHARACTERS)}…`;
}

function print(text: string): void {
  process.stdout.write(`${text}\n`);
}
