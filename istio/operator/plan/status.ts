// Derives the status of a route from everything known about it. A condition is True only if it has been shown.
import { rejectedConditions, type ConditionDraft, type RouteIssue } from '../../../envoy/route/index.ts';
import { MAX_CONDITION_CHARACTERS, MAX_NAMED_PROXIES, MAX_STATUS_WORKLOADS, NEAR_BUDGET } from '../../limits.ts';
import type { Coverage } from './coverage.ts';
import type { TargetProblem } from './selection.ts';

/** State of one workload's proxies. */
export interface WorkloadState {
  name: string;
  /** Hash of the configuration in force or being rolled out. Empty if there is none. */
  hash: string;
  generation: number;
  /** Reason why the object could not be applied. */
  applyError?: string;
  /**
   * Whether its proxies have been looked for since the configuration was applied. Until then their numbers mean
   * nothing, not even 0.
   */
  counted: boolean;
  /** Ready proxies. */
  proxies: number;
  /** Proxies that have proven that all their workers run the configuration. */
  programmed: number;
  /** Workers of the programmed proxies. */
  workers: number;
  /** Proxies that could not be probed. */
  unreachable: number;
  /** Proxies that have not been probed since the configuration was applied. */
  unasked: number;
  refusals: { proxy: string; reason: string }[];
  /** Proxies that fail to get a key, with the reason. */
  keyTroubles?: string[];
  /** Replaced listeners that still serve connections without the filter. */
  draining: number;
  /** Names of proxies that do not run the configuration yet or still drain. */
  lagging: string[];
  /** Names of proxies without a listener. They do not count. */
  idle: string[];
  /** Names of proxies with a filter chain that lacks the seal. */
  unsealed: string[];
  /** Names of proxies where requests bypass FIM. */
  unseen: string[];
  /** Time at which all proxies were last found proven, milliseconds since 1970. */
  provenAt?: number;
}

export interface KeyProblem {
  keyId: string;
  reason: 'KeyNotPermitted' | 'KeyNotFound' | 'KmsNotConfigured' | 'KmsUnreachable' | 'KmsDenied';
}

/** Reason why starting proxies do not get the module. */
export interface ModuleProblem {
  /** `ModuleServerSilent`: the module may be there. */
  reason: 'ModuleNotFound' | 'ModuleServerSilent';
  message: string;
}

/** Everything known about one route. */
export interface RouteFacts {
  generation: number | undefined;
  /** Issues of the resource itself, or refusals by the module or a limit. */
  issues: readonly RouteIssue[];
  /** Reason why the namespace must not hold routes. */
  forbidden?: string;
  /** Exhausted budget of the namespace that leaves the route out. */
  overBudget?: string;
  /** Limit of the namespace's workloads that the route would exceed. */
  overflow?: string;
  /** Budget of the namespace that is nearly exhausted. */
  nearBudget?: string;
  /** Whether an earlier form of the route is in force. */
  held: boolean;
  targets: readonly TargetProblem[];
  keys: readonly KeyProblem[];
  /** Reason why proxies cannot fetch the module. Undefined if they can. */
  moduleProblem?: ModuleProblem;
  /** Whether the route names keys. */
  hasKeys?: boolean;
  /** Reason why the proxies lack the key service's cluster, for a route that needs it. Undefined if they have it. */
  kmsError?: string;
  /** Reason why the operator does not touch a workload. Undefined if it does. */
  handsOff?: string;
  /** Conditions from the translation, one list for each workload. */
  drafts: readonly (readonly ConditionDraft[])[];
  /** Settings that the mesh cannot honour and whose loss nobody accepted. */
  unhonoured: readonly { reason: string; message: string }[];
  workloads: readonly WorkloadState[];
  /** EnvoyFilters of others that interfere with its proxies. */
  foreign: readonly { kind: 'takes' | 'alters'; text: string }[];
  /** Ports of its workloads. */
  coverage: Coverage;
}

function short(text: string): string {
  return text.length > MAX_CONDITION_CHARACTERS ? `${text.slice(0, MAX_CONDITION_CHARACTERS - 1)}…` : text;
}

function count(number: number, what: string): string {
  return `${number} ${number === 1 ? what : what === 'proxy' ? 'proxies' : `${what}s`}`;
}

type Make = (type: string, status: ConditionDraft['status'], reason: string, message: string) => ConditionDraft;

function describe(issues: readonly RouteIssue[]): string {
  return issues.map((issue) => `${issue.code} ${issue.path}: ${issue.message}`).join('; ');
}

/** The condition `Accepted`, and whether the route is served at all. */
function accepted(facts: RouteFacts, make: Make): { condition: ConditionDraft; serves: boolean } {
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
  return { condition: make('Accepted', 'True', 'Accepted', 'The route is valid.'), serves: true };
}

