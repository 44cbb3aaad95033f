// Everything that an operator is told when it is made.
import type { KmsSettings } from '../../envoy/route/index.ts';
import { type BindingMode, type BoundKeys } from './key-binding.ts';
import { type KeyServiceAccess } from './key-directory.ts';
import type { KubeApi } from './kube/api.ts';
import type { OperatorMetrics } from './metrics.ts';
import type { OtherPorts } from './plan/coverage.ts';
import type { KmsFile } from './plan/envoy-filter.ts';
import { type SealMode } from './seal-stage.ts';

export interface OperatorOptions {
  api: KubeApi;
  metrics: OperatorMetrics;
  modules: { folder: string; urlTemplate: string; check: boolean };
  seal: SealMode;
  otherPorts: OtherPorts;
  kms: KeyServiceAccess & {
    url: URL | undefined;
    cluster: string | undefined;
    metadataPrefix: string;
    check: boolean;
    proxyFolder: string;
    proxyFiles: readonly KmsFile[];
    settings?: KmsSettings;
  };
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
  /** Port of the proxies' metrics. */
  probePort: number;
  version: string;
  log: (event: string, fields: Record<string, unknown>, level?: 'info' | 'warn' | 'error') => void;
}
