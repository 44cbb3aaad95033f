import { Command } from 'commander';
import type { ExplainLimitsFlags, TopFlags } from './limits-look.ts';
import type { LimitsServeFlags } from './limits-serve.ts';
import type { LimitsStatusFlags } from './limits-status.ts';

function collect(value: string, earlier: string[]): string[] {
  return [...earlier, value];
}

/** How a request is described, and the proxy that is asked. */
function requestOptions(command: Command): Command {
  return command
    .option('--method <method>', 'method of the request', 'GET')
    .option('--host <host>', 'its host', 'localhost')
    .option('--header <header>', "a header of it, 'NAME: VALUE'; may be repeated", collect, [])
    .option('--from <address>', "address of the connection's peer")
    .option('--claim <value>', 'value of the claim that a key is made of')
    .option('--certificate <fingerprint>', 'fingerprint of the verified client certificate')
    .option('--door <socket>', 'the running proxy, by the socket that `fim up --json` tells; default: the only one')
    .option('--json', 'print one JSON document');
}

/** `fim limits …`: limits from the command line. */
export function limitsCommand(finish: (status: number) => void): Command {
  const limits = new Command('limits').description('Limits of a running proxy, and those of all Envoys.');
  limits
    .command('serve')
    .description("Count global limits for all Envoys, by Envoy's rate-limit protocol. Proxies: fim up --limits h2c://…")
    .option('--listen <host:port>', 'where proxies ask (gRPC); port 0 takes a free one', '127.0.0.1:8081')
    .option('--metrics <host:port>', '/metrics, /healthz and /readyz', '127.0.0.1:9465')
    .option(
      '--store <url>',
      'redis:// or rediss://, which several services may share; default: $FIM_LIMITS_STORE, else the memory of this process',
    )
    .action(async (flags: LimitsServeFlags) => finish(await (await import('./limits-serve.ts')).serveLimits(flags)));
  limits
    .command('status')
    .description(
      'Whether the service of global limits answers a running `fim up`, and what became of requests by limit. Exit status 1: it does not answer.',
    )
    .option('--door <socket>', 'the running proxy, by the socket that `fim up --json` tells; default: the only one')
    .option('--json', 'print one JSON document')
    .action(async (flags: LimitsStatusFlags) => finish(await (await import('./limits-status.ts')).limitsStatus(flags)));
  requestOptions(
    limits
      .command('top')
      .description('The fullest buckets of a running `fim up`, of all its workers. Of keys only hashes are known.')
      .option('--count <n>', 'how many', '20')
      .option('--path <path>', 'path of the requests that --name is about', '/')
      .option(
        '--name <value>',
        "call a key by its value, which the proxy does not keep: what such a request has in the place of {}, as in --header 'x-client: {}' --name alice",
        collect,
        [],
      ),
  ).action(async (flags: TopFlags) => finish(await (await import('./limits-look.ts')).topLimits(flags)));
  requestOptions(
    limits
      .command('explain')
      .description(
        'Which limits of a running `fim up` a request meets, in which order, and what is left. It takes nothing.',
      )
      .argument('<path>', 'path of the request, with its query'),
  ).action(async (path: string, flags: ExplainLimitsFlags) =>
    finish(await (await import('./limits-look.ts')).explainLimits(path, flags)),
  );
  return limits;
}
