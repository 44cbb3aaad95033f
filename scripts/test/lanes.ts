// Runs stages: one after the other, and side by side those that stand in lanes.
import { addOutcome, emptyOutcome, type Outcome } from './outcome.ts';
import type { Stage, StageRequest } from './stages.ts';

const isFailure = (line: string): boolean => line.startsWith('  ✖');

/** Lines of a stage. Those of a stage that runs beside others are held, and printed together when it ends. */
class Screen {
  private readonly print: (line: string) => void;
  private holds: boolean;
  private readonly held: string[] = [];

  constructor(print: (line: string) => void, holds: boolean) {
    this.print = print;
    this.holds = holds;
  }

  /** Prints a line, or holds it. A failure is told at once, too. */
  line(text: string): void {
    if (!this.holds || isFailure(text)) this.print(text);
    if (this.holds) this.held.push(text);
  }

  release(): void {
    this.holds = false;
    this.held.splice(0).forEach(this.print);
  }
}

/**
 * Cuts the stages into groups that run one after the other. A stage without a lane is a group of its own. Neighbours
 * with lanes are one group: lanes run side by side, the stages of a lane in their order.
 */
export function groupsOf(stages: readonly Stage[]): Stage[][] {
  const groups: Stage[][] = [];
  for (const stage of stages) {
    const last = groups.at(-1);
    if (stage.lane !== undefined && last?.at(-1)?.lane !== undefined) last.push(stage);
    else groups.push([stage]);
  }
  return groups;
}

/** Runs stages and adds up their outcomes. */
class Run {
  readonly total = emptyOutcome();
  private readonly stages: readonly Stage[];
  private readonly request: StageRequest;
  /** Steps that run failed files of ended stages again. */
  private readonly again: (() => Promise<void>)[] = [];

  constructor(stages: readonly Stage[], request: StageRequest) {
    this.stages = stages;
    this.request = request;
  }

  /** Runs the lanes of a group side by side, and then what failed, alone. */
  async group(stages: readonly Stage[]): Promise<void> {
    const lanes = [...Map.groupBy(stages, ({ lane }) => lane).values()];
    await Promise.all(
      lanes.map(async (lane) => {
        for (const stage of lane) await this.stage(stage, lanes.length > 1);
      }),
    );
    for (const run of this.again.splice(0)) await run();
  }

  private async stage(stage: Stage, isBesideOthers: boolean): Promise<void> {
    const { print } = this.request;
    const start = performance.now();
    const title = `[${this.stages.indexOf(stage) + 1}/${this.stages.length}] ${stage.name}: ${stage.about}`;
    print(isBesideOthers ? `${title} …` : title);
    const screen = new Screen(print, isBesideOthers);
    const { outcome, again } = await stage.run({ ...this.request, print: (line) => screen.line(line) });
    const tookMs = performance.now() - start;
    if (isBesideOthers) print(title);
    screen.release();
    if (again === undefined) return this.close(stage, tookMs, outcome);
    this.again.push(async () => {
      if (isBesideOthers) print(`${stage.name}: what failed beside other stages`);
      await again();
      this.close(stage, tookMs, outcome);
    });
  }

  private close(stage: Stage, tookMs: number, outcome: Outcome): void {
    const skipped = outcome.skipped.length > 0 ? `, ${outcome.skipped.length} SKIPPED` : '';
    const counts = `${outcome.passed} good, ${outcome.failed} bad${skipped}`;
    const processorMs = outcome.costs.reduce((sum, cost) => sum + cost.processorMs, 0);
    const took = `${(tookMs / 1000).toFixed(1)} s (processor ${(processorMs / 1000).toFixed(1)} s)`;
    this.request.print(`  ${outcome.failed === 0 ? '✔' : '✖'} ${stage.name} in ${took}: ${counts}`);
    addOutcome(this.total, outcome);
  }
}

/** Runs all stages. What failed is run again, alone, when the stages beside it have ended. */
export async function runStages(stages: readonly Stage[], request: StageRequest): Promise<Outcome> {
  const run = new Run(stages, request);
  for (const group of groupsOf(stages)) await run.group(group);
  return run.total;
}
