import type { KmsConfig, RouteIssue, RouteResource, Translation } from '../route/index.ts';
import { inheritedByRoute, loadRoutes, routesOfFiles, translate } from '../route/index.ts';
import type { Layout } from '../xds/index.ts';
import { KMS_CLUSTER } from '../xds/index.ts';
import { CodedError } from './coded-error.ts';
import { neededKeys } from './needed-keys.ts';
import { tlcpKeys } from './tlcp-plan.ts';
import type { Condition, Loaded, Policy } from './policy.ts';

/** Settings by which a policy is read, besides the files. */
export interface PolicyTerms {
  /** KMS settings that differ from the modules' defaults. */
  kms?: Omit<KmsConfig, 'cluster'>;
  /** Body bytes that a worker holds for one client address. */
  heldPerAddressBytes?: number;
  /** Whether the listener terminates national TLS. */
  terminatesTlcp?: boolean;
  /** Whether the listener has a certificate for ordinary TLS. Absent: nobody knows yet. */
  hasTlsIdentity?: boolean;
  /** Region of the proxy. */
  region?: string;
  /** Whether a service counts global limits. */
  countsGlobally?: boolean;
  /** Whether there is a collector of audit records. */
  collects?: boolean;
}

/**
 * Reads files and folders of FinancialRoutes and what goes with them as one policy. An error in one file refuses all,
 * because leaving out its route would remove protection. Never throws.
 */
export async function loadPolicy(
  paths: readonly string[],
  layout: Layout,
  {
    kms = {},
    heldPerAddressBytes,
    terminatesTlcp = false,
    countsGlobally = false,
    collects = false,
    hasTlsIdentity,
    region,
  }: PolicyTerms = {},
): Promise<Loaded> {
  const loaded = loadRoutes(paths);
  const errors = [...loaded.errors];
  const warnings = [...loaded.baselineWarnings];
  const resources = routesOfFiles(loaded, errors, warnings);
  if (errors.length > 0) return { problems: errors };
  if (resources.length === 0) {
    const { code, message } = new CodedError('FIM-UP-0014', `there is no FinancialRoute in ${paths.join(', ')}`);
    return { problems: [{ code, path: '', message, file: paths[0] }] };
  }
  const translation = translate(resources, {
    layout,
    standalone: true,
    terminatesTlcp,
    ...(region === undefined ? {} : { region }),
    countsGlobally,
    collects,
    kms: { cluster: KMS_CLUSTER, ...kms },
    ...(heldPerAddressBytes === undefined ? {} : { heldPerAddressBytes }),
  });
  const { tls } = translation;
  if (tls?.alsoTls !== undefined && hasTlsIdentity === false)
    return { problems: [tls.issue('FIM-UP-0035', ['alsoTls'], 'there is no certificate')] };
  if (tls?.alsoTls === undefined && hasTlsIdentity === true) {
    const { code, message } = new CodedError('FIM-UP-0035', 'no route has `tls.alsoTls`: --tls-cert is not used');
    warnings.push({ code, path: '', message, file: '' });
  }
  return translation.errors.length > 0
    ? { problems: translation.errors }
    : { policy: policyOf(translation, resources, warnings) };
}

function policyOf(translation: Translation, resources: readonly RouteResource[], notes: readonly RouteIssue[]): Policy {
  const { routes, hash, pluginConfigs, conflicts, warnings } = translation;
  return {
    configs: pluginConfigs.map((plugin) => plugin.config),
    hash,
    routes: [...new Set(routes.map((route) => route.resource.key))],
    keys: [...neededKeys(routes.map((route) => route.config)), ...tlcpKeys(translation.tls)],
    tls: translation.tls,
    lanes: translation.lanes,
    loopbackOnly: [...new Set(routes.filter((route) => route.loopbackOnly).map((route) => route.resource.key))],
    conditions: conditionsOf(translation),
    inherited: inheritedByRoute(resources),
    notices: [...notes, ...conflicts, ...warnings],
    locate: translation.locate,
  };
}

/** Conditions once the policy is in force everywhere. Unknown ones that waited for the proxy become True. */
function conditionsOf(translation: Translation): Condition[] {
  return Object.entries(translation.conditions).flatMap(([route, drafts]) =>
    drafts.map((draft) => {
      const proven = draft.type === 'Programmed' && draft.status === 'Unknown';
      return {
        route,
        ...draft,
        ...(proven ? { status: 'True' as const, reason: 'Programmed', message: 'Every worker has accepted it.' } : {}),
      };
    }),
  );
}
