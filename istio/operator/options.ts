// Command line of the operator. Each option can also be set by an environment variable, FIM_ and the name in capitals.
import { parseArgs } from 'node:util';
import { DEFAULT_REQUEST_TIMEOUT_MS } from '../../envoy/limits.ts';
import { MAX_REQUEST_TIMEOUT_MS } from '../limits.ts';
import { KMS_SETTINGS, readKmsSettings, type KmsSettings } from '../../envoy/route/index.ts';
import { BINDING_MODES, readBoundKeys, type BindingMode, type BoundKeys } from './key-binding.ts';
import type { KeyServiceAccess } from './key-directory.ts';
import { CLUSTER_DOMAIN } from './plan/envoy-filter.ts';
import { isOfIstio, shortName } from './plan/service-address.ts';
import { PROXY_FILES, type ProxyFile } from './plan/services.ts';
import { OTHER_PORTS, type OtherPorts } from './plan/coverage.ts';
import { SEAL_MODES, type SealMode } from './seal-stage.ts';
import type { OperatorOptions } from './operator-options.ts';
import { AGENT_METRICS_PORT } from './proxies.ts';

const LEVELS = ['debug', 'info', 'warn', 'error'] as const;

export interface OperatorFlags {
  /** Undefined: the pod's own credentials. */
  kubeconfig: string | undefined;
  modules: { folder: string; urlTemplate: string; check: boolean };
  tlcp: { urlTemplate?: string; certificates?: string; ocsp?: URL };
  seal: SealMode;
  otherPorts: OtherPorts;
  kms: KeyServiceAccess & {
    url: URL | undefined;
    cluster: string | undefined;
    metadataPrefix: string;
    check: boolean;
    proxyFolder: string;
    proxyFiles: ProxyFile[];
    settings: KmsSettings;
  };
  audit: OperatorOptions['audit'];
  limits: URL | undefined;
  keys: { mode: BindingMode; bound: BoundKeys[] };
  /** Namespace of the lease. */
  namespace: string;
  rootNamespace: string;
  namespaces: string[] | undefined;
  revision: string | undefined;
  clusterDomain: string;
  /** 0: off. */
  requestTimeoutMs: number;
  /** SPIFFE ids of proxies that sidecars believe who the client is. */
  believedPeers: readonly string[];
  identity: string | undefined;
  listen: { host: string; port: number };
  probePort: number;
  logLevel: (typeof LEVELS)[number];
}

const OPTIONS = {
  kubeconfig: "kubeconfig file; without it the pod's own credentials",
  modules: 'folder with fim.wasm',
  'module-url': 'where proxies fetch modules: http(s)://…/{sha256}.wasm or oci://…@sha256:…',
  'tlcp-certificates':
    'YAML with the certificates of national TLS for routes that name none: certificates and trust as in their tls; read again when it changes',
  ocsp: 'OCSP responder for tls.ocsp of routes, asked by the gateways: http(s)://HOST[:PORT][/PATH], its name in full, or NAME.NAMESPACE.svc; with --kms',
  'client-identity-from':
    'SPIFFE ids of gateways that terminate national TLS, comma-separated: sidecars with routes believe their x-fim-client-* headers (default: nobody)',
  'tlcp-module-url': 'where proxies fetch tlcp-listener.wasm, if --module-url is the address of fim.wasm alone',
  'module-check': 'content (fetch the module there and compare its hash before it is named, the default) or none',
  seal: 'what may pass only after FIM: routes (what routes may concern, the default), listener (every request) or off',
  'other-ports':
    'inbound connections that do not speak HTTP, at sidecars under a route: refuse (the default; with a seal) or tell (in the condition Covered)',
  kms: 'URL of the key service, for the proxies and for looking up whether keys are there; its name in full, or NAME.NAMESPACE.svc',
  'kms-cluster': "an Envoy cluster of the proxies' bootstrap for the key service, none of Istio's own",
  'kms-metadata-prefix':
    'path of key metadata (default: that of the keys with metadata for data, /v1/secret/metadata/)',
  'kms-token-file': 'file with a token that may read key metadata',
  'kms-proxy-folder': "folder in the proxies' pods with what they show the key service (default /etc/fim/kms)",
  'kms-proxy-files': 'what is in it, by commas: token, ca, identity (default: nothing)',
  'kms-check': 'metadata (look keys up) or none',
  'kms-namespace': "Vault's namespace, for proxies and look-ups",
  'kms-ca-file': "PEM of the authorities of the key service, for look-ups (default: the system's)",
  'kms-cert-file': 'PEM of a client certificate, for look-ups',
  'kms-key-file': 'PEM of its key',
  'kms-keys':
    'keys that are bound to namespaces: PREFIX=NAMESPACE[,NAMESPACE] by blanks, as in "prod/fund=fund prod/pay=pay,pay-test"',
  'kms-binding':
    'of other keys: claimed (one namespace has each), strict (kms://NAMESPACE/… only), off (default claimed)',
  ...KMS_SETTINGS,
  audit:
    'collector of audit records, for the proxies and for the operator, who asks it which proxies it has records of: http(s)://HOST[:PORT], its name in full, or NAME.NAMESPACE.svc; without it routes with audit are refused',
  'audit-proxy-folder': "folder in the proxies' pods with what they show the collector (default /etc/fim/audit)",
  'audit-proxy-files': 'what is in it, by commas: token, ca, identity (default: nothing)',
  'audit-token-file': 'file with the token that the operator shows the collector',
  'audit-ca-file': "PEM of the authorities of the collector, for the operator (default: the system's)",
  limits:
    'service that counts limits with scope: Global, as h2c://fim-limits.fim-system.svc:8081, or https; its name in full, or NAME.NAMESPACE.svc; without it routes with such limits are refused',
  namespace: 'namespace of the lease (default fim-system)',
  namespaces: 'the only namespaces to look after, by commas: for a Role in each instead of a ClusterRole',
  revision: 'looks after namespaces whose label fim.financial/rev says so (default: those without the label)',
  'root-namespace': 'root namespace of the mesh (default istio-system)',
  'cluster-domain': `domain of the cluster's Services (default ${CLUSTER_DOMAIN})`,
  'request-timeout': `time for a whole request to arrive at a proxy under routes, as 30s or 10m, or off (default ${DEFAULT_REQUEST_TIMEOUT_MS / 1000}s)`,
  identity: 'name of this replica (default: host name and a random part)',
  listen: 'HOST:PORT of health and metrics (default 0.0.0.0:8080)',
  'probe-port': `port of the proxies' metrics (default ${AGENT_METRICS_PORT})`,
  'log-level': LEVELS.join(', '),
} as const;

