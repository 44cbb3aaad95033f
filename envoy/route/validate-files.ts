import { inheritedByRoute, routesOfFiles, type InheritedSection } from './inheritance.ts';
import { loadRoutes } from './load.ts';
import type { RouteIssue } from './route-error.ts';
import { TLCP_MODULE } from './stages/table.ts';
import type { ListenerTls } from './national-tls.ts';
import { nameOf, readTlsFile, type TlsReference } from './tls-source.ts';
import { tlcpListenerConfig, tlcpSectionPath, type TlcpConfigTerms } from './tlcp-config.ts';
import { translate, type TranslateOptions, type Translation } from './translate.ts';
import { canonicalJson } from './canonical-json.ts';

/** Why a module does not take a configuration. */
export interface Refusal {
  code: string;
  /** JSON Pointer into the configuration; empty for the whole. */
  pointer: string;
  /** Detail from the module. */
  detail?: string;
}

/** Inputs of national TLS besides the routes. */
export interface TlcpTerms {
  /** Certificates for routes that name none. */
  own: () => Promise<TlcpConfigTerms['own']>;
}

/** Whether there is a responder is the platform's matter. */
const ANY_RESPONDER = { cluster: 'fim-ocsp', authority: 'ocsp', path: '/' };

/** Verdict of a module on a configuration. `undefined` if it accepts it. */
export type DryRun = (module: string, json: string) => Promise<Refusal | undefined>;

/** The result of `fim validate`. */
export interface ValidationReport {
  valid: boolean;
  /** `namespace/name` of the resources without errors. */
  routes: string[];
  errors: RouteIssue[];
  conflicts: RouteIssue[];
  warnings: RouteIssue[];
  /** Sections that routes have of baselines, by the route's name. */
  inherited: Record<string, InheritedSection[]>;
  files: string[];
  translation: Translation;
}

/**
 * Checks files and folders as one Envoy would get them: loading, rules, translation and, if given, the modules' dry
 * run. A conflict is reported but is no error. Never throws (unless the dry run does).
 */
export async function validateFiles(
  paths: readonly string[],
  options: TranslateOptions & { tlcp?: TlcpTerms } = { layout: 'fused' },
  dryRun?: DryRun,
): Promise<ValidationReport> {
  const loaded = loadRoutes(paths);
  const errors = [...loaded.errors];
  const warnings = [...loaded.baselineWarnings];
  const resources = routesOfFiles(loaded, errors, warnings);
  const translation = translate(resources, options);
  errors.push(...translation.errors);
  if (dryRun !== undefined && errors.length === 0) {
    for (const { module, json } of translation.pluginConfigs) {
      const refusal = await dryRun(module, json);
      if (refusal !== undefined) errors.push(translation.locate(refusal.code, refusal.pointer));
    }
  }
  const { tls } = translation;
  const elsewhere = tls === null ? [] : placesInMesh(tls);
  for (const reference of elsewhere)
    warnings.push(tls!.issue('FIM-CFG-1281', reference.at, `${nameOf(reference)} is not looked at outside a mesh`));
  if (dryRun !== undefined && tls !== null && elsewhere.length === 0 && errors.length === 0) {
    const own = tls.pairs.length > 0 ? null : ((await options.tlcp?.own()) ?? null);
    const config = tlcpListenerConfig(tls, {
      kms: { cluster: 'fim-kms' },
      responder: ANY_RESPONDER,
      own,
      read: readTlsFile,
    });
    if ('code' in config) errors.push(config);
    else if (config.connections!.pairs.length > 0) {
      const refusal = await dryRun(`${TLCP_MODULE}.wasm`, canonicalJson(config));
      if (refusal !== undefined)
        errors.push(
          tls.issue(refusal.code as RouteIssue['code'], tlcpSectionPath(refusal.pointer), refusal.detail ?? ''),
        );
    }
  }
  return {
    valid: errors.length === 0,
    routes: resources.map((resource) => resource.key),
    errors,
    conflicts: translation.conflicts,
    warnings: [...warnings, ...translation.warnings],
    inherited: inheritedByRoute(resources),
    files: loaded.files,
    translation,
  };
}

/** Secrets and ConfigMaps that are named: only the operator can look at them. */
function placesInMesh({ trust, lists, pairs }: ListenerTls): TlsReference[] {
  return [trust, lists, ...pairs.flatMap(({ sign, encrypt }) => [sign, encrypt])].filter(
    (text): text is TlsReference => typeof text === 'object' && text.kind !== 'File',
  );
}
