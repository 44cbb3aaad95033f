// The collector that `fim up --audit-data` runs in its own process, and the records of `fim up` itself.
import { basename } from 'node:path';
import type { StackEvent } from '../../envoy/standalone/events.ts';
import { AuditClient, type Members } from '../../services/audit/client.ts';
import { startCollector } from '../../services/audit/start-collector.ts';
import { fastDigests } from './audit-digests.ts';
import { progress } from './terminal.ts';

/** Routes that one record names. */
const MOST_ROUTES = 64;
/** Time for the last records of this process, milliseconds. */
const LAST_MS = 5_000;

export interface UpAudit {
  /** Where Envoy posts. */
  url: URL;
  /** Writes down what concerns policies and keys. */
  note(event: StackEvent): void;
  /** Call it when Envoy has ended. */
  stop(): Promise<void>;
}

/** Starts a collector on loopback whose log is in `folder`. Errors: those of `startCollector`. */
export async function startUpAudit(folder: string): Promise<UpAudit> {
  const collector = await startCollector({
    folder,
    digests: await fastDigests(),
    onEvent: (event) => {
      if (event.event === 'unwritable') progress(`the audit log cannot be written: ${event.message}`);
      if (event.event === 'writable') progress('the audit log can be written again');
    },
  });
  const url = new URL(collector.url);
  const client = new AuditClient({ url });
  return {
    url,
    note(event) {
      const members = membersOf(event);
      if (members !== undefined)
        client
          .write(members[0], members[1])
          .catch((error: unknown) => progress(`a record of this process was not taken: ${String(error)}`));
    },
    async stop() {
      await client.stop(LAST_MS);
      await collector.stop();
    },
  };
}

/** Kind and members of the record of an event. Undefined: it leaves none. */
function membersOf(event: StackEvent): [string, Members] | undefined {
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
    case 'warning':
      if (event.key === undefined) return undefined;
      return ['key', { outcome: 'unavailable', code: event.code, keys: [{ id: event.key }] }];
    case 'recovered':
      return event.key === undefined ? undefined : ['key', { outcome: 'available', keys: [{ id: event.key }] }];
    default:
      return undefined;
  }
}
