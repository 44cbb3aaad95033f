// Budgets of a namespace. Its oldest routes and profiles use them first. Those beyond a budget are not examined
// further.
import { MAX_NAMESPACE_RESOURCES, MAX_NAMESPACE_SPEC_BYTES, MAX_RESOURCE_BYTES, NEAR_BUDGET } from '../../limits.ts';

/** A route or a profile. */
export interface BudgetItem {
  key: string;
  /** Milliseconds since 1970. */
  created: number;
  /** Size of its spec as JSON. */
  bytes: number;
  /** Whether the spec found no room in the operator's memory. */
  isLeftAway: boolean;
}

export interface BudgetVerdict {
  /** Items that are not accepted: the exhausted budget by key. */
  over: Map<string, string>;
  /** Items that were accepted with a nearly exhausted budget: the budget by key. */
  near: Map<string, string>;
  /** Used part of each budget, by its name. */
  used: Record<'resources' | 'bytes', number>;
}

function byAge(a: BudgetItem, b: BudgetItem): number {
  if (a.created !== b.created) return a.created - b.created;
  return a.key < b.key ? -1 : 1;
}

/** Applies a namespace's budgets to its items, oldest first. */
export function spend(items: readonly BudgetItem[]): BudgetVerdict {
  const over = new Map<string, string>();
  const near = new Map<string, string>();
  let count = 0;
  let bytes = 0;
  for (const item of items.toSorted(byAge)) {
    if (item.bytes > MAX_RESOURCE_BYTES) {
      over.set(item.key, `its spec has ${item.bytes} bytes, of ${MAX_RESOURCE_BYTES} that one may have`);
      continue;
    }
    if (item.isLeftAway) {
      over.set(item.key, 'the operator has no memory left for routes of namespaces with many');
      continue;
    }
    if (count + 1 > MAX_NAMESPACE_RESOURCES)
      over.set(item.key, `the namespace has its ${MAX_NAMESPACE_RESOURCES} routes and profiles`);
    else if (bytes + item.bytes > MAX_NAMESPACE_SPEC_BYTES)
      over.set(
        item.key,
        `the routes and profiles of the namespace would have more than ${MAX_NAMESPACE_SPEC_BYTES} bytes`,
      );
    if (over.has(item.key)) continue;
    count++;
    bytes += item.bytes;
    if (count > NEAR_BUDGET * MAX_NAMESPACE_RESOURCES)
      near.set(item.key, `${MAX_NAMESPACE_RESOURCES} routes and profiles`);
    else if (bytes > NEAR_BUDGET * MAX_NAMESPACE_SPEC_BYTES)
      near.set(item.key, `${MAX_NAMESPACE_SPEC_BYTES} bytes in routes and profiles`);
  }
  return { over, near, used: { resources: count / MAX_NAMESPACE_RESOURCES, bytes: bytes / MAX_NAMESPACE_SPEC_BYTES } };
}
