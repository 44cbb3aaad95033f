// Runs a scenario on a module, once for each way to cut its bodies.
import assert from 'node:assert/strict';
import { gzipSync } from 'node:zlib';
import { createVm, Exchange, Metrics, SharedData, VirtualClock } from '../../../envoy/host/index.ts';
import type {
  Chunks,
  ExchangeOptions,
  ExchangeResponse,
  LoadedModule,
  Received,
  RootContext,
  Vm,
} from '../../../envoy/host/index.ts';
import { seal } from './envelope.ts';
import { expectExchange, expectStamps } from './expect.ts';
import { bodyBytes } from './format.ts';
import type { Body, Configure, Message, Request, Response, Scenario, Step } from './format.ts';
import { ScenarioKms } from './kms.ts';
import { chainOf, documentsOf } from './policy.ts';

/** Shortest text of a body that must not come back in a log or a reply. */
const MIN_HIDDEN_LENGTH = 6;

/** Number of cuts that `every-split` makes in this scenario. 1 if nothing is cut. */
export function cutsOf(scenario: Scenario): number {
  const messages = allSteps(scenario.steps).flatMap((step) => [
    step.request,
    typeof step.response === 'object' ? step.response : undefined,
  ]);
  return Math.max(
    1,
    ...messages.map((message) => (message?.chunks === 'every-split' ? (bodyOf(message)?.length ?? 0) + 2 : 1)),
  );
}

function allSteps(steps: Step[]): Step[] {
  return steps.flatMap((step) => [step, ...allSteps(step.together ?? [])]);
}

/** `{{seal KEY VERSION CONTEXT|TEXT}}` in a body stands for an envelope; only the runner can make it. */
function bodyOf(message: Message, kms?: ScenarioKms): Buffer | undefined {
  const bytes = bodyBytes(message as Body);
  const sealed = /^\{\{seal (\S+) (\d+)(?: (\S+))?\|([\s\S]*)\}\}$/.exec(bytes?.toString() ?? '');
  if (sealed === null || kms === undefined) return bytes;
  const { version, material } = kms.material(sealed[1]!, Number(sealed[2]));
  return Buffer.from(JSON.stringify(seal(material, `${sealed[1]}#${version}`, sealed[3] ?? '', sealed[4]!)));
}

/**
 * The cut number `cut` of a body: two pieces at every place, then one byte each, then whole with an empty last frame.
 */
function chunksOf(message: Message, length: number, cut: number): Chunks {
  if (message.chunks !== 'every-split') return message.chunks ?? [];
  const at = cut % (length + 2);
  if (at === length) return 'bytes';
  if (at === length + 1) return [length, 0];
  return at === 0 ? [] : [at];
}

/** One worker: the plugins of its chain. */
interface Worker {
  vms: Vm[];
  roots: RootContext[];
}

/** One run of a scenario. */
export class ScenarioRun {
  private readonly kms = new ScenarioKms();
  private readonly workers: Worker[];
  private readonly clock = new VirtualClock();
  private readonly metrics = new Metrics();
  private readonly hidden = new Set<string>();
  private readonly scenario: Scenario;
  private readonly layout: string;
  private readonly cut: number;

  /** `layout`: one of `modulesOf(scenario)`. `loaded`: by name. */
  constructor(scenario: Scenario, layout: string, loaded: ReadonlyMap<string, LoadedModule>, cut: number) {
    this.scenario = scenario;
    this.layout = layout;
    this.cut = cut;
    this.kms.change(scenario.kms ?? {});
    const shared = { sharedData: new SharedData(), clock: this.clock, metrics: this.metrics };
    const modules = chainOf(layout).map((name) => {
      const module = loaded.get(name);
      if (module === undefined) throw new Error(`no module ${name}`);
      return { name, module };
    });
    this.workers = Array.from({ length: scenario.workers ?? 1 }, () => ({
      vms: modules.map(({ name, module }) =>
        createVm(module, { ...shared, vmId: name, httpCall: this.kms.service.call }),
      ),
      roots: [],
    }));
  }

  run(): void {
    this.configure(this.scenario, 'policy');
    for (const text of this.scenario.hidden ?? []) this.hidden.add(text);
    for (const [i, step] of this.scenario.steps.entries())
      this.step(step, `step ${i + 1}${step.about === undefined ? '' : ` (${step.about})`}, cut ${this.cut}`);
    this.finish();
  }

  private configure(change: Configure, where: string): void {
    const documents = documentsOf(change, this.layout);
    for (const worker of this.workers) {
      const outcomes = worker.vms.map((vm, i) => vm.configure(documents[i]!));
      for (const { accepted, logs } of outcomes) {
        assert.equal(
          accepted,
          change.refused === undefined,
          `${where}: ${accepted ? 'accepted' : 'refused'}: ${logs.map((entry) => entry.message).join('\n')}`,
        );
        if (change.refused !== undefined)
          this.expectRefusal(
            logs.map((entry) => entry.message),
            change.refused,
            where,
          );
      }
      if (change.refused !== undefined) continue;
      for (const root of worker.roots) root.close();
      worker.roots = outcomes.map((outcome) => outcome.root);
    }
  }

