// Runs instrumented code with different secrets and says whether their traces are one.
import { COUNT_GLOBAL, HASH_GLOBAL, instrument, LIMIT_GLOBAL, SITE_GLOBAL, type Instrumented } from './instrument.ts';

/** The trace of one run. */
export interface Trace {
  hash: bigint;
  /** Events: decisions, addresses and the like. */
  events: bigint;
}

type Globals = Record<string, WebAssembly.Global>;

/**
 * `Subject` is whatever drives an instance of the module (a harness); `create` makes a fresh one from a compiled
 * module, so that every run starts from the same memory.
 */
export class Tracer<Subject> {
  private readonly instrumented: Instrumented;
  private readonly module: WebAssembly.Module;
  private readonly create: (module: WebAssembly.Module) => Subject;
  private readonly exportsOf: (subject: Subject) => object;

  constructor(
    bytes: Uint8Array,
    create: (module: WebAssembly.Module) => Subject,
    exportsOf: (subject: Subject) => object,
  ) {
    this.instrumented = instrument(bytes);
    this.module = new WebAssembly.Module(this.instrumented.bytes);
    this.create = create;
    this.exportsOf = exportsOf;
  }

  /**
   * Runs `run` on a fresh instance, with `prepare` before it untraced. `limit`: events after that many are not counted.
   */
  trace<Secret>(
    secret: Secret,
    run: (subject: Subject, secret: Secret) => void,
    prepare?: (subject: Subject, secret: Secret) => void,
    limit = -1n,
  ): Trace & { site: number } {
    const subject = this.create(this.module);
    prepare?.(subject, secret);
    const globals = this.exportsOf(subject) as Globals;
    globals[HASH_GLOBAL].value = 0n;
    globals[COUNT_GLOBAL].value = 0n;
    globals[LIMIT_GLOBAL].value = limit;
    run(subject, secret);
    return {
      hash: BigInt.asUintN(64, globals[HASH_GLOBAL].value as bigint),
      events: globals[COUNT_GLOBAL].value as bigint,
      site: globals[SITE_GLOBAL].value as number,
    };
  }

  /**
   * Position of the first difference between the traces of two secrets, in words. Undefined if they are equal. Throws
   * if nothing was traced.
   */
  difference<Secret>(
    a: Secret,
    b: Secret,
    run: (subject: Subject, secret: Secret) => void,
    prepare?: (subject: Subject, secret: Secret) => void,
  ): string | undefined {
    const [first, second] = [this.trace(a, run, prepare), this.trace(b, run, prepare)];
    if (first.events === 0n) throw new Error('nothing was traced');
    if (first.hash === second.hash && first.events === second.events) return undefined;
    let [same, differs] = [0n, first.events < second.events ? first.events : second.events];
    differs += 1n;
    while (differs - same > 1n) {
      const middle = (same + differs) / 2n;
      if (this.trace(a, run, prepare, middle).hash === this.trace(b, run, prepare, middle).hash) same = middle;
      else differs = middle;
    }
    const { functionIndex, offset, effect } = this.instrumented.sites[this.trace(a, run, prepare, differs).site];
    const name = this.instrumented.names.get(functionIndex) ?? `function ${functionIndex}`;
    return `${effect} in ${name} (code offset ${offset}), event ${differs} of ${first.events} and ${second.events}`;
  }
}
