// `node istio/operator/main.ts`: runs the operator as a process. In a cluster it uses its pod's credentials.
import { KubeConfig } from '@kubernetes/client-node';
import { randomUUID } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { hostname } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { pino } from 'pino';
import { STOP_TIMEOUT_MS } from '../limits.ts';
import { Endpoints } from './endpoints.ts';
import { KubeApi } from './kube/api.ts';
import { LEASE_NAME } from './kube/resources.ts';
import { Leader } from './leader.ts';
import { OperatorMetrics } from './metrics.ts';
import { Operator } from './operator.ts';
import { readOptions, type OperatorFlags } from './options.ts';

function version(): string {
  const root = dirname(dirname(dirname(fileURLToPath(import.meta.url))));
  return (JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as { version: string }).version;
}

function kubeConfig(flags: OperatorFlags): KubeConfig {
  const config = new KubeConfig();
  if (flags.kubeconfig !== undefined) config.loadFromFile(flags.kubeconfig);
  else config.loadFromCluster();
  return config;
}

async function run(flags: OperatorFlags): Promise<void> {
  const logger = pino({
    base: undefined,
    timestamp: pino.stdTimeFunctions.isoTime,
    level: flags.logLevel,
    formatters: { level: (label) => ({ level: label }) },
    messageKey: 'event',
  });
  const log = (event: string, fields: Record<string, unknown>, level: 'info' | 'warn' | 'error' = 'info'): void =>
    logger[level](fields, event);
  const metrics = new OperatorMetrics();
  const api = new KubeApi(kubeConfig(flags), (verb, resource, status) =>
    metrics.apiRequests.inc({ verb, resource, code: String(status) }),
  );
  const operator = new Operator({
    api,
    metrics,
    modules: flags.modules,
    tlcp: flags.tlcp,
    seal: flags.seal,
    otherPorts: flags.otherPorts,
    kms: flags.kms,
    audit: flags.audit,
    limits: flags.limits,
    keys: flags.keys,
    rootNamespace: flags.rootNamespace,
    ...(flags.namespaces === undefined ? {} : { namespaces: flags.namespaces }),
    ...(flags.revision === undefined ? {} : { revision: flags.revision }),
    clusterDomain: flags.clusterDomain,
    requestTimeoutMs: flags.requestTimeoutMs,
    believedPeers: flags.believedPeers,
    probePort: flags.probePort,
    version: version(),
    log,
  });
  const endpoints = new Endpoints();
  const address = await endpoints.start({
    ...flags.listen,
    metrics,
    collect: () => operator.collect(),
    notReady: () => operator.notReady(),
  });
  log('listening', { address, version: version() });

  const stopping = new AbortController();
  const identity = flags.identity ?? `${hostname()}_${randomUUID().slice(0, 8)}`;
  let ending: Promise<void> | undefined;
  let election: Promise<void> | undefined;
  const end = (status: number, reason: string): void => {
    ending ??= (async () => {
      log('stopping', { reason });
      // Work that hangs must not keep the process alive. The next process repeats unfinished work.
      setTimeout(() => process.exit(status), STOP_TIMEOUT_MS).unref();
      await operator.stop();
      stopping.abort();
      await election;
      await endpoints.stop();
      api.close();
      log('stopped', {});
      process.exit(status);
    })();
  };
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, () => end(0, signal));

  const synced = operator.start();
  const leader = new Leader({
    api,
    namespace: flags.namespace,
    name: flags.revision === undefined ? LEASE_NAME : `${LEASE_NAME}-${flags.revision}`,
    identity,
    // A replica that has not synchronised must neither take nor keep the lease.
    unfit: () => operator.notReady(),
    onLeading: () => {
      metrics.leading.set(1);
      log('leading', { identity });
      void operator.lead();
    },
    onLost: (reason) => end(1, `the lease is lost: ${reason}`),
    onFailure: (message) => log('lease-failed', { error: message }, 'warn'),
  });
  await synced;
  log('synced', {});
  if (!stopping.signal.aborted) election = leader.run(stopping.signal);
}

const flags = readOptions(process.argv.slice(2));
if (typeof flags === 'string') {
  process.stderr.write(`${flags}\n`);
  process.exitCode = 2;
} else {
  await run(flags).catch((error: Error) => {
    process.stderr.write(`the operator cannot start: ${error.message}\n`);
    process.exit(1);
  });
}
