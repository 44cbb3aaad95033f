// Everything that is known of a route → its status. A table of truths: nothing is True that was not shown.
import { canonicalJson, rejectedConditions, type ConditionDraft } from '../../../envoy/route/index.ts';
import { MAX_CONDITION_CHARACTERS, MAX_NAMED_PROXIES, MAX_STATUS_WORKLOADS } from '../../limits.ts';
import { ancestorsOf, CONTROLLER_NAME, type Ancestor, type TargetState } from './ancestors.ts';
import { auditedCondition, standingAudited } from './audited.ts';
import type { Coverage } from './coverage.ts';
import type { RouteFacts, WorkloadState } from './route-facts.ts';
import { accepted, PARTLY_SERVED, resolvedRefs, warningOf, type Make } from './verdicts.ts';

function short(text: string): string {
  return text.length > MAX_CONDITION_CHARACTERS ? `${text.slice(0, MAX_CONDITION_CHARACTERS - 1)}…` : text;
}

function count(number: number, what: string): string {
  return `${number} ${number === 1 ? what : what === 'proxy' ? 'proxies' : `${what}s`}`;
}

function refusalText(workload: WorkloadState): string {
  const named = workload.refusals.slice(0, MAX_NAMED_PROXIES).map(({ proxy, reason }) => `${proxy}: ${reason}`);
  const more = workload.refusals.length - named.length;
  return `${workload.name}: ${named.join('; ')}${more > 0 ? `; and ${more} more` : ''}`;
}

/** Some names; the rest is counted. */
function named(names: readonly string[]): string {
  const shown = names.slice(0, MAX_NAMED_PROXIES).join(', ');
  return names.length > MAX_NAMED_PROXIES ? `${shown} and ${names.length - MAX_NAMED_PROXIES} more` : shown;
}

/** Whether every door of the workloads is judged or refused; undefined where none is known. */
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
  if (facts.serviceError !== undefined) return say('False', 'NotApplied', facts.serviceError);
  const failed = workloads.filter((workload) => workload.applyError !== undefined);
  if (failed.length > 0)
    return say('False', 'NotApplied', failed.map((workload) => `${workload.name}: ${workload.applyError}`).join('; '));
  const refused = workloads.filter((workload) => workload.refusals.length > 0);
  if (refused.length > 0)
    return say(
      'False',
      'Refused',
      `FIM-OP-0009: ${refused.map(refusalText).join('; ')}. Those proxies keep their former configuration.`,
    );
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
  if (workloads.every((workload) => workload.proxies === 0))
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
  const lacking = facts.hasKeys === true ? workloads.flatMap(({ keyTroubles = [] }) => keyTroubles) : [];
  if (lacking.length > 0) {
    const more = lacking.length - MAX_NAMED_PROXIES;
    return say(
      'False',
      'KeyUnavailable',
      `FIM-OP-0033: proxies run the route and do not get a key: ${lacking.slice(0, MAX_NAMED_PROXIES).join('; ')}${more > 0 ? `; and ${more} more` : ''}. Messages that need it are refused.`,
    );
  }
  return progress(workloads, besides, say);
}

/** Tells how many proxies run the configuration, where nothing else is wrong. `besides`: a sentence for the end. */
function progress(
  workloads: readonly WorkloadState[],
  besides: string,
  say: (status: ConditionDraft['status'], reason: string, message: string) => ConditionDraft,
): ConditionDraft {
  const total = (pick: (workload: WorkloadState) => number): number =>
    workloads.reduce((sum, workload) => sum + pick(workload), 0);
  const [proxies, proven, workers, silent, unasked] = [
    total((w) => w.proxies),
    total((w) => w.programmed),
    total((w) => w.workers),
    total((w) => w.unreachable),
    total((w) => w.unasked),
  ];
  const hashes = [...new Set(workloads.map((workload) => workload.hash.slice(0, 12)))].join(', ');
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
  if (facts.held) return 'The former form of the route stays in force until its references resolve.';
  return facts.workloads.length === 0
    ? 'The route is in force nowhere until its references resolve.'
    : 'No earlier form of the route is in force: messages that need the key are refused until it is there.';
}

/** State of the route at each of its targets. */
function targetStates(facts: RouteFacts, make: Make): TargetState[] {
  return facts.targets.map(({ workloads, ...target }): TargetState => {
    const own = facts.workloads.filter(({ name }) => workloads.includes(name));
    if (own.length === 0) return target;
    const { status, reason } = programmed({ ...facts, workloads: own }, make);
    return { ...target, programmed: { status, reason } };
  });
}

