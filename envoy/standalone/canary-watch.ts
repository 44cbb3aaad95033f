import { CANARY_LOOK_MS } from '../limits.ts';
import type { CanaryCommand } from '../release/index.ts';
import type { CanaryKeeper, CanaryReport } from './canary-keeper.ts';
import type { Controller } from './controller.ts';
import type { LiveProof } from './live-proof.ts';

/** Looks after which a change that did not come into force is tried again. */
const RETRY_LOOKS = 10;

/** Looks at the canary as long as the proxy runs, and brings into force what its state asks for. */
export class CanaryWatch {
  private readonly keeper: CanaryKeeper;
  private readonly controller: Controller;
  private readonly proof: LiveProof;
  private readonly timer: NodeJS.Timeout;
  private looking: Promise<void> | undefined;
  private untilRetry = 0;

  constructor(keeper: CanaryKeeper, controller: Controller, proof: LiveProof) {
    this.keeper = keeper;
    this.controller = controller;
    this.proof = proof;
    // A look that is not done yet is not begun again.
    this.timer = setInterval(() => {
      this.looking ??= this.look().finally(() => (this.looking = undefined));
    }, CANARY_LOOK_MS).unref();
  }

  /** Follows a command and waits until it is in force, or has been refused. Error: FIM-UP-0071. */
  async command(command: CanaryCommand): Promise<CanaryReport> {
    if (this.keeper.command(command)) await this.controller.changed(performance.now());
    return this.keeper.report()!;
  }

  async stop(): Promise<void> {
    clearInterval(this.timer);
    await this.looking;
  }

  private async look(): Promise<void> {
    const report = this.keeper.report();
    if (report === undefined) return;
    if (!report.inForce && this.untilRetry-- > 0) return;
    const changes = this.keeper.isShadow
      ? this.keeper.lookAtShadow(await this.proof.shadow())
      : this.keeper.look(await this.proof.variants());
    if (!changes) return;
    this.untilRetry = RETRY_LOOKS;
    await this.controller.changed(performance.now());
  }
}
