import { createHash } from 'node:crypto';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { stringify } from 'yaml';
import { CodedError } from '../../envoy/standalone/coded-error.ts';
import { loadPolicy } from '../../envoy/standalone/policy-loader.ts';
import type { Policy } from '../../envoy/standalone/policy.ts';
import { canaryConfig, divisionOf, stableConfigs } from '../../envoy/standalone/rollout.ts';
import type { CanaryPlugin, EnvoyObject, ListenerPlan } from '../../envoy/xds/index.ts';
import {
  asksAudit,
  asksFleet,
  FUSED_MODULE,
  type ListenerTls,
  type PluginConfig,
  readTlsFile,
  TLCP_MODULE,
  tlcpListenerConfig,
} from '../../envoy/route/index.ts';
import {
  bootstrapConfig,
  filterSlots,
  KMS_CLUSTER,
  listenerResource,
  pluginResource,
  responderAt,
  clusterResource,
  routeResource,
  tlcpConnectionsResource,
  tlcpRequestsResource,
  standingName,
  standingResource,
  tlsSecret,
} from '../../envoy/xds/index.ts';
import type { KmsSettingFlags } from './kms-options.ts';
import { readSettingFlags } from './kms-options.ts';
import { readLayout } from './options.ts';
import { ROOT } from './project.ts';
import { describe } from './transcript.ts';

/** Placeholders for values that are decided when the proxy starts. */
const LISTEN = { host: '127.0.0.1', port: 10000 };
const ADMIN = { host: '127.0.0.1', port: 9901 };
const UPSTREAM = new URL('http://127.0.0.1:8080');
const KMS = new URL('http://127.0.0.1:8200');

const LIMITS = { url: new URL('h2c://127.0.0.1:8081') };
const AUDIT = { url: new URL('http://127.0.0.1:8082') };
const OCSP = new URL('http://127.0.0.1:8888/');
const TLCP_FILES = { connections: 'discovered/tlcp-connections.json', requests: 'discovered/tlcp-requests.json' };
const LISTENER_FILE = 'discovered/listener.json';
const SECRET_FILE = 'discovered/tls.json';
/** Folder into which `fim up` puts development certificates. */
const PLACE_OF_CERTIFICATES = {
  pairs: [{ chain: 'CERTIFICATES', signKey: 'kms://fim/tlcp/sign', encryptKey: 'kms://fim/tlcp/encrypt' }],
  trust: 'AUTHORITY',
};

/** The flags of `fim render`, as commander gives them. */
export interface RenderFlags extends KmsSettingFlags {
  for: string;
  modules: string;
  json?: boolean;
  moduleUrl?: string;
  kms?: string;
  audit?: string;
  limits?: string;
}

/**
 * `fim render`: prints the bootstrap and the discovered files of Envoy, or the objects of a mesh, as YAML documents.
 * Returns the exit status: 0, or 1 if the routes are invalid.
 */
