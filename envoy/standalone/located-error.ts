import type { Problem } from './policy.ts';

/** A mistake in a route that shows only when its release is made, with its place. */
export class LocatedError extends Error {
  readonly problem: Problem;

  constructor(problem: Problem) {
    super(problem.message);
    this.name = 'LocatedError';
    this.problem = problem;
  }
}
