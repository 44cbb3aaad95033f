import type { Conflict } from './precedence.ts';
import { inheritedOf, inheritedText } from './inheritance.ts';
import type { RouteResource } from './resource.ts';
import type { RouteIssue } from './route-error.ts';

/** A condition without its time, which the writer of the status adds. */
export interface ConditionDraft {
  type: string;
  status: 'True' | 'False' | 'Unknown';
  reason: string;
  message: string;
  observedGeneration?: number;
}

/**
 * Annotation that accepts missing national TLS, as `tls.missing: Accept` does. `Programmed` then covers the other
 * settings.
 */
export const ACCEPT_MISSING_TLCP = 'fim.financial/accept-missing-tlcp';

/** Reason of a condition for each warning code. The first warning decides. */
const WARNING_REASONS: Partial<Record<RouteIssue['code'], string>> = {
  'FIM-CFG-1060': 'TlcpNotTerminated',
  'FIM-CFG-1061': 'NotObserved',
  'FIM-CFG-1062': 'NothingAsked',
  'FIM-CFG-1063': 'WithoutEffect',
  'FIM-CFG-1067': 'FormerName',
};

function describe(issues: readonly RouteIssue[]): string {
  return issues
    .map((issue) => `${issue.code} ${issue.path}: ${issue.message}`)
    .join('; ')
    .slice(0, 32_000);
}

function draft(
  resource: RouteResource,
  type: string,
  status: ConditionDraft['status'],
  reason: string,
  message: string,
): ConditionDraft {
  return {
    type,
    status,
    reason,
    message,
    ...(resource.generation === undefined ? {} : { observedGeneration: resource.generation }),
  };
}

/** Conditions of a resource with errors. */
export function rejectedConditions(issues: readonly RouteIssue[], generation?: number): ConditionDraft[] {
  const observed = generation === undefined ? {} : { observedGeneration: generation };
  return [
    { type: 'Accepted', status: 'False', reason: 'Invalid', message: describe(issues), ...observed },
    {
      type: 'Programmed',
      status: 'False',
      reason: 'Invalid',
      message: 'The route is not accepted; what was programmed before stays.',
      ...observed,
    },
  ];
}

/** The lack in national TLS where nothing else is said. */
export const NOT_TERMINATED = 'national TLS is not terminated in this Envoy';

/** Warnings of a resource. `terminatesTlcp`: the lack of national TLS is none. */
export function warningsOf({ warnings }: RouteResource, terminatesTlcp: boolean): RouteIssue[] {
  return terminatesTlcp ? warnings.filter(({ code }) => code !== 'FIM-CFG-1060') : warnings;
}

/** Whether the route asks for national TLS and does not accept its absence. */
export function lacksTlcp(resource: RouteResource): boolean {
  const { tls } = resource.spec;
  if (tls === undefined || tls.missing === 'Accept') return false;
  // A route cannot do without what a baseline asks for.
  return resource.origins?.has('tls') === true || resource.annotations[ACCEPT_MISSING_TLCP] !== 'true';
}

/** Parts that the route has of the platform's baselines. */
export function inheritanceConditions(resource: RouteResource): ConditionDraft[] {
  const all = inheritedOf(resource);
  return (['overrides', 'defaults'] as const).flatMap((part) => {
    const sections = all.filter((section) => section.part === part);
    if (sections.length === 0) return [];
    const type = part === 'overrides' ? 'Overridden' : 'Inherited';
    const reason = part === 'overrides' ? 'Overrides' : 'Defaults';
    return [draft(resource, type, 'True', reason, `In force: ${inheritedText(sections)}.`)];
  });
}

/**
 * Conditions before anything is applied. `Programmed` is Unknown until the proxies have proven the configuration, and
 * False if a setting is already known not to be honoured. `tlcpLack`: what is missing of national TLS, in words;
 * undefined: nothing.
 */
export function translatedConditions(
  resource: RouteResource,
  conflict: Conflict | undefined,
  issues: readonly RouteIssue[],
  tlcpLack: string | undefined,
): ConditionDraft[] {
  const make = (type: string, status: ConditionDraft['status'], reason: string, message: string): ConditionDraft =>
    draft(resource, type, status, reason, message);
  if (issues.length > 0) return rejectedConditions(issues, resource.generation);
  const conditions: ConditionDraft[] = [];
  if (conflict !== undefined && !conflict.partial) {
    conditions.push(make('Accepted', 'False', 'Conflicted', `${conflict.winner.key} has the same match and keeps it.`));
    conditions.push(make('Programmed', 'False', 'Conflicted', 'The route serves no request.'));
    return conditions;
  }
  conditions.push(make('Accepted', 'True', 'Accepted', 'The route is valid.'));
  if (conflict !== undefined)
    conditions.push(
      make(
        'PartiallyConflicted',
        'True',
        'Conflicted',
        `${conflict.winner.key} has some of the same matches and keeps them.`,
      ),
    );
  conditions.push(make('ResolvedRefs', 'Unknown', 'Pending', 'Targets and keys are not looked up yet.'));
  if (tlcpLack !== undefined && lacksTlcp(resource))
    conditions.push(
      make(
        'Programmed',
        'False',
        'TlcpNotTerminated',
        `FIM-CFG-1060 $.spec.tls.cipherSuites: ${tlcpLack}; tls.missing: Accept says that the rest is enough.`,
      ),
    );
  else conditions.push(make('Programmed', 'Unknown', 'Pending', 'No proxy has reported the configuration yet.'));
  conditions.push(...inheritanceConditions(resource));
  const warnings = warningsOf(resource, tlcpLack === undefined);
  const [warning] = warnings;
  if (warning !== undefined)
    conditions.push(make('Warnings', 'True', WARNING_REASONS[warning.code] ?? 'Warned', describe(warnings)));
  return conditions;
}