export async function render(files: string[], options: RenderFlags): Promise<number> {
  if (options.for === 'istio') return (await import('./render-istio.ts')).renderIstio(files, options);
  if (options.for !== 'envoy') throw new CodedError('FIM-UP-0020', `--for ${options.for} is neither envoy nor istio`);
  const layout = readLayout(options.modules);
  const { policy, problems } = await loadPolicy(files, layout, {
    kms: readSettingFlags(options),
    terminatesTlcp: true,
    countsGlobally: true,
    collects: true,
  });
  if (!policy) {
    for (const problem of problems) process.stderr.write(`${describe(problem)}\n`);
    return 1;
  }
  const slots = filterSlots(layout);
  const configs = rulingConfigs(policy).map((config) => ({ ...config, generation: 1 }));
  const canary = canaryPlugin(policy);
  const plan: ListenerPlan = {
    ...LISTEN,
    slots,
    pluginFile: (slot) => `discovered/${slot.filter}.json`,
    routesFile: 'discovered/routes.json',
    tlcp: TLCP_FILES,
  };
  const terms = policy.tls?.alsoTls;
  const standingFile = (name: string): string => `discovered/${name}.json`;
  const listener: [string, EnvoyObject][] =
    terms === undefined
      ? []
      : [
          [LISTENER_FILE, listenerResource({ ...plan, ordinaryTls: { secretFile: SECRET_FILE, standingFile, terms } })],
          [standingFile(standingName(terms)), standingResource(standingName(terms), '1', true)],
          [SECRET_FILE, tlsSecret({ certFile: 'tls/server.pem', keyFile: 'tls/server.key' })],
        ];
  const documents: [file: string, content: EnvoyObject][] = [
    [
      'envoy.json',
      bootstrapConfig({
        ...plan,
        admin: ADMIN,
        upstream: UPSTREAM,
        kms: KMS,
        ...(terms === undefined ? {} : { listenerFile: LISTENER_FILE }),
        ...(policy.lanes.length === 0 ? {} : { clustersFile: 'discovered/clusters.json' }),
        ...(policy.tls?.ocsp === undefined ? {} : { ocsp: OCSP }),
        ...(configs.some(asksFleet) ? { limits: LIMITS } : {}),
        ...(configs.some(asksAudit) ? { audit: AUDIT } : {}),
      }),
    ],
    ...listener,
    ...(await tlcpDocuments(policy.tls, options)),
    ['discovered/routes.json', routeResource(configs[0]!, policy.lanes)],
    ...(policy.lanes.length === 0
      ? []
      : [['discovered/clusters.json', clusterResource('1', policy.lanes)] as [string, EnvoyObject]]),
    ...slots.map((slot, index): [string, EnvoyObject] => [
      `discovered/${slot.filter}.json`,
      pluginResource(slot, moduleFile(slot.module), configs[index]!, canary),
    ]),
  ];
  if (options.json) process.stdout.write(`${JSON.stringify(Object.fromEntries(documents), null, 2)}\n`);
  else
    for (const [file, content] of documents)
      process.stdout.write(`---\n# ${file}\n${stringify(content, { lineWidth: 0 })}`);
  return 0;
}

/** Configurations of the policy in force: beside a canary, or with it as a shadow. */
function rulingConfigs(policy: Policy): PluginConfig[] {
  const { canary } = policy;
  if (canary === undefined) return policy.configs;
  return canary.shadowed?.configs ?? stableConfigs(policy, canary);
}

/** The canary in its first step. Undefined: no request meets one. */
function canaryPlugin({ canary }: Policy): CanaryPlugin | undefined {
  if (canary === undefined || canary.shadowed !== undefined) return undefined;
  const { terms, module } = canary;
  return {
    moduleFile: moduleFile(module === undefined ? FUSED_MODULE : `${FUSED_MODULE}-${module.release}`),
    config: { ...canaryConfig(canary), generation: 1 },
    division: divisionOf(canary, terms.steps?.[0] ?? terms.percent ?? 0),
  };
}

/** The two discovered configurations of national TLS; without it they let everything pass. */
async function tlcpDocuments(tls: ListenerTls | null, options: RenderFlags): Promise<[string, EnvoyObject][]> {
  if (tls === null)
    return [
      [TLCP_FILES.connections, tlcpConnectionsResource(1)],
      [TLCP_FILES.requests, tlcpRequestsResource(1)],
    ];
  const kms = { cluster: KMS_CLUSTER, ...readSettingFlags(options) };
  const own = tls.pairs.length > 0 ? null : PLACE_OF_CERTIFICATES;
  const config = tlcpListenerConfig(tls, { kms, own, responder: responderAt(OCSP), read: readTlsFile });
  if ('code' in config) throw new CodedError(config.code, config.path);
  const file = moduleFile(TLCP_MODULE);
  const requests = { version: config.version, generation: 1, requests: { required: true } };
  return [
    [TLCP_FILES.connections, tlcpConnectionsResource(1, { moduleFile: file, config: { ...config, generation: 1 } })],
    [TLCP_FILES.requests, tlcpRequestsResource(1, { moduleFile: file, config: requests })],
  ];
}

/** Module path as the proxy would load it. */
function moduleFile(name: string): string {
  const path = join(ROOT, 'build', `${name}.wasm`);
  return `modules/${existsSync(path) ? createHash('sha256').update(readFileSync(path)).digest('hex') : 'SHA256'}.wasm`;
}
