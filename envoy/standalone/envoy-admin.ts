import { labelledName } from '../host/metric-name.ts';

/** Timeout of the admin interface, milliseconds. It shares the main thread with the loading of modules. */
const ADMIN_TIMEOUT_MS = 5_000;

/** How the discovered clusters stand. */
export interface ClusterState {
  /** Of the file that is in use. */
  version: string;
  /** Files that Envoy has refused. */
  refused: number;
  /** Clusters that are not in use yet: names are looked up, and health is asked for. */
  warming: number;
}

/** Client of Envoy's admin interface. */
export class EnvoyAdmin {
  readonly base: URL;

  constructor(base: URL) {
    this.base = base;
  }

  /** Text at `path`. Throws if there is no successful response in time. */
  async get(path: string): Promise<string> {
    const response = await fetch(new URL(path, this.base), { signal: AbortSignal.timeout(ADMIN_TIMEOUT_MS) });
    const text = await response.text();
    if (!response.ok) throw new Error(`${path}: ${response.status}`);
    return text;
  }

  /** Whether the listener accepts connections. */
  async ready(): Promise<boolean> {
    return this.get('/ready').then(
      () => true,
      () => false,
    );
  }

  /** Counters and gauges whose names match the pattern, by name with the labels behind: `wasmcustom.fim.a.b_total{one=x}`. */
  async stats(pattern: string): Promise<Map<string, number>> {
    const text = await this.get(`/stats?filter=${encodeURIComponent(pattern)}`);
    const found = new Map<string, number>();
    for (const line of text.split('\n')) {
      const separator = line.indexOf(': ');
      const value = Number(line.slice(separator + 2));
      if (separator > 0 && Number.isFinite(value)) found.set(labelledName(line.slice(0, separator)), value);
    }
    return found;
  }

  async clusterState(): Promise<ClusterState> {
    const text = await this.get(
      `/stats?filter=${encodeURIComponent(String.raw`^cluster_manager\.(cds\.(version_text|update_rejected)|warming_clusters)$`)}`,
    );
    const valueOf = (name: string): string =>
      new RegExp(`^cluster_manager\\.${name}: (.*)$`, 'm').exec(text)?.[1] ?? '';
    return {
      version: valueOf('cds.version_text').replaceAll('"', ''),
      refused: Number(valueOf('cds.update_rejected')),
      warming: Number(valueOf('warming_clusters')),
    };
  }

  /** Serial numbers of the certificates that are served of a file, hex. */
  async certificates(file: string): Promise<string[]> {
    const answer = JSON.parse(await this.get('/certs')) as {
      certificates?: { cert_chain?: { path?: string; serial_number?: string }[] }[];
    };
    return (answer.certificates ?? []).flatMap(({ cert_chain: chain = [] }) =>
      chain.filter(({ path }) => path === file).map(({ serial_number: serial = '' }) => serial),
    );
  }

  /** Port that the listener is bound to. */
  async listenerPort(): Promise<number> {
    const answer = JSON.parse(await this.get('/listeners?format=json')) as {
      listener_statuses?: { local_address?: { socket_address?: { port_value?: number } } }[];
    };
    const ports = answer.listener_statuses?.map((listener) => listener.local_address?.socket_address?.port_value);
    const port = ports?.find((found) => found !== undefined); // the door has none
    if (!port) throw new Error('no listener');
    return port;
  }
}