/** The conditions of a route, without times. */
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
      ? 'The former form of the route stays in force. The present one is not in force.'
      : condition.reason === 'Conflicted'
        ? 'The route serves no request.'
        : 'The route is in force nowhere.';
    if (facts.keys.length > 0) conditions.push(refs);
    return [...conditions, make(rest?.type ?? 'Programmed', 'False', condition.reason, message)];
  }
  conditions.push(refs);
  if (condition.status === 'False') {
    const others =
      facts.workloads.length === 0
        ? 'The route is in force nowhere.'
        : `Not at all targets. ${programmed(facts, make).message}`;
    conditions.push(make('Programmed', 'False', condition.reason, others));
  } else if (refs.status === 'False' && !PARTLY_SERVED.has(refs.reason))
    conditions.push(make('Programmed', 'False', refs.reason, unresolvedText(facts)));
  else conditions.push(programmed(facts, make));
  const partial =
    facts.drafts.flat().find((draft) => draft.type === 'PartiallyConflicted') ??
    facts.drafts.flat().find((draft) => draft.type === 'Accepted' && draft.status === 'False');
  if (partial !== undefined) conditions.push(make('PartiallyConflicted', 'True', 'Conflicted', partial.message));
  for (const type of ['Overridden', 'Inherited']) {
    const draft = facts.drafts.flat().find((one) => one.type === type);
    if (draft !== undefined) conditions.push(make(type, draft.status, draft.reason, draft.message));
  }
  const covered = coverageCondition(facts.coverage, make);
  if (covered !== undefined) conditions.push(covered);
  const audited = auditedCondition(facts, make);
  if (audited !== undefined) conditions.push(audited);
  const alters = facts.foreign.filter(({ kind }) => kind === 'alters');
  if (alters.length > 0)
    conditions.push(
      make(
        'ForeignPatches',
        'True',
        'ForeignPatch',
        `EnvoyFilters or WasmPlugins of others change what FIM relies on: ${named(alters.map(({ text }) => text))}.`,
      ),
    );
  const warning = warningOf(facts, make);
  if (warning !== undefined) conditions.push(warning);
  return conditions;
}

/** Conditions of which each must hold for a route to do what it says. */
const NEEDED = ['Accepted', 'ResolvedRefs', 'Programmed', 'Covered'];
/** Reasons that time alone changes: everything else that is False waits for someone to act. */
const PASSING: ReadonlySet<string> = new Set(['Pending', 'Unreachable', 'NoProxies', 'NotApplied', 'NotDelivered']);

/**
 * The route in one word, for tools that know no more (kstatus, Argo CD, `kubectl wait`): `Ready`, the worst of what is
 * needed; and `Stalled`, only where it is True: nothing will come of it by waiting.
 */
export function summaryOf(conditions: readonly ConditionDraft[]): ConditionDraft[] {
  // A proxy that had nothing to record yet is no lack.
  const needed = conditions.filter(
    ({ type, status }) => NEEDED.includes(type) || (type === 'Audited' && status === 'False'),
  );
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

/** A condition as the API has it. */
export interface Condition extends ConditionDraft {
  lastTransitionTime: string;
}

interface WorkloadRecord {
  name: string;
  generation: number;
  configurationHash: string;
  proxies: number;
  programmed: number;
  workers: number;
  provenAt?: string;
}

/** The status of a FinancialRoute. */
export interface RouteStatus {
  observedGeneration?: number;
  configurationHash?: string;
  proxies?: { total: number; programmed: number; workers: number };
  workloads?: WorkloadRecord[];
  conditions: Condition[];
  ancestors?: Ancestor<Condition>[];
}

/** A condition with its time: that of the last change of its status. */
export function timed(draft: ConditionDraft, before: readonly Condition[] | undefined, now: Date): Condition {
  const old = before?.find((condition) => condition.type === draft.type);
  return {
    ...draft,
    lastTransitionTime:
      old !== undefined && old.status === draft.status
        ? old.lastTransitionTime
        : now.toISOString().replace(/\.\d+Z$/, 'Z'),
  };
}

/** The whole status; the time of a condition is that of the last change of its `status`. */
export function statusOf(facts: RouteFacts, before: RouteStatus | undefined, now: Date): RouteStatus {
  const drafts = conditionsOf(facts).map((draft) => standingAudited(draft, before?.conditions));
  const conditions = [...drafts, ...summaryOf(drafts)].map((draft) => timed(draft, before?.conditions, now));
  const observed = facts.generation === undefined ? {} : { observedGeneration: facts.generation };
  const make: Make = (type, status, reason, message) => ({
    type,
    status,
    reason,
    message: short(message),
    ...observed,
  });
  const { condition, serves } = accepted(facts, make);
  const ancestors = ancestorsOf(
    targetStates(facts, make),
    { accepted: condition, serves },
    facts.controllerName ?? CONTROLLER_NAME,
    facts.namespace,
  ).map((ancestor): Ancestor<Condition> => {
    const key = canonicalJson([ancestor.ancestorRef, ancestor.controllerName]);
    const old = before?.ancestors?.find((one) => canonicalJson([one.ancestorRef, one.controllerName]) === key);
    return { ...ancestor, conditions: ancestor.conditions.map((draft) => timed(draft, old?.conditions, now)) };
  });
  const status: RouteStatus = { conditions, ...(ancestors.length === 0 ? {} : { ancestors }) };
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
  status.workloads = facts.workloads.slice(0, MAX_STATUS_WORKLOADS).map((workload) => recordOf(workload, before));
  return status;
}

/** Record of a workload. Before its proxies have been probed: the last record of the same configuration. */
function recordOf(
  { name, generation, hash, counted, proxies, programmed: proven, workers, provenAt }: WorkloadState,
  before: RouteStatus | undefined,
): WorkloadRecord {
  const former = before?.workloads?.find(
    (entry) => entry.name === name && entry.generation === generation && entry.configurationHash === hash,
  );
  if (!counted && former !== undefined) return former;
  return {
    name,
    generation,
    configurationHash: hash,
    proxies,
    programmed: proven,
    workers,
    ...(provenAt === undefined ? {} : { provenAt: new Date(provenAt).toISOString() }),
  };
}
