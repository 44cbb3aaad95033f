// `fim channels …`: where the requests of the routes of a running proxy go.
import { Command } from 'commander';
import type { LaneStanding } from '../../envoy/standalone/channel-standing.ts';
import { channelStandings } from '../../envoy/standalone/channel-standing.ts';

const STATES = { Well: 'well', Unwell: 'fails its health checks', HeldDown: 'held down' } as const;

/** `fim channels …`. */
export function channelsCommand(finish: (status: number) => void): Command {
  const channels = new Command('channels').description('Channels of a running proxy.');
  channels
    .command('status')
    .description('How the channels of each route stand, and which of them requests go to now.')
    .option('--admin <host:port>', "Envoy's admin interface, as `fim up` was told it", '127.0.0.1:9901')
    .option('--json', 'print one JSON document')
    .action(async ({ admin, json }: { admin: string; json?: boolean }) => {
      const lanes = await channelStandings(new URL(`http://${admin}`));
      process.stdout.write(json ? `${JSON.stringify({ lanes })}\n` : lanes.map(linesOf).join('') || 'no channels\n');
      finish(0);
    });
  return channels;
}

function linesOf({ route, channels }: LaneStanding): string {
  const lines = channels.map(
    ({ name, address, state, inUse, active, tries, failed }) =>
      `  ${inUse ? '→' : ' '} ${name}  ${address}  ${STATES[state]}  (${active} under way, ${failed} of ${tries} failed)\n`,
  );
  return `${route}\n${lines.join('')}`;
}
