// Everything that an operator is told when it is made.
import type { KmsSettings } from '../../envoy/route/index.ts';
import type { CollectorAccess } from './audit-directory.ts';
import { type BindingMode, type BoundKeys } from './key-binding.ts';
import { type KeyServiceAccess } from './key-directory.ts';
import type { KubeApi } from './kube/api.ts';
import type { OperatorMetrics } from './metrics.ts';
import type { OtherPorts } from './plan/coverage.ts';
import type { KmsAccess, ProxyFile, ServiceAccess } from './plan/services.ts';
import { type SealMode } from './seal-stage.ts';
import type { TlcpSourceOptions } from './tlcp-source.ts';

export interface OperatorOptions {
  api: KubeApi;
  metrics: OperatorMetrics;
  modules: { folder: string; urlTemplate: string; check: boolean };
  /** National TLS: address of its module, if it is not that of the others; file with default certificates. */
  tlcp: { urlTemplate?: string; certificates?: string; ocsp?: URL };
  seal: SealMode;
  otherPorts: OtherPorts;
  kms: KeyServiceAccess & {
    url: URL | undefined;
    cluster: string | undefined;
    metadataPrefix: string;
    check: boolean;
    proxyFolder: string;
    proxyFiles: readonly ProxyFile[];
    settings?: KmsSettings;
  };
  /** Collector of audit records. */
  audit: CollectorAccess & { proxyFolder: string; proxyFiles: readonly ProxyFile[] };
  /** Service that counts global limits; undefined: none. */
  limits: URL | undefined;
  /** Ownership of keys. */
  keys: { mode: BindingMode; bound: readonly BoundKeys[] };
  rootNamespace: string;
  /** The namespaces to look after; undefined: all. */
  namespaces?: readonly string[];
  /** Namespaces with this revision in their label are looked after, or those without the label; absent: these. */
  revision?: string;
  /** DNS domain of the cluster's Services, such as `cluster.local`. */
  clusterDomain: string;
  /** Time for a whole request to arrive at a proxy under routes, milliseconds; 0: any. */
  requestTimeoutMs: number;
  /** SPIFFE ids of proxies that sidecars believe who the client is. */
  believedPeers: readonly string[];
  /** Port of the proxies' metrics. */
  probePort: number;
  version: string;
  log: (event: string, fields: Record<string, unknown>, level?: 'info' | 'warn' | 'error') => void;
}

/** Parts of the key service's cluster. Undefined: there is one already, or no key service. */
export function kmsAccessOf(
  { cluster, url, proxyFolder, proxyFiles, vaultNamespace }: OperatorOptions['kms'],
  { ocsp }: OperatorOptions['tlcp'],
): KmsAccess | undefined {
  if (cluster !== undefined || url === undefined) return undefined;
  const namespace = vaultNamespace === undefined ? {} : { vaultNamespace };
  return { url, folder: proxyFolder, files: proxyFiles, ...namespace, ...(ocsp === undefined ? {} : { ocsp }) };
}

/** Parts of the collector's cluster. Undefined: there is none. */
export function auditAccessOf({ url, proxyFolder, proxyFiles }: OperatorOptions['audit']): ServiceAccess | undefined {
  return url === undefined ? undefined : { url, folder: proxyFolder, files: proxyFiles };
}

export function tlcpSourceOptions({ modules, tlcp }: OperatorOptions): TlcpSourceOptions {
  const { urlTemplate, certificates, ocsp } = tlcp;
  return {
    ...modules,
    urlTemplate: urlTemplate ?? modules.urlTemplate,
    isOwnUrl: urlTemplate !== undefined,
    ...(certificates === undefined ? {} : { certificates }),
    ...(ocsp === undefined ? {} : { ocsp }),
  };
}
