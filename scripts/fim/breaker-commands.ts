// `fim breaker …`: the breakers of a running proxy, asked and set through its door.
import { Command } from 'commander';
import type { BreakerSaid } from '../../envoy/standalone/breaker-watch.ts';
import { Door } from '../../envoy/standalone/door.ts';

interface BreakerFlags {
  door?: string;
  json?: boolean;
}

const ORDERS = {
  open: 'Refuse all requests of a route (or lead them to its backups), until `close` or `reset`.',
  close: 'Send all requests of a route whatever becomes of them, until `open` or `reset`.',
  reset: 'Let results decide again, from Normal on; what was counted is forgotten.',
} as const;

/** `fim breaker …`. */
export function breakerCommand(finish: (status: number) => void): Command {
  const breaker = new Command('breaker').description('Breakers of a running proxy.');
  const options = (command: Command): Command =>
    command
      .option('--door <socket>', 'the running proxy, by the socket that `fim up --json` tells; default: the only one')
      .option('--json', 'print one JSON document');
  options(
    breaker.command('status').description('How the breakers of a running `fim up` stand, for all its workers.'),
  ).action(async (flags: BreakerFlags) => {
    const door = await Door.find(flags.door);
    const said = await door.ask<{ breakers: BreakerSaid[] }>({ path: '/breaker/status' });
    process.stdout.write(
      flags.json ? `${JSON.stringify(said)}\n` : said.breakers.map(lineOf).join('') || 'no breakers\n',
    );
    finish(0);
  });
  for (const [verb, description] of Object.entries(ORDERS))
    options(breaker.command(verb).description(description).argument('<route>', 'NAME, or NAMESPACE/NAME')).action(
      async (route: string, flags: BreakerFlags) => {
        const name = route.includes('/') ? route : `default/${route}`;
        const door = await Door.find(flags.door);
        const said = await door.ask<BreakerSaid>({ path: `/breaker/${verb}/${name}`, method: 'POST' });
        process.stdout.write(flags.json ? `${JSON.stringify(said)}\n` : lineOf(said));
        finish(0);
      },
    );
  return breaker;
}

function lineOf({ route, state, set, requests, faults, waitsMs = 0 }: BreakerSaid): string {
  const notes = [
    ...(set === 'No' ? [] : [`set by ${set === 'Command' ? 'command' : 'the resource'}`]),
    ...(requests === undefined ? [] : [`${faults} faults of ${requests} in the window`]),
    ...(waitsMs > 0 ? [`probes in ${(waitsMs / 1000).toFixed(1)} s`] : []),
  ];
  return `${route}  ${state}${notes.length === 0 ? '' : `  (${notes.join('; ')})`}\n`;
}
