import type {
  KmsConfig,
  PluginConfig,
  RouteIssue,
  RouteResource,
  TranslateOptions,
  Translation,
} from '../route/index.ts';
import {
  canaryHeaders,
  canonicalHash,
  changedConfig,
  inheritedByRoute,
  isShadow,
  issueAt,
  loadRoutes,
  placeOfShadow,
  routesOfFiles,
  shadowedRoutes,
  translate,
} from '../route/index.ts';
import type { Layout } from '../xds/index.ts';
import { KMS_CLUSTER } from '../xds/index.ts';
import { CodedError } from './coded-error.ts';
import { neededKeys } from './needed-keys.ts';
import { tlcpKeys } from './tlcp-plan.ts';
import type { Condition, Loaded, Policy } from './policy.ts';

/** Hexadecimal digits of a canary's release: enough to tell a handful apart. */
const RELEASE_DIGITS = 12;

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
  const [first, second] = resources.filter(({ spec }) => spec.canary !== undefined);
  if (second !== undefined)
    return { problems: [issueAt(second.source, 'FIM-CFG-1114', ['spec', 'canary'], `${first!.key} has one`)] };
  const terms: TranslateOptions = {
    layout,
    standalone: true,
    terminatesTlcp,
    ...(region === undefined ? {} : { region }),
    countsGlobally,
    collects,
    kms: { cluster: KMS_CLUSTER, ...kms },
    ...(heldPerAddressBytes === undefined ? {} : { heldPerAddressBytes }),
  };
  const translation = translate(resources, terms);
  const { tls } = translation;
  if (tls?.alsoTls !== undefined && hasTlsIdentity === false)
    return { problems: [tls.issue('FIM-UP-0035', ['alsoTls'], 'there is no certificate')] };
  if (tls?.alsoTls === undefined && hasTlsIdentity === true) {
    const { code, message } = new CodedError('FIM-UP-0035', 'no route has `tls.alsoTls`: --tls-cert is not used');
    warnings.push({ code, path: '', message, file: '' });
  }
  if (translation.errors.length > 0) return { problems: translation.errors };
  const policy = policyOf(translation, resources, warnings);
  return first === undefined ? { policy } : withCanary(policy, first, resources, terms, warnings);
}

/** The policy with that of the one route that has a canary. */
function withCanary(
  policy: Policy,
  route: RouteResource,
  resources: readonly RouteResource[],
  options: TranslateOptions,
  notes: readonly RouteIssue[],
): Loaded {
  const changed = resources.map((resource) => (resource === route ? (route.canary ?? route) : resource));
  const translation = translate(changed, options);
  if (translation.errors.length > 0) return { problems: translation.errors };
  const terms = route.spec.canary!;
  const headers = canaryHeaders(terms);
  const own = (one: Policy): Policy => ({ ...one, configs: one.configs.map((config) => stripping(config, headers)) });
  const { canary: _, ...base } = route.spec;
  const { module } = terms;
  const differs = [terms.spec ?? null, module ?? null, ...(isShadow(terms) ? ['Shadow'] : [])];
  const release = canonicalHash(differs).slice(0, RELEASE_DIGITS);
  const ruling = own(policy);
  const variant = own(policyOf(translation, changed, notes));
  return {
    policy: {
      ...ruling,
      canary: {
        route: route.key,
        release,
        base: canonicalHash(base),
        terms,
        variant,
        ...(isShadow(terms) ? { shadowed: shadowed(ruling, variant, route.key, release) } : {}),
        ...(module === undefined ? {} : { module }),
      },
    },
  };
}

/** The policy with that of the canary as the shadow of its route. */
function shadowed(ruling: Policy, variant: Policy, name: string, release: string): Policy {
  const configs = ruling.configs.map((config, index) =>
    changedConfig(config, { routes: shadowedRoutes(config, variant.configs[index]!, name, release) }),
  );
  return {
    ...ruling,
    configs,
    hash: canonicalHash(configs.map(({ hash }) => hash)),
    locate: (code, pointer) => {
      const place = placeOfShadow(pointer);
      return place === undefined ? ruling.locate(code, pointer) : variant.locate(code, place);
    },
  };
}

/** The configuration, in which no client sends these headers either. */
function stripping(config: PluginConfig, headers: readonly string[]): PluginConfig {
  if (headers.length === 0) return config;
  return changedConfig(config, { stripHeaders: [...new Set([...(config.stripHeaders ?? []), ...headers])].sort() });
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