function resolvedRefs(facts: RouteFacts, make: Make): ConditionDraft {
  const [target] = facts.targets;
  if (target !== undefined)
    return make('ResolvedRefs', 'False', target.reason, facts.targets.map((problem) => problem.message).join(' '));
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
  // A label selector is no reference that could be broken. The message still tells that it matches nothing.
  const isEmpty = workloads.length > 0 && workloads.every(({ counted, proxies }) => counted && proxies === 0);
  return make(
    'ResolvedRefs',
    'True',
    'ResolvedRefs',
    isEmpty ? 'Keys and module are there; no ready proxy is among the targets.' : 'Targets, keys and module are there.',
  );
}

function refusalText(workload: WorkloadState): string {
  const named = workload.refusals.slice(0, MAX_NAMED_PROXIES).map(({ proxy, reason }) => `${proxy}: ${reason}`);
  const more = workload.refusals.length - named.length;
  return `${workload.name}: ${named.join('; ')}${more > 0 ? `; and ${more} more` : ''}`;
}

/** The first few names, and the number of the others. */
function named(names: readonly string[]): string {
  const shown = names.slice(0, MAX_NAMED_PROXIES).join(', ');
  return names.length > MAX_NAMED_PROXIES ? `${shown} and ${names.length - MAX_NAMED_PROXIES} more` : shown;
}

/** Whether every port of the workloads is judged or refused. Undefined if no port is known. */
function coverageCondition({ judged, refused, open }: Coverage, make: Make): ConditionDraft | undefined {
  if (judged.length + refused.length + open.length === 0) return undefined;
  const parts = [
    judged.length > 0 ? `Judged: ${judged.join(', ')}.` : '',
    refused.length > 0 ? `Refused: ${refused.join(', ')}.` : '',
  ].filter((part) => part !== '');
  if (open.length === 0) return make('Covered', 'True', 'Covered', parts.join(' '));
  return make(
    'Covered',
    'False',
    'PortsNotCovered',
    [`FIM-OP-0014: the policy does not stand at ${open.join(', ')}.`, ...parts].join(' '),
  );
}

