// Verdicts on a route itself: acceptance, references, warnings.
import { CERTIFICATE_WARNING_MS, NEAR_BUDGET } from '../../limits.ts';
import type { ConditionDraft, RouteIssue } from '../../../envoy/route/index.ts';
import type { RouteFacts } from './route-facts.ts';

export type Make = (type: string, status: ConditionDraft['status'], reason: string, message: string) => ConditionDraft;

function describe(issues: readonly RouteIssue[]): string {
  return issues.map((issue) => `${issue.code} ${issue.path}: ${issue.message}`).join('; ');
}

/** `Accepted`, and whether the route takes part at all. */
export function accepted(facts: RouteFacts, make: Make): { condition: ConditionDraft; serves: boolean } {
  const no = (reason: string, message: string): { condition: ConditionDraft; serves: boolean } => ({
    condition: make('Accepted', 'False', reason, message),
    serves: false,
  });
  if (facts.forbidden !== undefined) return no('NotAllowed', facts.forbidden);
  if (facts.overBudget !== undefined) return no('OverBudget', `FIM-OP-0030: ${facts.overBudget}.`);
  if (facts.overflow !== undefined)
    return no(
      'TooManyWorkloads',
      `FIM-OP-0003: the routes of this namespace would make more than ${facts.overflow}; older routes keep theirs.`,
    );
  if (facts.issues.length > 0) {
    const isRoom = facts.issues.every((issue) => issue.code === 'FIM-CFG-1002');
    return no(isRoom ? 'TooManyRoutes' : 'Invalid', describe(facts.issues));
  }
  const lost = facts.drafts
    .map((drafts) => drafts.find((draft) => draft.type === 'Accepted' && draft.status === 'False'))
    .filter((draft) => draft !== undefined);
  if (lost.length > 0 && lost.length === facts.drafts.length)
    return no(lost[0]?.reason ?? 'Conflicted', lost[0]?.message ?? '');
  const problems = facts.targets.flatMap(({ problem }) => problem ?? []);
  const [first] = problems;
  if (first !== undefined) {
    const said = [...new Set(problems.map(({ message }) => message))].join(' ');
    return { condition: make('Accepted', 'False', first.reason, said), serves: true };
  }
  return { condition: make('Accepted', 'True', 'Accepted', 'The route is valid.'), serves: true };
}

/** Reasons as the Gateway API has them for certificates of listeners. */
const CERTIFICATE_REASONS: Partial<Record<RouteIssue['code'], string>> = {
  'FIM-OP-0061': 'RefNotPermitted',
  'FIM-OP-0064': 'ApiServerSilent',
};
/** Reasons of `ResolvedRefs` that leave it to `Programmed` itself what is in force. */
export const PARTLY_SERVED: ReadonlySet<string> = new Set([
  'ModuleNotFound',
  'InvalidCertificateRef',
  ...Object.values(CERTIFICATE_REASONS),
]);

/** Warning of certificates that end. */
function endings({ certificatesEnd }: RouteFacts): { reason: string; message: string }[] {
  if (certificatesEnd === undefined || certificatesEnd - Date.now() > CERTIFICATE_WARNING_MS) return [];
  const day = new Date(certificatesEnd).toISOString().replace(/\.\d+Z$/, 'Z');
  const isOver = certificatesEnd <= Date.now();
  return [
    {
      reason: isOver ? 'CertificateEnded' : 'CertificateEnds',
      message: `FIM-OP-0063: a certificate of national TLS ${isOver ? 'has ended, at' : 'ends at'} ${day}.`,
    },
  ];
}

export function resolvedRefs(facts: RouteFacts, make: Make): ConditionDraft {
  const denied = facts.keys.filter((key) => key.reason === 'KeyNotPermitted');
  if (denied.length > 0)
    return make(
      'ResolvedRefs',
      'False',
      'KeyNotPermitted',
      `FIM-OP-0032: ${denied.map((key) => key.keyId).join(', ')}: this key is not the namespace's.`,
    );
  const missing = facts.keys.filter((key) => key.reason === 'KeyNotFound' || key.reason === 'KmsNotConfigured');
  const [first] = missing;
  if (first?.reason === 'KmsNotConfigured')
    return make(
      'ResolvedRefs',
      'False',
      'KmsNotConfigured',
      `FIM-OP-0007: the operator knows no key service (--kms), so ${first.keyId} cannot be fetched.`,
    );
  if (first !== undefined)
    return make(
      'ResolvedRefs',
      'False',
      'KeyNotFound',
      `FIM-OP-0006: the key service has no ${missing.map((key) => key.keyId).join(', ')}.`,
    );
  const [lost] = facts.certificates ?? [];
  if (lost !== undefined)
    return make(
      'ResolvedRefs',
      lost.code === 'FIM-OP-0064' ? 'Unknown' : 'False',
      CERTIFICATE_REASONS[lost.code] ?? 'InvalidCertificateRef',
      (facts.certificates ?? []).map(({ code, name, detail }) => `${code}: ${name}: ${detail}.`).join(' '),
    );
  if (facts.moduleProblem?.reason === 'ModuleNotFound')
    return make('ResolvedRefs', 'False', 'ModuleNotFound', `FIM-OP-0008: ${facts.moduleProblem.message}`);
  const [unsure] = facts.keys;
  if (unsure !== undefined)
    return make(
      'ResolvedRefs',
      'Unknown',
      unsure.reason,
      unsure.reason === 'KmsDenied'
        ? `The key service does not let the operator see whether there is ${unsure.keyId}.`
        : `The key service does not say whether there is ${unsure.keyId}.`,
    );
  if (facts.moduleProblem !== undefined)
    return make('ResolvedRefs', 'Unknown', facts.moduleProblem.reason, `FIM-OP-0008: ${facts.moduleProblem.message}`);
  const { workloads } = facts;
  // A label selector names nothing that could be missing; what it meets is told all the same.
  const isEmpty = workloads.length > 0 && workloads.every(({ counted, proxies }) => counted && proxies === 0);
  return make(
    'ResolvedRefs',
    'True',
    'ResolvedRefs',
    isEmpty ? 'Keys and module are there; no ready proxy is among the targets.' : 'Keys and module are there.',
  );
}

/** All warnings in one condition. The first one gives the reason. */
export function warningOf(facts: RouteFacts, make: Make): ConditionDraft | undefined {
  const translated = facts.drafts.flat().find((draft) => draft.type === 'Warnings');
  const notes = [...new Set(facts.targets.flatMap(({ note }) => note ?? []))];
  const atWaypoints = facts.workloads.map(({ name }) => name).filter((name) => /^(?:waypoint|service)-/.test(name));
  const found = [
    ...(facts.nearBudget === undefined
      ? []
      : [
          {
            reason: 'NearBudget',
            message: `FIM-OP-0031: the namespace has used more than ${100 * NEAR_BUDGET} % of its ${facts.nearBudget}.`,
          },
        ]),
    ...endings(facts),
    ...(translated === undefined ? [] : [translated]),
    ...(notes.length === 0 ? [] : [{ reason: 'OtherThanTarget', message: notes.join(' ') }]),
    ...(facts.hasKeys === true && atWaypoints.length > 0
      ? [
          {
            reason: 'NoKeysAtWaypoint',
            message: `Nothing leads from a waypoint to the key service: messages that need a key are refused at ${atWaypoints.join(', ')}. Use selector for the sidecars, or the gateways.`,
          },
        ]
      : []),
  ];
  const [first] = found;
  return first === undefined
    ? undefined
    : make('Warnings', 'True', first.reason, found.map(({ message }) => message).join(' '));
}
