// A pod of two containers that share a network namespace with only a loopback: Envoy with the module, and a KMS with an
// upstream. No port is published or used on this machine, so it works wherever the engine runs.
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { GenericContainer, type StartedTestContainer, Wait } from 'testcontainers';
import { loadPolicy } from '../../../envoy/standalone/policy-loader.ts';
import { bootstrapConfig, filterSlots, pluginResource, routeResource } from '../../../envoy/xds/index.ts';
import { buildModules } from '../../../scripts/build.ts';

const ROOT = path.resolve(import.meta.dirname, '../../..');
const HOME = '/fim';
const LOOPBACK = '127.0.0.1';
/** Ports in the pod's own network namespace. */
const PORTS = { listener: 10000, admin: 9901, kms: 8200, upstream: 8080 };
const START_TIMEOUT_MS = 60_000;

export interface Answer {
  status: number;
  headers: Record<string, string>;
  body: string;
}

export class Pod {
  private readonly containers: StartedTestContainer[] = [];

  /** Starts both containers; `routeFile` is rendered as `fim render --for envoy` does it. */
  async start(images: { node: string; envoy: string }, routeFile: string): Promise<void> {
    const { policy, problems } = await loadPolicy([routeFile], 'fused');
    if (policy === undefined) throw new Error(`${routeFile}: ${JSON.stringify(problems)}`);
    const services = await new GenericContainer(images.node)
      .withNetworkMode('none')
      .withCopyDirectoriesToContainer([
        { source: path.join(ROOT, 'envoy'), target: `${HOME}/envoy` },
        { source: import.meta.dirname, target: `${HOME}/test/peers/pod` },
      ])
      .withCopyFilesToContainer([{ source: path.join(ROOT, 'package.json'), target: `${HOME}/package.json` }])
      .withCommand([
        `${HOME}/test/peers/pod/services.ts`,
        String(PORTS.kms),
        String(PORTS.upstream),
        ...policy.keys.map(({ id }) => id),
      ])
      .withWaitStrategy(Wait.forLogMessage('services are ready').withStartupTimeout(START_TIMEOUT_MS))
      .start();
    this.containers.push(services);
    const envoy = await new GenericContainer(images.envoy)
      .withNetworkMode(`container:${services.getId()}`)
      .withCopyContentToContainer(await envoyFiles(policy.configs[0]))
      .withCommand(['-c', `${HOME}/envoy.json`, '--concurrency', '1', '--log-level', 'info'])
      .withWaitStrategy(Wait.forLogMessage('starting workers').withStartupTimeout(START_TIMEOUT_MS))
      .start();
    this.containers.push(envoy);
  }

  async stop(): Promise<void> {
    for (const container of this.containers.splice(0).reverse()) await container.stop();
  }

  /** Sends a request from inside the pod to Envoy, to the upstream or to the KMS. */
  async send(
    to: 'listener' | 'upstream' | 'kms',
    pathname: string,
    init: { method?: string; headers?: Record<string, string>; body?: string } = {},
  ): Promise<Answer> {
    const request = JSON.stringify({ url: `http://${LOOPBACK}:${PORTS[to]}${pathname}`, ...init });
    const [services] = this.containers;
    if (services === undefined) throw new Error('the pod is not running');
    const { stdout, stderr, exitCode } = await services.exec([
      `/usr/local/bin/${path.basename(process.execPath)}`,
      `${HOME}/test/peers/pod/client.ts`,
      request,
    ]);
    if (exitCode !== 0) throw new Error(`client in the pod: ${stderr}`);
    return JSON.parse(stdout) as Answer;
  }
}

type PluginConfiguration = Parameters<typeof pluginResource>[2];

async function envoyFiles(
  config: PluginConfiguration | undefined,
): Promise<{ content: string | Buffer; target: string }[]> {
  const [slot] = filterSlots('fused');
  const [module] = await buildModules(['fim']);
  if (slot === undefined || module === undefined || config === undefined)
    throw new Error('the fused layout is one filter with one module');
  const files = {
    module: `${HOME}/modules/${module.sha256}.wasm`,
    plugin: `${HOME}/discovered/${slot.filter}.json`,
    routes: `${HOME}/discovered/routes.json`,
  };
  const bootstrap = bootstrapConfig({
    host: LOOPBACK,
    port: PORTS.listener,
    admin: { host: LOOPBACK, port: PORTS.admin },
    upstream: new URL(`http://${LOOPBACK}:${PORTS.upstream}`),
    kms: new URL(`http://${LOOPBACK}:${PORTS.kms}`),
    slots: [slot],
    pluginFile: () => files.plugin,
    routesFile: files.routes,
  });
  const numbered = { ...config, generation: 1 };
  return [
    { content: readFileSync(module.path), target: files.module },
    { content: JSON.stringify(pluginResource(slot, files.module, numbered)), target: files.plugin },
    { content: JSON.stringify(routeResource(numbered)), target: files.routes },
    { content: JSON.stringify(bootstrap), target: `${HOME}/envoy.json` },
  ];
}