function programmed(facts: RouteFacts, make: Make): ConditionDraft {
  const { workloads } = facts;
  const say = (status: ConditionDraft['status'], reason: string, message: string): ConditionDraft =>
    make('Programmed', status, reason, message);
  const [lack] = facts.unhonoured;
  if (lack !== undefined) return say('False', lack.reason, facts.unhonoured.map((entry) => entry.message).join(' '));
  if (facts.handsOff !== undefined) return say('False', 'LaterVersion', facts.handsOff);
  if (facts.kmsError !== undefined)
    return say('False', 'NotApplied', `fim-kms: the API server refuses the object: ${facts.kmsError}`);
  const failed = workloads.filter((workload) => workload.applyError !== undefined);
  if (failed.length > 0)
    return say('False', 'NotApplied', failed.map((workload) => `${workload.name}: ${workload.applyError}`).join('; '));
  const refused = workloads.filter((workload) => workload.refusals.length > 0);
  if (refused.length > 0)
    return say(
      'False',
      'Refused',
      `FIM-OP-0009: ${refused.map(refusalText).join('; ')}. What was in force stays in force there.`,
    );
  const total = (pick: (workload: WorkloadState) => number): number =>
    workloads.reduce((sum, workload) => sum + pick(workload), 0);
  const [proxies, proven, workers, silent, unasked] = [
    total((w) => w.proxies),
    total((w) => w.programmed),
    total((w) => w.workers),
    total((w) => w.unreachable),
    total((w) => w.unasked),
  ];
  if (workloads.length === 0) return say('False', 'NoTarget', 'No proxy is meant.');
  const uncounted = workloads.filter((workload) => !workload.counted);
  if (uncounted.length > 0)
    return say(
      'Unknown',
      'Pending',
      `The proxies of ${uncounted.map(({ name }) => name).join(', ')} have not been looked for yet.`,
    );
  const idle = named(workloads.flatMap((workload) => workload.idle));
  const besides = idle === '' ? '' : ` Not counted, for want of a listener: ${idle}.`;
  if (proxies === 0)
    return say(
      'Unknown',
      'NoProxies',
      `No ready proxy ${idle === '' ? '' : 'with a listener '}is among the targets: there is nothing to ask.${besides}`,
    );
  const takes = facts.foreign.filter(({ kind }) => kind === 'takes');
  if (takes.length > 0)
    return say(
      'False',
      'ForeignPatch',
      `FIM-OP-0013: EnvoyFilters of others take FIM out of the chain or lead past it: ${named(takes.map(({ text }) => text))}.`,
    );
  const unseen = workloads.flatMap((workload) => workload.unseen);
  if (unseen.length > 0)
    return say(
      'False',
      'Bypassed',
      `FIM-OP-0011: requests come by without FIM at ${named(unseen)}: something has taken its filter out of the chain. The seal refuses those that routes may concern.`,
    );
  const unsealed = workloads.flatMap((workload) => workload.unsealed);
  if (unsealed.length > 0)
    return say(
      'False',
      'NotSealed',
      `FIM-OP-0012: the seal behind FIM is missing in chains of ${named(unsealed)}: something has taken it out.`,
    );
  const hashes = [...new Set(workloads.map((workload) => workload.hash.slice(0, 12)))].join(', ');
  const lacking = facts.hasKeys === true ? workloads.flatMap(({ keyTroubles = [] }) => keyTroubles) : [];
  if (lacking.length > 0) {
    const more = lacking.length - MAX_NAMED_PROXIES;
    return say(
      'False',
      'KeyUnavailable',
      `FIM-OP-0033: proxies run the route and do not get a key: ${lacking.slice(0, MAX_NAMED_PROXIES).join('; ')}${more > 0 ? `; and ${more} more` : ''}. Messages that need it are refused.`,
    );
  }
  if (proven === proxies)
    return say(
      'True',
      'Programmed',
      `${count(proxies, 'proxy')} with ${count(workers, 'worker')} run configuration ${hashes}.${besides}`,
    );
  const draining = total((w) => w.draining);
  const lagging = named(workloads.flatMap((workload) => workload.lagging));
  if (draining > 0)
    return say(
      'False',
      'Pending',
      `${proven} of ${count(proxies, 'proxy')} run configuration ${hashes} for all connections. Connections that were open before the filter came go on without it until ${count(draining, 'listener')} of ${lagging} ${draining === 1 ? 'is' : 'are'} drained: at most the mesh's drainDuration (45 s unless set).${besides}`,
    );
  if (proven + silent + unasked < proxies)
    return say(
      'False',
      'Pending',
      `${proven} of ${count(proxies, 'proxy')} run configuration ${hashes}; waiting for ${lagging}.${besides}`,
    );
  if (silent > 0)
    return say(
      'Unknown',
      'Unreachable',
      `${count(silent, 'proxy')} of ${proxies} cannot be asked; ${proven} run configuration ${hashes}.`,
    );
  return say(
    'Unknown',
    'Pending',
    `${proven} of ${count(proxies, 'proxy')} run configuration ${hashes}; the others have not been asked yet.`,
  );
}

function unresolvedText(facts: RouteFacts): string {
  if (facts.held) return 'What was in force of the route stays in force until its references resolve.';
  return facts.workloads.length === 0
    ? 'The route is in force nowhere until its references resolve.'
    : 'No earlier form of the route is in force: messages that need the key are refused until it is there.';
}

/** Conditions of a route, without times. */
export function conditionsOf(facts: RouteFacts): ConditionDraft[] {
  const observed = facts.generation === undefined ? {} : { observedGeneration: facts.generation };
  const make: Make = (type, status, reason, message) => ({
    type,
    status,
    reason,
    message: short(message),
    ...observed,
  });
  const { condition, serves } = accepted(facts, make);
  const refs = resolvedRefs(facts, make);
  const conditions = [condition];
  if (!serves) {
    const [, rest] = rejectedConditions([], facts.generation);
    const message = facts.held
      ? 'What was in force of the route stays in force; what the resource says now is not.'
      : condition.reason === 'Conflicted'
        ? 'The route serves no request.'
        : 'The route is in force nowhere.';
    if (facts.targets.length > 0 || facts.keys.length > 0) conditions.push(refs);
    return [...conditions, make(rest?.type ?? 'Programmed', 'False', condition.reason, message)];
  }
  conditions.push(refs);
  if (
    refs.status === 'False' &&
    refs.reason !== 'ModuleNotFound' &&
    (facts.held || facts.workloads.length === 0 || refs.reason !== 'TargetNotFound')
  ) {
    conditions.push(make('Programmed', 'False', refs.reason, unresolvedText(facts)));
  } else if (refs.reason === 'TargetNotFound') {
    const others = programmed(facts, make);
    conditions.push(make('Programmed', 'False', 'TargetNotFound', `Not all targets are there. ${others.message}`));
  } else conditions.push(programmed(facts, make));
  const partial =
    facts.drafts.flat().find((draft) => draft.type === 'PartiallyConflicted') ??
    facts.drafts.flat().find((draft) => draft.type === 'Accepted' && draft.status === 'False');
  if (partial !== undefined) conditions.push(make('PartiallyConflicted', 'True', 'Conflicted', partial.message));
  const covered = coverageCondition(facts.coverage, make);
  if (covered !== undefined) conditions.push(covered);
  const alters = facts.foreign.filter(({ kind }) => kind === 'alters');
  if (alters.length > 0)
    conditions.push(
      make(
        'ForeignPatches',
        'True',
        'ForeignPatch',
        `EnvoyFilters of others change what FIM relies on: ${named(alters.map(({ text }) => text))}.`,
      ),
    );
  const warning = facts.drafts.flat().find((draft) => draft.type === 'Warnings');
  const near =
    facts.nearBudget === undefined
      ? undefined
      : `FIM-OP-0031: the namespace has used more than ${100 * NEAR_BUDGET} % of its ${facts.nearBudget}.`;
  if (near !== undefined)
    conditions.push(
      make('Warnings', 'True', 'NearBudget', [near, ...(warning === undefined ? [] : [warning.message])].join(' ')),
    );
  else if (warning !== undefined) conditions.push(make('Warnings', 'True', warning.reason, warning.message));
  return conditions;
}

