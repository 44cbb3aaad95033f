// What the routes of one listener ask of national TLS. A connection is made before its routes are known, so all that ask
// ask for the same.
import { canonicalJson } from './canonical-json.ts';
import type { CipherSuite, RouteSpec, RouteTls } from './financial-route.gen.ts';
import type { RouteResource } from './resource.ts';
import { issueAt, type RouteIssue } from './route-error.ts';
import type { Report } from './schema-check.ts';

/** Numbers of the suites. */
const SUITES: Record<CipherSuite, number> = {
  'ECDHE-SM4-SM3': 0xe011,
  'ECC-SM4-SM3': 0xe013,
  'ECDHE-SM4-GCM-SM3': 0xe051,
  'ECC-SM4-GCM-SM3': 0xe053,
};

/** Whether clients are asked for certificates. */
function asksClients({ cipherSuites, clientAuth = 'None' }: RouteTls): boolean {
  return clientAuth !== 'None' || cipherSuites.some((suite) => suite.startsWith('ECDHE-'));
}

/** Checks the section of one route. */
export function checkTls({ tls }: RouteSpec, report: Report): void {
  if (tls?.certificates !== undefined && tls.trust === undefined && asksClients(tls))
    report('FIM-CFG-1072', ['spec', 'tls', 'certificates']);
}

/** National TLS of a listener. */
export interface ListenerTls {
  /** Numbers of the suites, the preferred first. */
  suites: number[];
  clientAuth: 'None' | 'Optional' | 'Required';
  tickets: boolean;
  /** PEM. */
  trust?: string;
  /** The server's pair. Absent: no certificates are named. */
  pair?: { chain: string; signKey: string; encryptKey: string };
  /** Names of the suites, for people. */
  names: string[];
  /** `namespace/name` of the routes that ask for it. */
  routes: string[];
}

function termsOf(tls: RouteTls): Omit<ListenerTls, 'routes'> {
  const [pair] = tls.certificates ?? [];
  return {
    suites: tls.cipherSuites.map((name) => SUITES[name]),
    names: [...tls.cipherSuites],
    clientAuth: tls.clientAuth ?? 'None',
    tickets: tls.sessionTickets ?? true,
    ...(tls.trust === undefined ? {} : { trust: tls.trust }),
    ...(pair === undefined
      ? {}
      : {
          pair: {
            chain: `${pair.sign.chain}\n${pair.encrypt.chain}`,
            signKey: pair.sign.keyId,
            encryptKey: pair.encrypt.keyId,
          },
        }),
  };
}

/** What the resources ask together. Null: nothing. */
export function listenerTls(resources: readonly RouteResource[]): { tls: ListenerTls | null; errors: RouteIssue[] } {
  const errors: RouteIssue[] = [];
  let tls: ListenerTls | null = null;
  let wanted = '';
  for (const { key, spec, source } of resources) {
    if (spec.tls === undefined) continue;
    const terms = termsOf(spec.tls);
    const text = canonicalJson(terms);
    if (tls === null) {
      tls = { ...terms, routes: [key] };
      wanted = text;
    } else if (text === wanted) tls.routes.push(key);
    else errors.push(issueAt(source, 'FIM-CFG-1073', ['spec', 'tls'], `${tls.routes[0]} has others`));
  }
  return { tls, errors };
}
