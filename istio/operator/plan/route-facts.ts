// All that is known of one route, from which its status is made.
import type { ConditionDraft, RouteIssue } from '../../../envoy/route/index.ts';
import type { TargetState } from './ancestors.ts';
import type { AuditState } from './audited.ts';
import type { Coverage } from './coverage.ts';

/** State of the proxies of one workload. */
export interface WorkloadState {
  name: string;
  /** Hash of the configuration in force or being rolled out. Empty if there is none. */
  hash: string;
  generation: number;
  /** Why the object could not be applied, if so. */
  applyError?: string;
  /**
   * Whether its proxies have been looked for since the configuration was applied: until then their numbers say nothing,
   * not even 0.
   */
  counted: boolean;
  /** Ready proxies. */
  proxies: number;
  /** Proxies that have proven that all their workers run the configuration. */
  programmed: number;
  /** Workers of those. */
  workers: number;
  /** Proxies that could not be asked. */
  unreachable: number;
  /** Proxies that have not been looked at since the configuration was applied. */
  unasked: number;
  refusals: { proxy: string; reason: string }[];
  /** Proxies that do not get a key, with the reason. */
  keyTroubles?: string[];
  /** Listeners of its proxies that were replaced and still serve connections without the filter. */
  draining: number;
  /** Names of proxies that do not run the configuration yet, or still drain. */
  lagging: string[];
  /** Names of proxies that have no listener: they are not counted. */
  idle: string[];
  /** Names of proxies in whose chains the seal is missing. */
  unsealed: string[];
  /** Names of proxies where requests come by without FIM. */
  unseen: string[];
  /** Its records, if a route of it asks for some and the collector is known. */
  audit?: AuditState;
  /** When all proxies were last found proven, milliseconds since 1970. */
  provenAt?: number;
}

export interface KeyProblem {
  keyId: string;
  reason: 'KeyNotPermitted' | 'KeyNotFound' | 'KmsNotConfigured' | 'KmsUnreachable' | 'KmsDenied';
}

/** Certificates that are named and not to be had. */
export interface CertificateProblem {
  code: RouteIssue['code'];
  /** For people. */
  name: string;
  detail: string;
}

/** Why proxies that start do not get the module. */
export interface ModuleProblem {
  /** `ModuleServerSilent`: it may be there. */
  reason: 'ModuleNotFound' | 'ModuleServerSilent';
  message: string;
}

/** One target, with the names of the workloads by which its proxies get the route. */
export interface FactsAtTarget extends Omit<TargetState, 'programmed'> {
  workloads: readonly string[];
}

/** All that is known of one route. */
export interface RouteFacts {
  generation: number | undefined;
  /** Mistakes of the resource itself, or what a module or a bound refuses. */
  issues: readonly RouteIssue[];
  /** The resource stands where it must not. */
  forbidden?: string;
  /** Budget of the namespace that does not reach to it. */
  overBudget?: string;
  /** Bound of the namespace's workloads that it would break. */
  overflow?: string;
  /** Budget of the namespace that is nearly spent with it. */
  nearBudget?: string;
  /** An earlier form of the route is in force. */
  held: boolean;
  /** Targets in `targetRefs`, or without them the Gateways that it is for. */
  targets: readonly FactsAtTarget[];
  namespace?: string;
  /** Absent: that of an operator without revision. */
  controllerName?: string;
  keys: readonly KeyProblem[];
  /** Certificates of national TLS that the route names elsewhere. */
  certificates?: readonly CertificateProblem[];
  /** When the first certificate of national TLS ends, milliseconds since 1970. */
  certificatesEnd?: number;
  /** Why the module cannot be had by the proxies; undefined: it can. */
  moduleProblem?: ModuleProblem;
  /** The route names keys. */
  hasKeys?: boolean;
  /** The route asks for audit records. */
  audits?: boolean;
  /** Why the proxies do not get the cluster of a service that the route needs; undefined: they do. */
  serviceError?: string;
  /** Why the operator leaves a workload alone; undefined: it does not. */
  handsOff?: string;
  /** Conditions from the translation, one list for each workload. */
  drafts: readonly (readonly ConditionDraft[])[];
  /** Lines that the mesh cannot honour and nobody accepted the lack of. */
  unhonoured: readonly { reason: string; message: string }[];
  workloads: readonly WorkloadState[];
  /** EnvoyFilters and WasmPlugins of others that reach into the chains of its proxies. */
  foreign: readonly { kind: 'takes' | 'alters'; text: string }[];
  /** The doors of its workloads. */
  coverage: Coverage;
}
