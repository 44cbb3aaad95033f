import { Command } from 'commander';
import type { LimitsServeFlags } from './limits-serve.ts';

/** `fim limits …`: limits of all Envoys from the command line. */
export function limitsCommand(finish: (status: number) => void): Command {
  const limits = new Command('limits').description('Limits with `scope: Global`.');
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
  return limits;
}
