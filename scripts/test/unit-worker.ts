// Worker thread that compiles AssemblyScript specs and runs them with as-pect's core, one message for each spec.
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { parentPort } from 'node:worker_threads';
import { EmptyReporter, TestContext } from '@as-pect/core';
import { instantiate } from '@assemblyscript/loader';
import { createMemoryStream, main as compileWith } from 'assemblyscript/asc';
import { emptyOutcome, type Outcome } from './outcome.ts';
import { type GuestExports, unitImports } from './unit-host.ts';

/** Request to run one spec. Paths are relative to the repository root, which is the working directory. */
export interface UnitRequest {
  spec: string;
  /**
   * Whether to compile like the shipped modules (-O3) instead of unoptimised. Compiling then takes ten times as long.
   */
  optimize: boolean;
}

export interface UnitReply {
  spec: string;
  outcome: Outcome;
  compileMs: number;
  runMs: number;
  processorMs: number;
}

const sources = new Map<string, string | null>();

function readSource(file: string, base: string): string | null {
  const full = path.resolve(base, file);
  if (!sources.has(full)) {
    try {
      sources.set(full, readFileSync(full, 'utf8'));
    } catch {
      sources.set(full, null); // the compiler tries several places for an import
    }
  }
  return sources.get(full) ?? null;
}

async function compileSpec({ spec, optimize }: UnitRequest): Promise<Uint8Array<ArrayBuffer>> {
  let binary: Uint8Array | null = null;
  const messages = createMemoryStream();
  const flags = ['--config', 'as-pect.asconfig.json', '--target', 'noCoverage', ...(optimize ? ['-O3'] : [])];
  const { error } = await compileWith([spec, ...flags], {
    readFile: readSource,
    writeFile: (file: string, contents: string | Uint8Array) => {
      if (file.endsWith('.wasm') && typeof contents !== 'string') binary = contents;
    },
    listFiles: () => null,
    stdout: messages,
    stderr: messages,
  });
  if (error !== null || binary === null) throw new Error(`does not compile\n${messages.toString() || String(error)}`);
  return new Uint8Array(binary);
}

/** Members of an as-pect node that are read here. */
interface AspectNode {
  type: 0 | 1;
  name: string;
  ran: boolean;
  pass: boolean;
  negated: boolean;
  message: string | null;
  stackTrace: string | null;
  actual: { stringify(options: object): string } | null;
  expected: { negated: boolean; stringify(options: object): string } | null;
  errors: { message: string }[];
  todos: string[];
  logs: { stringify(options: object): string }[];
  children: AspectNode[];
}

function explain(node: AspectNode): string {
  const lines = node.errors.map((error) => error.message);
  if (!node.ran) lines.push('did not run: a hook of its group failed');
  if (node.negated && node.ran) lines.push('was to throw and did not');
  if (node.message) lines.push(node.message);
  if (node.actual !== null) lines.push(`actual:   ${node.actual.stringify({ indent: 2 }).trimStart()}`);
  if (node.expected !== null)
    lines.push(`expected: ${node.expected.negated ? 'not ' : ''}${node.expected.stringify({ indent: 2 }).trimStart()}`);
  for (const log of node.logs) lines.push(`log:      ${log.stringify({ indent: 2 }).trimStart()}`);
  const stack = node.stackTrace?.split('\n') ?? [];
  if (stack[0]?.startsWith('RuntimeError') === true) lines.push(stack[0]);
  const at = stack.find((line) => line.includes('test/unit'));
  if (at !== undefined) lines.push(at.trim());
  return lines.join('\n') || 'failed without a message';
}

function collect(node: AspectNode, trail: string[], outcome: Outcome): void {
  for (const todo of node.todos) outcome.skipped.push([...trail, todo].join(' › '));
  const failedBefore = outcome.failed;
  for (const child of node.children) collect(child, [...trail, child.name], outcome);
  const isTest = node.type === 0;
  if (isTest && node.pass) outcome.passed++;
  else if (!node.pass && (isTest || outcome.failed === failedBefore)) {
    outcome.failed++; // a group itself fails when its own body or a hook throws
    outcome.failures.push({ name: trail.join(' › '), detail: explain(node) });
  }
}

async function runSpec(spec: string, binary: Uint8Array<ArrayBuffer>): Promise<Outcome> {
  const context = new TestContext({ reporter: new EmptyReporter(), binary, fileName: spec });
  let guest: GuestExports | null = null;
  const guestOf = (): GuestExports => {
    if (guest === null) throw new Error('the module calls its host before it is started');
    return guest;
  };
  const started = await instantiate(binary, context.createImports(unitImports(binary, guestOf)));
  guest = started.exports as unknown as GuestExports;
  context.run(started as unknown as Parameters<typeof context.run>[0]);
  const outcome = emptyOutcome();
  collect(context.rootNode, [spec], outcome);
  for (const error of context.errors as { message: string; stackTrace: string }[]) {
    outcome.failed++;
    outcome.failures.push({ name: spec, detail: `${error.message}\n${error.stackTrace}` });
  }
  if (outcome.passed + outcome.failed === 0) throw new Error('holds no test');
  if (context.snapshots.values.size > 0) throw new Error('uses snapshots: state the expected value instead');
  return outcome;
}

parentPort?.on('message', async (request: UnitRequest) => {
  const start = performance.now();
  const before = process.threadCpuUsage();
  let compiled = start;
  let outcome: Outcome;
  try {
    const binary = await compileSpec(request);
    compiled = performance.now();
    outcome = await runSpec(request.spec, binary);
  } catch (error) {
    const detail = error instanceof Error ? error.message : String(error);
    outcome = { ...emptyOutcome(), failed: 1, failures: [{ name: request.spec, detail }] };
  }
  const end = performance.now();
  const { user, system } = process.threadCpuUsage(before);
  if (compiled === start) compiled = end;
  parentPort?.postMessage({
    spec: request.spec,
    outcome,
    compileMs: compiled - start,
    runMs: end - compiled,
    processorMs: Math.round((user + system) / 1000),
  } satisfies UnitReply);
});
