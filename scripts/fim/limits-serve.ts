import { formatAddress, parseAddress } from '../../envoy/standalone/address.ts';
import { CodedError } from '../../envoy/standalone/coded-error.ts';
import { MemoryStore } from '../../services/limits/memory-store.ts';
import { LimitMetrics } from '../../services/limits/metrics.ts';
import { MetricsServer } from '../../services/limits/metrics-server.ts';
import { RedisStore } from '../../services/limits/redis-store.ts';
import { LimitService } from '../../services/limits/service.ts';
import type { Store } from '../../services/limits/store.ts';
import { progress } from './terminal.ts';

/** The flags of `fim limits serve`, as commander gives them. */
export interface LimitsServeFlags {
  listen: string;
  metrics: string;
  store?: string;
}

/** `fim limits serve`: runs until a signal arrives. Returns the exit status. */
export async function serveLimits(flags: LimitsServeFlags): Promise<number> {
  const listen = parseAddress(flags.listen, '--listen');
  const admin = parseAddress(flags.metrics, '--metrics');
  const stopping = new Promise<void>((done) => {
    for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => done());
    process.on('disconnect', () => done());
  });
  const metrics = new LimitMetrics();
  const store = await openStore(flags.store ?? process.env.FIM_LIMITS_STORE, metrics);
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
  progress('stopping …');
  await service.stop();
  await server.stop();
  return 0;
}

/** No message names the URL: it may hold a password. */
async function openStore(url: string | undefined, metrics: LimitMetrics): Promise<Store> {
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
      progress(healthy ? 'the store answers' : 'the store does not answer');
    },
  });
  if (!store.healthy) progress('the store does not answer yet');
  return store;
}
