// The service as a process: its store, its two ports, and its end.
import { formatAddress, parseAddress } from '../../envoy/standalone/address.ts';
import { CodedError } from '../../envoy/standalone/coded-error.ts';
import { MemoryStore } from './memory-store.ts';
import { LimitMetrics } from './metrics.ts';
import { MetricsServer } from './metrics-server.ts';
import { RedisStore } from './redis-store.ts';
import { LimitService } from './service.ts';
import type { Store } from './store.ts';

/** Where it listens, and what it counts in. */
export interface ServeFlags {
  listen: string;
  metrics: string;
  store?: string;
}

/** Counts until a signal arrives; `tell`: one line of progress. Errors: FIM-UP-0020. */
export async function serve(flags: ServeFlags, tell: (line: string) => void): Promise<void> {
  const listen = parseAddress(flags.listen, '--listen');
  const admin = parseAddress(flags.metrics, '--metrics');
  const stopping = new Promise<void>((done) => {
    for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => done());
    process.on('disconnect', () => done());
  });
  const metrics = new LimitMetrics();
  const store = await openStore(flags.store ?? process.env.FIM_LIMITS_STORE, metrics, tell);
  const service = await LimitService.start({ listen: formatAddress(listen), store, metrics });
  const server = await MetricsServer.start(admin.host, admin.port, metrics, store);
  const ready = {
    event: 'ready',
    listen: formatAddress({ host: listen.host, port: service.port }),
    metrics: formatAddress({ host: admin.host, port: server.port }),
    store: store.healthy,
  };
  process.stdout.write(`${JSON.stringify(ready)}\n`);
  await stopping;
  tell('stopping …');
  await service.stop();
  await server.stop();
}

/** No message names the URL: it may hold a password. */
async function openStore(url: string | undefined, metrics: LimitMetrics, tell: (line: string) => void): Promise<Store> {
  if (url === undefined) {
    metrics.storeUp.set(1);
    return new MemoryStore();
  }
  if (!URL.canParse(url) || !['redis:', 'rediss:'].includes(new URL(url).protocol))
    throw new CodedError('FIM-UP-0020', '--store is redis://HOST[:PORT] or rediss://HOST[:PORT]');
  const store = await RedisStore.open({
    url,
    onHealth: (healthy) => {
      metrics.storeUp.set(healthy ? 1 : 0);
      tell(healthy ? 'the store answers' : 'the store does not answer');
    },
  });
  if (!store.healthy) tell('the store does not answer yet');
  return store;
}
