// Facts about a baseline → its status. As with routes, nothing is True that was not shown.
import type { ConditionDraft, RouteIssue } from '../../../envoy/route/index.ts';
import { MAX_BASELINES } from '../../../envoy/limits.ts';
import { MAX_CONDITION_CHARACTERS, MAX_NAMED_BASELINE_ROUTES } from '../../limits.ts';
import { summaryOf, timed, type Condition } from './status.ts';

/** State of one route that the baseline reaches. */
export interface ReachedRoute {
  /** `namespace/name`; of requests without a route, the namespace and what they are. */
  name: string;
  programmed: ConditionDraft['status'];
  /** Why it does not go together with the baseline. Undefined: it does. */
  refused?: string;
}

export interface BaselineFacts {
  generation: number | undefined;
  errors: readonly RouteIssue[];
  isOver: boolean;
  /** Generation and spec in force. Undefined: none. */
  inForce: { generation: number; spec: unknown } | undefined;
  namespaces: number;
  routes: readonly ReachedRoute[];
  /** Ports and listeners of the namespaces where the overrides hold, each behind the namespace. */
  doors: { judged: readonly string[]; open: readonly string[] };
  /** EnvoyFilters of others that change what FIM relies on there. */
  altered: readonly string[];
  /** The mesh's root namespace, if the baseline has overrides for it. */
  root: string | undefined;
}

/** The status of a FinancialBaseline. */
export interface BaselineStatus {
  observedGeneration?: number;
  namespaces: number;
  routes: number;
  programmed: number;
  inForce?: { generation: number; spec: string };
  conditions: Condition[];
}

type Say = (type: string, status: ConditionDraft['status'], reason: string, message: string) => ConditionDraft;

function named(names: readonly string[]): string {
  const more = names.length - MAX_NAMED_BASELINE_ROUTES;
  return `${names.slice(0, MAX_NAMED_BASELINE_ROUTES).join(', ')}${more > 0 ? ` and ${more} more` : ''}`;
}

function accepted({ errors, isOver, inForce }: BaselineFacts, say: Say): ConditionDraft {
  if (isOver)
    return say(
      'Accepted',
      'False',
      'OverBudget',
      `FIM-OP-0040: there are ${MAX_BASELINES} older baselines: nothing of this one is in force.`,
    );
  if (errors.length === 0) return say('Accepted', 'True', 'Accepted', 'The baseline is valid.');
  const found = errors.map(({ code, path, message }) => `${code} ${path}: ${message}`).join('; ');
  const stays =
    inForce === undefined ? 'nothing of it is in force' : `its generation ${inForce.generation} stays in force`;
  return say('Accepted', 'False', 'Invalid', `FIM-OP-0040: ${stays}. ${found}`);
}

function programmed({ inForce, isOver, routes, namespaces }: BaselineFacts, say: Say): ConditionDraft {
  if (inForce === undefined || isOver)
    return say('Programmed', 'False', isOver ? 'OverBudget' : 'Invalid', 'Nothing of it is in force.');
  const refused = routes.filter(({ refused: why }) => why !== undefined);
  if (refused.length > 0)
    return say(
      'Programmed',
      'False',
      'RoutesRefused',
      `FIM-OP-0041: ${named(refused.map(({ name, refused: why }) => `${name} (${why})`))}. What was in force of them stays, and else their requests meet the baseline alone.`,
    );
  const open = routes.filter(({ programmed: status }) => status !== 'True');
  const reach = `${routes.length} ${routes.length === 1 ? 'route' : 'routes'} of ${namespaces} ${namespaces === 1 ? 'namespace' : 'namespaces'}`;
  if (open.length > 0)
    return say(
      'Programmed',
      open.some(({ programmed: status }) => status === 'False') ? 'False' : 'Unknown',
      'Pending',
      `${routes.length - open.length} of ${reach} run it; not yet: ${named(open.map(({ name }) => name))}.`,
    );
  return say(
    'Programmed',
    'True',
    'Programmed',
    routes.length === 0 ? 'There is no route that it reaches.' : `${reach} run it.`,
  );
}

/** Whether the overrides stand at all ports and listeners that lead there; nothing, where none is known. */
function covered({ doors: { judged, open } }: BaselineFacts, say: Say): ConditionDraft[] {
  if (open.length > 0)
    return [
      say(
        'Covered',
        'False',
        'PortsNotCovered',
        `FIM-OP-0014: what it overrides does not stand at ${open.length} of ${judged.length + open.length} ports: ${named(open)}.`,
      ),
    ];
  return judged.length === 0 ? [] : [say('Covered', 'True', 'Covered', `Judged: ${named(judged)}.`)];
}

/** The whole status; the time of a condition is that of the last change of its `status`. */
export function baselineStatusOf(facts: BaselineFacts, before: BaselineStatus | undefined, now: Date): BaselineStatus {
  const observed = facts.generation === undefined ? {} : { observedGeneration: facts.generation };
  const say: Say = (type, status, reason, message) => ({
    type,
    status,
    reason,
    message: message.slice(0, MAX_CONDITION_CHARACTERS),
    ...observed,
  });
  const drafts = [accepted(facts, say), programmed(facts, say), ...covered(facts, say)];
  const altered =
    facts.altered.length === 0
      ? []
      : [
          say(
            'ForeignPatches',
            'True',
            'ForeignPatch',
            `EnvoyFilters of others change what FIM relies on: ${named(facts.altered)}.`,
          ),
        ];
  const warnings =
    facts.root === undefined
      ? []
      : [
          say(
            'Warnings',
            'True',
            'RootNamespace',
            `FIM-OP-0042: gateways of ${facts.root}, the mesh's root namespace, are not covered: objects there act on every namespace.`,
          ),
        ];
  const spec = facts.inForce === undefined || facts.isOver ? undefined : JSON.stringify(facts.inForce.spec);
  return {
    ...observed,
    namespaces: facts.namespaces,
    routes: facts.routes.length,
    programmed: facts.routes.filter(({ programmed: status }) => status === 'True').length,
    ...(facts.inForce === undefined || spec === undefined
      ? {}
      : { inForce: { generation: facts.inForce.generation, spec } }),
    conditions: [...drafts, ...altered, ...warnings, ...summaryOf(drafts)].map((draft) =>
      timed(draft, before?.conditions, now),
    ),
  };
}
