// The collector that `fim up` runs in its own process, and the records of `fim up` itself.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { BreakerWatch } from '../../envoy/standalone/breaker-watch.ts';
import { CodedError, messageOf } from '../../envoy/standalone/coded-error.ts';
import { Door } from '../../envoy/standalone/door.ts';
import type { OnEvent, StackEvent } from '../../envoy/standalone/events.ts';
import type { Policy, Problem } from '../../envoy/standalone/policy.ts';
import { MAX_SOCKET_PATH_BYTES } from '../../envoy/limits.ts';
import { asksAudit } from '../../envoy/route/index.ts';
import type { AuditTerms } from '../../envoy/xds/index.ts';
import { AuditClient, type Members } from '../../services/audit/client.ts';
import type { LogEvent } from '../../services/audit/audit-log.ts';
import { type RunningCollector, startCollector, type StartOptions } from '../../services/audit/start-collector.ts';
import { fastDigests } from './audit-digests.ts';
import { progress } from './terminal.ts';

/** Routes that one record names. */
const MOST_ROUTES = 64;
/** Time for the last records of this process, milliseconds. */
const LAST_MS = 5_000;
const SOCKET = 'collector.sock';

export type UpAuditOptions = Omit<StartOptions, 'socket' | 'digests' | 'onEvent' | 'host' | 'port'>;

/** A collector elsewhere. */
export interface Elsewhere {
  url: URL;
}

/** Records of this process, and the collector of them and of Envoy's, which begins when a policy asks for it. */
export class UpAudit {
  private readonly options: UpAuditOptions | Elsewhere;
  private readonly say: OnEvent;
  private place: string | undefined;
  private collector: RunningCollector | undefined;
  private client: AuditClient | undefined;
  private breakers: BreakerWatch | undefined;

  constructor(options: UpAuditOptions | Elsewhere, say: OnEvent) {
    this.options = options;
    this.say = say;
  }

  /** Where Envoy posts, also before the collector has begun. */
  get terms(): AuditTerms {
    if ('url' in this.options) return this.options;
    this.place ??= mkdtempSync(join(tmpdir(), 'fim-collector-'));
    return { url: new URL('http://audit'), socket: join(this.place, SOCKET) };
  }

  /** Begins if the policy asks for records. Returns the reason why it cannot. */
  async serve(policy: Policy): Promise<Problem | undefined> {
    const all = [...policy.configs, ...(policy.canary?.variant.configs ?? [])];
    if (this.client !== undefined || !all.some(asksAudit)) return undefined;
    try {
      await this.begin();
      return undefined;
    } catch (error) {
      const coded = error instanceof CodedError ? error : new CodedError('FIM-AUD-0008', messageOf(error));
      return { code: coded.code, path: '', message: coded.message };
    }
  }

  /** Begins. Errors: those of `startCollector`. */
  async begin(): Promise<void> {
    const { options } = this;
    if ('url' in options) return this.beginElsewhere(options.url);
    const { url, socket } = this.terms;
    if (Buffer.byteLength(socket!) > MAX_SOCKET_PATH_BYTES)
      throw new CodedError(
        'FIM-AUD-0024',
        `${socket} is longer than ${MAX_SOCKET_PATH_BYTES} bytes: TMPDIR is too long`,
      );
    const digests = await fastDigests();
    const collector = await startCollector({ ...options, socket: socket!, digests, onEvent: tellLog });
    this.collector = collector;
    this.client = new AuditClient({ url, socket: socket! });
    const { origin, development: developmentKey } = collector;
    this.say({ event: 'audit', folder: options.folder, origin, developmentKey, size: collector.status().size });
  }

  private beginElsewhere(url: URL): void {
    if (url.protocol === 'h2c:')
      return progress(`${url.href} speaks h2c: records of this process itself do not go there`);
    this.client = new AuditClient({
      url,
      onState: ({ taken, code }) =>
        progress(taken ? `${url.href} takes records again` : `${url.href} takes no records${code ? ` (${code})` : ''}`),
    });
  }

  /** Writes down what concerns policies, keys, canaries and breakers. */
  note(event: StackEvent): void {
    if (event.event === 'ready' && event.door !== null)
      this.breakers = new BreakerWatch(new Door(event.door), (turn) => {
        this.say(turn);
        this.note(turn);
      });
    if (event.event === 'applied' && this.client !== undefined) this.breakers?.look();
    const members = recordOf(event);
    if (members !== undefined)
      this.client
        ?.write(members[0], members[1])
        .catch((error: unknown) => progress(`a record of this process was not taken: ${messageOf(error)}`));
  }

  /** Call it when Envoy has ended. */
  async stop(): Promise<void> {
    this.breakers?.stop();
    await this.client?.stop(LAST_MS);
    await this.collector?.stop();
    if (this.place !== undefined) rmSync(this.place, { recursive: true, force: true });
  }
}

/** Says what an operator should know of a log. */
export function tellLog(event: LogEvent): void {
  if (event.event === 'unwritable') progress(`the audit log cannot be written: ${event.message}`);
  if (event.event === 'writable') progress('the audit log can be written again');
  if (event.event === 'anchor')
    progress(
      event.ok ? 'checkpoints are kept elsewhere again' : `checkpoints are not kept elsewhere: ${event.message}`,
    );
}

/** Kind and members of the record of an event. Undefined: it leaves none. */
export function recordOf(event: StackEvent): [string, Members] | undefined {
  switch (event.event) {
    case 'applied': {
      const { routes, generation, modules } = event;
      const named = { routes: routes.slice(0, MOST_ROUTES), route_count: routes.length };
      return ['policy', { outcome: 'applied', generation: String(generation), ...named, modules }];
    }
    case 'rejected': {
      const [first] = event.errors;
      const code = first === undefined ? {} : { code: first.code };
      return ['policy', { outcome: 'rejected', ...code, file: basename(event.file), problems: event.errors.length }];
    }
    case 'rotated':
      return ['key', { outcome: 'rotated', keys: [{ id: event.key, version: event.version }], before: event.before }];
    case 'warning':
      if (event.key === undefined) return undefined;
      return ['key', { outcome: 'unavailable', code: event.code, keys: [{ id: event.key }] }];
    case 'recovered':
      return event.key === undefined ? undefined : ['key', { outcome: 'available', keys: [{ id: event.key }] }];
    case 'canary': {
      const { route, release, phase, step, share, reason, inForce } = event;
      return ['canary', { route, release, phase, step, share, in_force: inForce, why: reason.slice(0, 512) }];
    }
    case 'breaker': {
      const { route, state, before, set, requests, faults } = event;
      return ['breaker', { route, state, before, set, ...(requests !== undefined && { requests, faults }) }];
    }
    default:
      return undefined;
  }
}
