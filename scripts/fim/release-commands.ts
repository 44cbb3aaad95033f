import { Command } from 'commander';
import type { ReleaseFlags } from './release.ts';

const HELP = `
A release is what all requests meet: the policy and its modules. Those that were in force are kept by content beside the state of
the proxy (fim up --state). After a rollback the files have no say until one of them is edited, also over restarts.
`;

/** `fim release …`: the releases of a running `fim up`, and the way back to them. */
export function releaseCommand(finish: (status: number) => void): Command {
  const release = new Command('release')
    .description('The releases of a running fim up: list, rollback.')
    .addHelpText('after', HELP)
    .exitOverride();
  const verb = (name: string, about: string): Command =>
    release
      .command(name)
      .exitOverride()
      .description(about)
      .option('--control <socket>', "of the fim up, from its event `ready` (default: this user's only one)")
      .option('--json', 'print JSON');
  verb('list', 'Show the releases that are kept, the newest first.').action(async (flags: ReleaseFlags) =>
    finish(await (await import('./release.ts')).list(flags)),
  );
  verb(
    'rollback',
    'Go back to the last good release, or to that of a name. Ends a canary. Returns when it is in force.',
  )
    .argument('[id]', 'of the release')
    .action(async (id: string | undefined, flags: ReleaseFlags) =>
      finish(await (await import('./release.ts')).rollback(id, flags)),
    );
  return release;
}