/** Conditions that must all hold for a route to do what it says. */
const NEEDED = ['Accepted', 'ResolvedRefs', 'Programmed', 'Covered'];
/** Reasons that time alone resolves. Any other False waits for someone to act. */
const PASSING: ReadonlySet<string> = new Set(['Pending', 'Unreachable', 'NoProxies', 'NotApplied']);

/**
 * Summary for tools that know only standard conditions (kstatus, Argo CD, `kubectl wait`). `Ready` is the worst of the
 * needed conditions. `Stalled` is present only if True: waiting will not help.
 */
export function summaryOf(conditions: readonly ConditionDraft[]): ConditionDraft[] {
  const needed = conditions.filter(({ type }) => NEEDED.includes(type));
  const worst = needed.find(({ status }) => status === 'False') ?? needed.find(({ status }) => status === 'Unknown');
  const last = needed.at(-1);
  if (last === undefined) return [];
  if (worst === undefined)
    return [
      { ...last, type: 'Ready', status: 'True', reason: 'Ready', message: 'The route is in force as it is written.' },
    ];
  const ready: ConditionDraft = { ...worst, type: 'Ready' };
  return worst.status === 'False' && !PASSING.has(worst.reason)
    ? [ready, { ...ready, type: 'Stalled', status: 'True' }]
    : [ready];
}

/** A condition in the form of the Kubernetes API. */
export interface Condition extends ConditionDraft {
  lastTransitionTime: string;
}

/** The status of a FinancialRoute. */
export interface RouteStatus {
  observedGeneration?: number;
  configurationHash?: string;
  proxies?: { total: number; programmed: number; workers: number };
  workloads?: {
    name: string;
    generation: number;
    configurationHash: string;
    proxies: number;
    programmed: number;
    workers: number;
    provenAt?: string;
  }[];
  conditions: Condition[];
}

/** The whole status. The time of a condition is that of the last change of its `status`. */
export function statusOf(facts: RouteFacts, before: RouteStatus | undefined, now: Date): RouteStatus {
  const drafts = conditionsOf(facts);
  const conditions = [...drafts, ...summaryOf(drafts)].map((draft): Condition => {
    const old = before?.conditions?.find((condition) => condition.type === draft.type);
    return {
      ...draft,
      lastTransitionTime:
        old !== undefined && old.status === draft.status
          ? old.lastTransitionTime
          : now.toISOString().replace(/\.\d+Z$/, 'Z'),
    };
  });
  const status: RouteStatus = { conditions };
  if (facts.generation !== undefined) status.observedGeneration = facts.generation;
  const [only] = facts.workloads;
  if (only !== undefined && only.hash !== '' && facts.workloads.every((workload) => workload.hash === only.hash))
    status.configurationHash = only.hash;
  if (facts.workloads.length === 0) return status;
  const sum = (pick: (workload: WorkloadState) => number): number =>
    facts.workloads.reduce((total, workload) => total + pick(workload), 0);
  status.proxies = {
    total: sum((w) => w.proxies),
    programmed: sum((w) => w.programmed),
    workers: sum((w) => w.workers),
  };
  status.workloads = facts.workloads
    .slice(0, MAX_STATUS_WORKLOADS)
    .map(({ name, generation, hash, proxies, programmed: proven, workers, provenAt }) => ({
      name,
      generation,
      configurationHash: hash,
      proxies,
      programmed: proven,
      workers,
      ...(provenAt === undefined ? {} : { provenAt: new Date(provenAt).toISOString() }),
    }));
  return status;
}
