// Reads FinancialRoutes from text or objects, checks them and translates them to plugin configurations. See README.md.
export { checkBaseline, reaches, withinBounds, type BaselinePart, type BaselineResource } from './baseline.ts';
export { BASELINE_ROUTE, baselineRoute, isBaselineRoute, mergeBaselines, overridesSections } from './merge.ts';
export {
  inheritedByRoute,
  inheritedOf,
  inheritedText,
  routesOfFiles,
  routesOfNamespaces,
  type InheritedSection,
} from './inheritance.ts';
export { NO_ORIGINS, type Origins, type SectionOrigin } from './origin.ts';
export {
  BACKUPS,
  LANE_HEADER,
  NEXT_GRPC_TIMEOUT_HEADER,
  REPEATABLE,
  type Channel,
  type HealthCheck,
  type Lane,
} from './channels.ts';
export { checkRoutes, isCaseFile, loadRoutes, parseRoutes, readChecked, type LoadResult } from './load.ts';
export type { RouteResource } from './resource.ts';
export type { Section, Sections } from './sections.ts';
export { isSm2, type AlsoTls } from './also-tls.ts';
export { listenerTls, tlsReferencesOf } from './national-tls.ts';
export {
  firstEndOf,
  nameOf,
  pemOf,
  readTlsFile,
  type ReadTls,
  type TlsFinding,
  type TlsReference,
} from './tls-source.ts';
export type { ListenerTls, TlsPairTerms } from './national-tls.ts';
export { tlcpListenerConfig, tlcpSectionPath, type TlcpConfigTerms } from './tlcp-config.ts';
export { CHAIN, FUSED_MODULE, keysOf, STAGES, TLCP_MODULE } from './stages/table.ts';
export { AUDIT_CLUSTER, asksAudit } from './stages/audit.ts';
export { FLEET_HEADERS, asksFleet, fleetHeaders, hasGlobalLimits } from './stages/fleet-limit.ts';
export { memberOf } from './stages/stage-row.ts';
export { KEY_ALGORITHMS, type KeyAlgorithm } from './key-algorithm.ts';
export { differences, type Difference, type Effect } from './difference.ts';
export { formatPath, formatPointer, type Path } from './json-path.ts';
export { RouteSource } from './source.ts';
export { formatPlace, issueAt, type RouteIssue } from './route-error.ts';
export { VARIANT_HEADER, canaryHeaders, isShadow } from './canary.ts';
export { placeOfShadow, shadowedRoutes } from './shadow.ts';
export {
  PLUGIN_CONFIG_VERSION,
  changedConfig,
  translate,
  type PluginOutput,
  type TranslatedRoute,
  type TranslateOptions,
  type Translation,
} from './translate.ts';
export { ACCEPT_MISSING_TLCP, rejectedConditions, type ConditionDraft } from './conditions.ts';
export { validateFiles, type DryRun, type Refusal, type ValidationReport } from './validate-files.ts';
export { hostsOfBoth, narrowMatch } from './narrow.ts';
export { keyIdsOf, ownKeyIdsOf, replaceKeyIds } from './key-ids.ts';
export { durationMs } from './duration.ts';
export { canonicalHash, canonicalJson } from './canonical-json.ts';
export { Profiles, broughtProfiles, pbocVersions, type ProfileResource, type ResolvedProfile } from './profiles.ts';
export { KMS_SETTINGS, readKmsSettings, type KmsSettingName, type KmsSettings } from './kms-settings.ts';
export { ERRORS, type ErrorCode, type ErrorInfo } from './errors.gen.ts';
export type * from './plugin-config.gen.ts';
export type {
  FinancialBaseline,
  FinancialRoute,
  CanaryGates,
  RouteCanary,
  RouteMatch,
  RouteSpec,
  TargetRef,
  ValidationProfile,
} from './financial-route.gen.ts';