type Name = keyof typeof OPTIONS;

function usage(problem: string): string {
  const lines = Object.entries(OPTIONS).map(([name, about]) => `  --${name.padEnd(22)}${about}`);
  return `${problem}\nusage: node istio/operator/main.ts --modules FOLDER --module-url URL [OPTION…]\n${lines.join('\n')}`;
}

const SPIFFE_FORM = 'spiffe://DOMAIN/ns/NAMESPACE/sa/ACCOUNT[,…]';
const SPIFFE_ID = /^spiffe:\/\/[\w.-]{1,255}\/ns\/[a-z0-9-]{1,63}\/sa\/[a-z0-9.-]{1,253}$/;
const MODULE_URL = /^(https?|oci):\/\//;

function readListen(text: string): OperatorFlags['listen'] | undefined {
  const match = /^(.+):(\d{1,5})$/.exec(text);
  return match === null || Number(match[2]) > 65_535
    ? undefined
    : { host: (match[1] ?? '').replace(/^\[|\]$/g, ''), port: Number(match[2]) };
}

const UNIT_MS: Readonly<Record<string, number>> = { s: 1_000, m: 60_000, h: 3_600_000 };

/** Milliseconds; 0: off; undefined: it is no time. */
function readRequestTimeout(text: string): number | undefined {
  if (text === 'off') return 0;
  const [, number = '', unit = ''] = /^([0-9]{1,5})([smh])$/.exec(text) ?? [];
  const milliseconds = Number(number) * (UNIT_MS[unit] ?? 0);
  return milliseconds > 0 && milliseconds <= MAX_REQUEST_TIMEOUT_MS ? milliseconds : undefined;
}

/** Credentials for look-ups at the key service, or an error message. */
function readAccess(read: (name: Name) => string | undefined): KeyServiceAccess | string {
  const [vaultNamespace, caFile, certFile, keyFile] = [
    read('kms-namespace'),
    read('kms-ca-file'),
    read('kms-cert-file'),
    read('kms-key-file'),
  ];
  if (vaultNamespace !== undefined && !/^[\w./-]{1,256}$/.test(vaultNamespace))
    return '--kms-namespace is no namespace of Vault';
  if ((certFile === undefined) !== (keyFile === undefined)) return '--kms-cert-file and --kms-key-file go together';
  return {
    tokenFile: read('kms-token-file'),
    ...(vaultNamespace === undefined ? {} : { vaultNamespace }),
    ...(caFile === undefined ? {} : { caFile }),
    ...(certFile === undefined || keyFile === undefined ? {} : { certFile, keyFile }),
  };
}

const listOf = (text = ''): string[] => text.split(',').filter((part) => part !== '');

