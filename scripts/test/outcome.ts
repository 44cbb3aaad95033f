// Result that every test stage returns.
import type { Cost } from './processor-time.ts';

/** One test that failed, or was skipped when it must not be. */
export interface Failure {
  /** File, suite and test, outermost first. */
  name: string;
  /** Cause in the tool's words. May have several lines. */
  detail: string;
}

/** Result of one stage. */
export interface Outcome {
  passed: number;
  failed: number;
  /** Names of tests marked skip or todo. Under CI=true each counts as failed. */
  skipped: string[];
  /** Files that failed among others and passed when run again alone. */
  unstable: string[];
  failures: Failure[];
  /** Processor time of each file and check. */
  costs: Cost[];
}

/** A stage that has run. */
export interface Ran {
  outcome: Outcome;
  /** Runs what failed once more and corrects `outcome`. Absent if there is nothing to run again. */
  again?: () => Promise<void>;
}

export function emptyOutcome(): Outcome {
  return { passed: 0, failed: 0, skipped: [], unstable: [], failures: [], costs: [] };
}

/** Adds `part` to `total`. */
export function addOutcome(total: Outcome, part: Outcome): void {
  total.passed += part.passed;
  total.failed += part.failed;
  total.skipped.push(...part.skipped);
  total.unstable.push(...part.unstable);
  total.failures.push(...part.failures);
  total.costs.push(...part.costs);
}

/** Outcome of one check that passes or fails. */
export function singleOutcome(name: string, problem: string | null): Outcome {
  if (problem === null) return { ...emptyOutcome(), passed: 1 };
  return { ...emptyOutcome(), failed: 1, failures: [{ name, detail: problem }] };
}
