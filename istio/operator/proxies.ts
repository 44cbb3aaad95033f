// Proxies of a workload: its pods, and the metrics that they report.
import { MAX_PROBE_BYTES, PROBE_TIMEOUT_MS, PROBE_WORKERS } from '../limits.ts';
import type { KubeObject } from './kube/objects.ts';
import { EXCLUDED_PORTS_ANNOTATION, INCLUDED_PORTS_ANNOTATION, pastSidecars } from './plan/coverage.ts';
import { readMetrics, type Reading } from './plan/evidence.ts';
import { includes, meets, SERVICE_TERM, type TargetFacts } from './plan/selection.ts';
import type { Workload } from './plan/workloads.ts';

/**
 * Annotation that overrides the metrics port of one pod's proxy. It cannot change the address, which is always the
 * pod's.
 */
const PORT_ANNOTATION = 'fim.financial/probe-port';
/** Port where Istio's agent serves its own and Envoy's metrics. */
export const AGENT_METRICS_PORT = 15020;
const METRICS_PATH = '/stats/prometheus';

const KEPT_ANNOTATIONS = [PORT_ANNOTATION, EXCLUDED_PORTS_ANNOTATION, INCLUDED_PORTS_ANNOTATION];

interface PodStatus {
  phase?: string;
  podIP?: string;
  conditions?: { type: string; status: string; lastTransitionTime?: string }[];
}

export interface Proxy {
  /** Name of the pod. */
  name: string;
  uid: string;
  address: string;
  port: number;
  /** Milliseconds since 1970. */
  readySince: number;
  /** Whether the pod takes traffic and counts. Unready pods are probed too, since they may wait for their policy. */
  ready: boolean;
}

/** Readiness gate (`spec.readinessGates`) that keeps a pod unready until its policy is in force. */
export const ENFORCED_GATE = 'fim.financial/enforced';

interface PodSpec {
  readinessGates?: { conditionType: string }[];
}

/** Whether a pod has the readiness gate. */
export function hasGate(pod: KubeObject): boolean {
  return (
    (pod.spec as PodSpec | undefined)?.readinessGates?.some(({ conditionType }) => conditionType === ENFORCED_GATE) ??
    false
  );
}

/** Whether a change of a pod leaves its proxy and its workloads as they were. */
export function isSamePod(before: KubeObject | undefined, after: KubeObject | undefined): boolean {
  const [one, other] = [before, after].map((pod) =>
    JSON.stringify([pod?.status, pod?.metadata.labels, pod?.metadata.deletionTimestamp]),
  );
  return one === other;
}

/** Whether a change of a pod leaves the ports that lead past its sidecar as they were. */
export function leadsSame(before: KubeObject | undefined, after: KubeObject | undefined): boolean {
  const [one, other] = [before, after].map((pod) =>
    pod === undefined ? '' : pastSidecars({ terms: {} }, [pod]).join(),
  );
  return one === other;
}

/** Status of the gate's condition. Undefined if it was never set. */
export function gateOf(pod: KubeObject): string | undefined {
  return (pod.status as PodStatus | undefined)?.conditions?.find(({ type }) => type === ENFORCED_GATE)?.status;
}

/** Reduces a pod to what the operator needs. */
export function trimPod(pod: KubeObject): KubeObject {
  const { name, namespace, uid, resourceVersion, labels, deletionTimestamp } = pod.metadata;
  const annotations = Object.fromEntries(
    Object.entries(pod.metadata.annotations ?? {}).filter(([annotation]) => KEPT_ANNOTATIONS.includes(annotation)),
  );
  const status = (pod.status ?? {}) as PodStatus;
  return {
    apiVersion: pod.apiVersion,
    kind: pod.kind,
    metadata: {
      name,
      namespace,
      uid,
      resourceVersion,
      labels,
      ...(deletionTimestamp ? { deletionTimestamp } : {}),
      ...(Object.keys(annotations).length === 0 ? {} : { annotations }),
    },
    status: {
      phase: status.phase,
      podIP: status.podIP,
      conditions: (status.conditions ?? []).filter(({ type }) => type === 'Ready' || type === ENFORCED_GATE),
    },
    ...(hasGate(pod) ? { spec: { readinessGates: [{ conditionType: ENFORCED_GATE }] } } : {}),
  };
}

function proxyOf(pod: KubeObject, defaultPort: number): Proxy | undefined {
  const { podIP, conditions } = (pod.status ?? {}) as PodStatus;
  const ready = conditions?.find((condition) => condition.type === 'Ready' && condition.status === 'True');
  if (podIP === undefined || pod.metadata.deletionTimestamp) return undefined;
  const given = Number(pod.metadata.annotations?.[PORT_ANNOTATION]);
  const port = Number.isInteger(given) && given > 0 && given < 65_536 ? given : defaultPort;
  return {
    name: pod.metadata.name,
    uid: pod.metadata.uid ?? pod.metadata.name,
    address: podIP,
    port,
    readySince: Date.parse(ready?.lastTransitionTime ?? '') || 0,
    ready: ready !== undefined,
  };
}

/** Proxies that are to run the workload's configuration and not a narrower one's, ready or not. */
export function allProxiesOf(
  workload: Workload,
  pods: Iterable<KubeObject>,
  facts: TargetFacts,
  defaultPort: number,
): Proxy[] {
  const found: Proxy[] = [];
  // The Service of a waypoint has its own filter chains in a shared proxy.
  const narrower = workload.narrower.filter((selection) => selection.terms[SERVICE_TERM] === undefined);
  for (const pod of pods) {
    const labels = pod.metadata.labels ?? {};
    if (!meets(workload.selection, labels, facts) || narrower.some((selection) => includes(labels, selection.terms)))
      continue;
    const proxy = proxyOf(pod, defaultPort);
    if (proxy !== undefined) found.push(proxy);
  }
  return found;
}

/** Ready proxies among `allProxiesOf`. */
export function proxiesOf(...of: Parameters<typeof allProxiesOf>): Proxy[] {
  return allProxiesOf(...of).filter(({ ready }) => ready);
}

export type ProbeResult = { reading: Reading } | { error: string };

/** Probes one proxy. Never throws. */
export async function probe({ address, port }: Proxy): Promise<ProbeResult> {
  const host = address.includes(':') ? `[${address}]` : address;
  try {
    const answer = await fetch(`http://${host}:${port}${METRICS_PATH}`, {
      redirect: 'error',
      signal: AbortSignal.timeout(PROBE_TIMEOUT_MS),
    });
    if (!answer.ok) return { error: `status ${answer.status}` };
    const reading = readMetrics(await boundedText(answer), Date.now());
    return reading === undefined ? { error: 'the answer is not that of an Envoy' } : { reading };
  } catch (error) {
    return { error: (error as Error).name === 'TimeoutError' ? 'no answer in time' : 'no connection' };
  }
}

async function boundedText(answer: Response): Promise<string> {
  const chunks: Uint8Array[] = [];
  let bytes = 0;
  for await (const chunk of answer.body ?? []) {
    bytes += chunk.length;
    if (bytes > MAX_PROBE_BYTES) throw new Error('the answer is too long');
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString('utf8');
}

/** Limits the number of concurrent probes. */
export class ProbeGate {
  private running = 0;
  private readonly waiting: (() => void)[] = [];

  async run<T>(act: () => Promise<T>): Promise<T> {
    if (this.running >= PROBE_WORKERS) await new Promise<void>((turn) => this.waiting.push(turn));
    else this.running++;
    try {
      return await act();
    } finally {
      const next = this.waiting.shift();
      if (next === undefined) this.running--;
      else next();
    }
  }
}