/** Files that proxies' pods hold for a service. Returns a text for a mistake. */
function readProxyFiles(
  read: (name: Name) => string | undefined,
  service: 'kms' | 'audit',
): { proxyFolder: string; proxyFiles: ProxyFile[] } | string {
  const proxyFiles = listOf(read(`${service}-proxy-files`));
  if (!proxyFiles.every((name): name is ProxyFile => (PROXY_FILES as readonly string[]).includes(name)))
    return `--${service}-proxy-files is of ${PROXY_FILES.join(', ')}`;
  const proxyFolder = read(`${service}-proxy-folder`) ?? `/etc/fim/${service}`;
  return /^\/[\w./-]*[^/]$/.test(proxyFolder)
    ? { proxyFolder, proxyFiles }
    : `--${service}-proxy-folder is no absolute path`;
}

/** The collector of audit records. Returns a text for a mistake. */
function readAudit(read: (name: Name) => string | undefined): OperatorOptions['audit'] | string {
  const proxies = readProxyFiles(read, 'audit');
  if (typeof proxies === 'string') return proxies;
  const [given, tokenFile, caFile] = [read('audit'), read('audit-token-file'), read('audit-ca-file')];
  if (given !== undefined && !(URL.canParse(given) && /^https?:$/.test(new URL(given).protocol)))
    return '--audit is no http or https URL';
  const url = given === undefined ? undefined : new URL(given);
  const short = url === undefined ? undefined : shortName(url);
  if (short !== undefined) return `--audit: ${short}`;
  return {
    url,
    ...proxies,
    ...(tokenFile === undefined ? {} : { tokenFile }),
    ...(caFile === undefined ? {} : { caFile }),
  };
}

/** The services beside that of keys. Returns a text for a mistake. */
function readServices(read: (name: Name) => string | undefined): Pick<OperatorFlags, 'audit' | 'limits'> | string {
  const audit = readAudit(read);
  const limits = readLimits(read('limits'));
  if (typeof audit === 'string') return audit;
  return typeof limits === 'string' ? limits : { audit, limits };
}

/** The service that counts global limits. Returns a text for a mistake. */
function readLimits(given: string | undefined): URL | undefined | string {
  if (given === undefined) return undefined;
  if (!URL.canParse(given) || !/^(h2c|https):$/.test(new URL(given).protocol)) return '--limits is no h2c or https URL';
  const short = shortName(new URL(given));
  return short === undefined ? new URL(given) : `--limits: ${short}`;
}

/** National TLS. Returns a text for a mistake. */
function readTlcp(read: (name: Name) => string | undefined): OperatorFlags['tlcp'] | string {
  const urlTemplate = read('tlcp-module-url');
  const certificates = read('tlcp-certificates');
  if (urlTemplate !== undefined && !MODULE_URL.test(urlTemplate))
    return '--tlcp-module-url is no http, https or oci URL';
  const responder = read('ocsp');
  if (responder !== undefined && !(URL.canParse(responder) && /^https?:$/.test(new URL(responder).protocol)))
    return '--ocsp is no http or https URL';
  const ocsp = responder === undefined ? undefined : new URL(responder);
  const short = ocsp === undefined ? undefined : shortName(ocsp);
  if (short !== undefined) return `--ocsp: ${short}`;
  // Its cluster comes to namespaces with that of the key service.
  if (ocsp !== undefined && (read('kms') === undefined || read('kms-cluster') !== undefined))
    return '--ocsp goes with --kms, and not with --kms-cluster';
  return {
    ...(ocsp === undefined ? {} : { ocsp }),
    ...(urlTemplate === undefined ? {} : { urlTemplate }),
    ...(certificates === undefined ? {} : { certificates }),
  };
}