  private expectRefusal(lines: string[], expected: { code: string; path: string }, where: string): void {
    const refusals = lines
      .filter((line) => line.includes('config-refused'))
      .map((line) => JSON.parse(line) as { code: string; path: string });
    assert.deepEqual(
      refusals.map(({ code, path }) => ({ code, path })),
      [expected],
      `${where}: reason`,
    );
  }

  private step(step: Step, where: string): void {
    if (step.advanceMs !== undefined) this.clock.advance(step.advanceMs);
    if (step.kms !== undefined) this.kms.change(step.kms);
    if (step.configure !== undefined) this.configure(step.configure, where);
    if (step.together !== undefined) this.together(step.together, where);
    for (let i = 0; step.request !== undefined && i < (step.times ?? 1); i++)
      this.together([step], `${where}${step.times === undefined ? '' : `, time ${i + 1}`}`);
  }

  /** The modules keep counts until their next tick. */
  private tellCounts(): void {
    for (const root of this.workers.flatMap((worker) => worker.roots)) root.tick();
  }

  private together(steps: Step[], where: string): void {
    if (steps.some((step) => step.expect?.metrics !== undefined)) this.tellCounts();
    const counted = steps.flatMap((step) => Object.keys(step.expect?.metrics ?? {}));
    const before = new Map(counted.map((name) => [name, this.metrics.value(name)]));
    const callsBefore = this.kms.calls;
    const running = steps.map((step) => new Exchange(this.workers[step.worker ?? 0]!.roots, this.options(step)));
    for (const [i, step] of steps.entries()) {
      const result = running[i]!.settle();
      const place = steps.length === 1 ? where : `${where}, exchange ${i + 1}`;
      expectExchange(result, step.expect!, this.kms, place);
      expectStamps(result, chainOf(this.layout), place);
      if (result.localReplies > 0) this.expectHidden(result.client.body.toString(), `${place}: reply`);
      if (step.expect?.kmsCalls !== undefined)
        assert.equal(this.kms.calls - callsBefore, step.expect.kmsCalls, `${place}: calls of the KMS`);
      if (step.expect?.metrics !== undefined) this.tellCounts();
      for (const [name, delta] of Object.entries(step.expect?.metrics ?? {}))
        assert.equal(this.metrics.value(name) - (before.get(name) ?? 0), delta, `${place}: metric ${name}`);
      if (step.expect?.open === true) result.stream.abort();
    }
  }

  private options(step: Step): ExchangeOptions {
    const { response } = step;
    const upstream =
      typeof response === 'string' ? () => response : (request: Received) => this.answer(response ?? {}, request);
    const { properties, bufferLimitBytes } = step;
    return {
      request: this.message(step.request!),
      upstream,
      ...(properties === undefined ? {} : { properties }),
      ...(bufferLimitBytes === undefined ? {} : { bufferLimitBytes }),
      answerOnHeaders: typeof response === 'object' && response.onHeaders === true,
    };
  }

  private message<T extends Request | Response>(
    message: T,
  ): Omit<T, keyof Body | 'chunks' | 'gzip'> & { body?: Buffer; chunks: Chunks } {
    const { text: _text, json: _json, hex: _hex, repeat: _repeat, chunks: _chunks, gzip, ...rest } = message;
    const plain = bodyOf(message, this.kms);
    if (plain !== undefined) this.hide(plain);
    const body = gzip && plain !== undefined ? gzipSync(plain) : plain;
    return { ...rest, ...(body === undefined ? {} : { body }), chunks: chunksOf(message, body?.length ?? 0, this.cut) };
  }

  private answer(response: Response, request: Received): ExchangeResponse {
    const { echo, onHeaders: _onHeaders, ...rest } = response;
    const answer = this.message(rest);
    if (echo !== true) return answer;
    const type = request.headers?.get('content-type');
    return {
      ...answer,
      body: request.body,
      headers: { ...(type === undefined ? {} : { 'content-type': type }), ...rest.headers },
    };
  }

  /** Values of a body are nobody's business: they must not come back in logs and replies. */
  private hide(body: Buffer): void {
    let json: unknown;
    try {
      json = JSON.parse(body.toString());
    } catch {
      return;
    }
    const walk = (value: unknown): void => {
      if (typeof value === 'object' && value !== null) for (const inner of Object.values(value)) walk(inner);
      else if (typeof value === 'string' && value.length >= MIN_HIDDEN_LENGTH) this.hidden.add(value);
    };
    walk(json);
  }

  private expectHidden(text: string, where: string): void {
    for (const secret of [...this.hidden, ...this.kms.secrets()])
      assert.equal(text.includes(secret), false, `${where} shows a value: ${text}`);
  }

  private finish(): void {
    for (const vm of this.workers.flatMap((worker) => worker.vms)) {
      assert.equal(vm.failed, false, `the module trapped: ${vm.logs.at(-1)?.message}`);
      assert.deepEqual(vm.violations, [], 'violations');
      for (const entry of vm.logs) this.expectHidden(entry.message, 'log');
      assert.equal(vm.liveContexts, vm.roots.size, 'contexts left over');
      assert.equal(vm.roots.size, 1, 'configurations left over');
    }
  }
}
