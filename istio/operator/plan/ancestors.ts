// The status of a route by target, in the form of the Gateway API's policies (GEP-713).
import type { ConditionDraft, TargetRef } from '../../../envoy/route/index.ts';
import { MAX_STATUS_ANCESTORS } from '../../limits.ts';
import type { TargetProblem } from './selection.ts';

/** State of a route at one target. */
export interface TargetState {
  ref: TargetRef;
  problem?: TargetProblem;
  /** Warning. */
  note?: string;
  /** Whether the proxies of the target run the route; undefined: it has none. */
  programmed?: { status: ConditionDraft['status']; reason: string };
}

/** One target in the status. */
export interface Ancestor<C extends ConditionDraft = ConditionDraft> {
  ancestorRef: { group: string; kind: string; namespace?: string; name: string; sectionName?: string };
  controllerName: string;
  conditions: C[];
}

/** Name of the controller, without a revision. */
export const CONTROLLER_NAME = 'fim.financial/operator';

function worst(states: readonly TargetState[]): TargetState['programmed'] {
  const found = states.flatMap(({ programmed }) => programmed ?? []);
  return found.find(({ status }) => status === 'False') ?? found.find(({ status }) => status === 'Unknown') ?? found[0];
}

/**
 * The targets, each once. `whole`: `Accepted` and `Programmed` of the route: what keeps it from everywhere keeps it
 * from each. Messages hold nothing that changes with every configuration: an edit of another route writes no status
 * here.
 */
export function ancestorsOf(
  targets: readonly TargetState[],
  whole: { accepted: ConditionDraft; serves: boolean },
  controllerName: string,
  namespace: string | undefined,
): Ancestor[] {
  const byRef = Map.groupBy(targets, ({ ref: { group, kind, name, sectionName = '' } }) =>
    JSON.stringify([group, kind, name, sectionName]),
  );
  const observed =
    whole.accepted.observedGeneration === undefined ? {} : { observedGeneration: whole.accepted.observedGeneration };
  return [...byRef.values()].slice(0, MAX_STATUS_ANCESTORS).map((states): Ancestor => {
    const [{ ref }] = states as [TargetState];
    const problem = states.find((state) => state.problem !== undefined)?.problem;
    const accepted: ConditionDraft = !whole.serves
      ? { ...whole.accepted }
      : problem !== undefined
        ? { type: 'Accepted', status: 'False', reason: problem.reason, message: problem.message, ...observed }
        : { type: 'Accepted', status: 'True', reason: 'Accepted', message: 'The route is valid here.', ...observed };
    const programmed = whole.serves ? worst(states) : undefined;
    return {
      ancestorRef: {
        group: ref.group,
        kind: ref.kind,
        ...(namespace === undefined ? {} : { namespace }),
        name: ref.name,
        ...(ref.sectionName === undefined ? {} : { sectionName: ref.sectionName }),
      },
      controllerName,
      conditions: [
        accepted,
        ...(programmed === undefined
          ? []
          : [
              {
                type: 'Programmed',
                ...programmed,
                message:
                  programmed.status === 'True'
                    ? 'All its proxies run the route.'
                    : 'Not all its proxies are proven to run the route: status.conditions says more.',
                ...observed,
              },
            ]),
      ],
    };
  });
}
