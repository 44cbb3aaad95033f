import { Command } from 'commander';
import type { CanaryFlags } from './canary.ts';

const HELP = `
The canary is that of \`spec.canary\` of a route which a running fim up serves. A command returns when it is in force in every worker.
What was promoted stays the policy until the file says otherwise: put the parts of canary.spec into spec, and take canary out.
`;

const VERBS = [
  ['status', 'Show the canary: phase, share, verdict and the figures that it rests on.'],
  ['step', 'Go on to the next step now, whatever the figures say.'],
  ['promote', 'Make it the policy of all requests.'],
  ['abort', 'Take it away: all requests meet the policy that was in force before.'],
  ['pause', 'Keep the share as it is. A gate that fails still ends it.'],
  ['resume', 'Go on after a pause, with new figures.'],
  ['watch', 'Show it line by line until it ends; with --json one object a line.'],
] as const;

/** `fim canary …`: looks at the canary of a running `fim up`, and steers it. */
export function canaryCommand(finish: (status: number) => void): Command {
  const canary = new Command('canary')
    .description('The canary of a running fim up: status, step, promote, abort, pause, resume, watch.')
    .addHelpText('after', HELP)
    .exitOverride();
  for (const [name, about] of VERBS) {
    canary
      .command(name)
      .exitOverride()
      .description(about)
      .option('--control <socket>', "of the fim up, from its event `ready` (default: this user's only one)")
      .option('--json', 'print JSON')
      .action(async (flags: CanaryFlags) => finish(await (await import('./canary.ts')).canary(name, flags)));
  }
  return canary;
}
