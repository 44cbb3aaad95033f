import { CodedError } from '../../envoy/standalone/coded-error.ts';
import type { Door } from '../../envoy/standalone/door.ts';

/** A request that is asked about, as the flags describe it. */
export interface RequestFlags {
  path?: string;
  method: string;
  host: string;
  header: string[];
  from?: string;
  claim?: string;
  certificate?: string;
}

/** Answers of the modules. */
export interface ExplainedRoute {
  /** Null: no route is for it. */
  route: string | null;
  observe?: boolean;
  limits: {
    limit: string;
    algorithm: string;
    scope: 'Local' | 'Global';
    observe: boolean;
    /** Its key or cost is in the body: nothing else is known. */
    byBody: boolean;
    /** Parts of the key that the request lacks. */
    missing: number;
    key?: string;
    requests?: number;
    periodMs?: number;
    cost?: number;
    of?: number;
    left?: number;
    admits?: boolean;
    never?: boolean;
    shared?: boolean;
    waitMs?: number;
  }[];
}

const PLACE = '{}';

/** Asks about the request of the flags. `name`: stands in the place of `{}` in any of them. */
export function explainWith(door: Door, flags: RequestFlags, name?: string): Promise<ExplainedRoute> {
  const fill = (text: string): string => (name === undefined ? text : text.replaceAll(PLACE, name));
  const path = fill(flags.path ?? '/');
  if (!path.startsWith('/')) throw new CodedError('FIM-UP-0020', 'the path begins with /');
  const headers: Record<string, string | string[]> = { host: fill(flags.host), 'x-fim-asked-path': path };
  for (const line of flags.header) {
    const colon = line.indexOf(':');
    if (colon < 1) throw new CodedError('FIM-UP-0020', "--header is 'NAME: VALUE'");
    const name = line.slice(0, colon).toLowerCase();
    headers[name] = [headers[name] ?? []].flat().concat(fill(line.slice(colon + 1).trim()));
  }
  if (flags.from !== undefined) headers['x-fim-asked-address'] = addressOf(fill(flags.from));
  if (flags.claim !== undefined) headers['x-fim-asked-claim'] = fill(flags.claim);
  if (flags.certificate !== undefined) headers['x-fim-asked-certificate'] = fill(flags.certificate);
  return door.ask({ path: '/limits/explain', method: fill(flags.method), headers });
}

/** As the proxy writes addresses: IPv6 in brackets. */
function addressOf(text: string): string {
  return text.includes(':') && !text.startsWith('[') ? `[${text}]` : text;
}
