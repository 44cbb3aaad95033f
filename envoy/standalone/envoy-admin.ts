/** Time for one answer of the admin interface, milliseconds: it shares the main thread with the loading of modules. */
const ADMIN_TIMEOUT_MS = 5_000;

/** Envoy's admin interface. */
export class EnvoyAdmin {
  readonly base: URL;

  constructor(base: URL) {
    this.base = base;
  }

  /** The text at `path`; throws if there is no good answer in time. */
  async get(path: string): Promise<string> {
    const response = await fetch(new URL(path, this.base), { signal: AbortSignal.timeout(ADMIN_TIMEOUT_MS) });
    const text = await response.text();
    if (!response.ok) throw new Error(`${path}: ${response.status}`);
    return text;
  }

  /** Whether the listener takes connections. */
  async ready(): Promise<boolean> {
    return this.get('/ready').then(
      () => true,
      () => false,
    );
  }

  /** Counters and gauges whose name the pattern matches. */
  async stats(pattern: string): Promise<Map<string, number>> {
    const text = await this.get(`/stats?filter=${encodeURIComponent(pattern)}`);
    const found = new Map<string, number>();
    for (const line of text.split('\n')) {
      const separator = line.indexOf(': ');
      const value = Number(line.slice(separator + 2));
      if (separator > 0 && Number.isFinite(value)) found.set(line.slice(0, separator), value);
    }
    return found;
  }

  /** Port that the listener got. */
  async listenerPort(): Promise<number> {
    const answer = JSON.parse(await this.get('/listeners?format=json')) as {
      listener_statuses?: { local_address?: { socket_address?: { port_value?: number } } }[];
    };
    const port = answer.listener_statuses?.[0]?.local_address?.socket_address?.port_value;
    if (!port) throw new Error('no listener');
    return port;
  }
}