/** Reads which namespaces are looked after. Returns a text for a mistake. */
function readScope(read: (name: Name) => string | undefined): Pick<OperatorFlags, 'namespaces' | 'revision'> | string {
  const label = /^[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?$/;
  const namespaces = read('namespaces')?.split(',');
  const revision = read('revision');
  if (namespaces?.every((name) => label.test(name)) === false) return '--namespaces is not NAMESPACE[,NAMESPACE]';
  if (revision !== undefined && !label.test(revision)) return '--revision is no label';
  // Labels of namespaces cannot be read there.
  if (namespaces !== undefined && revision !== undefined) return '--namespaces and --revision exclude each other';
  return { namespaces: namespaces === undefined ? undefined : [...new Set(namespaces)], revision };
}

/** Reads the command line. Returns an error message if it is wrong. */
export function readOptions(
  args: readonly string[],
  environment: NodeJS.ProcessEnv = process.env,
): OperatorFlags | string {
  let given: Partial<Record<Name, string>>;
  try {
    given = parseArgs({
      args: [...args],
      options: Object.fromEntries(Object.keys(OPTIONS).map((name) => [name, { type: 'string' as const }])),
      strict: true,
    }).values as typeof given;
  } catch (error) {
    return usage((error as Error).message);
  }
  const read = (name: Name): string | undefined =>
    given[name] ?? environment[`FIM_${name.toUpperCase().replaceAll('-', '_')}`];
  const folder = read('modules');
  const urlTemplate = read('module-url');
  if (folder === undefined || urlTemplate === undefined) return usage('--modules and --module-url are needed');
  if (!MODULE_URL.test(urlTemplate)) return usage('--module-url is no http, https or oci URL');
  const tlcp = readTlcp(read);
  if (typeof tlcp === 'string') return usage(tlcp);
  const seal = SEAL_MODES.find((mode) => mode === (read('seal') ?? 'routes'));
  if (seal === undefined) return usage(`--seal is one of ${SEAL_MODES.join(', ')}`);
  const otherPorts = OTHER_PORTS.find((choice) => choice === (read('other-ports') ?? 'refuse'));
  if (otherPorts === undefined) return usage(`--other-ports is one of ${OTHER_PORTS.join(', ')}`);
  const kms = read('kms');
  if (kms !== undefined && !(URL.canParse(kms) && /^(https?|h2c):$/.test(new URL(kms).protocol)))
    return usage('--kms is no URL');
  const short = kms === undefined ? undefined : shortName(new URL(kms));
  if (short !== undefined) return usage(`--kms: ${short}`);
  const kmsCluster = read('kms-cluster');
  if (kmsCluster !== undefined && isOfIstio(kmsCluster))
    return usage(
      `--kms-cluster: ${kmsCluster} is what Istio makes of Services, ServiceEntries and DestinationRules, and a namespace may write its own: name the key service by --kms, or a cluster of the bootstrap`,
    );
  const proxies = readProxyFiles(read, 'kms');
  if (typeof proxies === 'string') return usage(proxies);
  const services = readServices(read);
  if (typeof services === 'string') return usage(services);
  const mode = BINDING_MODES.find((one) => one === (read('kms-binding') ?? 'claimed'));
  if (mode === undefined) return usage(`--kms-binding is of ${BINDING_MODES.join(', ')}`);
  const bound = readBoundKeys(read('kms-keys') ?? '');
  if (bound === undefined) return usage('--kms-keys is not PREFIX=NAMESPACE[,NAMESPACE] …');
  const access = readAccess(read);
  if (typeof access === 'string') return usage(access);
  const settings = readKmsSettings(read);
  if (typeof settings === 'string') return usage(settings);
  const listen = readListen(read('listen') ?? '0.0.0.0:8080');
  if (listen === undefined) return usage('--listen is not HOST:PORT');
  const clusterDomain = read('cluster-domain') ?? CLUSTER_DOMAIN;
  if (!/^[a-z0-9]([-a-z0-9.]{0,251}[a-z0-9])?$/.test(clusterDomain)) return usage('--cluster-domain is no domain');
  const scope = readScope(read);
  if (typeof scope === 'string') return usage(scope);
  const requestTimeoutMs = readRequestTimeout(read('request-timeout') ?? `${DEFAULT_REQUEST_TIMEOUT_MS / 1000}s`);
  if (requestTimeoutMs === undefined) return usage('--request-timeout is no time up to 24h, as 30s or 10m, nor off');
  const believedPeers = listOf(read('client-identity-from'));
  if (!believedPeers.every((id) => SPIFFE_ID.test(id))) return usage(`--client-identity-from is not ${SPIFFE_FORM}`);
  const probePort = Number(read('probe-port') ?? AGENT_METRICS_PORT);
  if (!Number.isInteger(probePort) || probePort < 1 || probePort > 65_535) return usage('--probe-port is no port');
  const logLevel = LEVELS.find((level) => level === (read('log-level') ?? 'info'));
  if (logLevel === undefined) return usage('--log-level is none of those');
  return {
    kubeconfig: read('kubeconfig'),
    modules: { folder, urlTemplate, check: read('module-check') !== 'none' },
    tlcp,
    seal,
    otherPorts,
    kms: {
      url: kms === undefined ? undefined : new URL(kms),
      cluster: kmsCluster,
      metadataPrefix:
        read('kms-metadata-prefix') ?? (settings.pathPrefix ?? '/v1/secret/data/').replace(/\/data\/$/, '/metadata/'),
      ...access,
      check: read('kms-check') !== 'none',
      ...proxies,
      settings,
    },
    ...services,
    keys: { mode, bound },
    namespace: read('namespace') ?? 'fim-system',
    rootNamespace: read('root-namespace') ?? 'istio-system',
    ...scope,
    clusterDomain,
    requestTimeoutMs,
    believedPeers,
    identity: read('identity'),
    listen,
    probePort,
    logLevel,
  };
}
