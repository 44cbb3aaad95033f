// A node:test reporter that prints one JSON object a line: every finished test, failures with their causes, and the
// messages of `t.diagnostic`.
import type { TestEvent } from 'node:test/reporters';
import { ENDED_CHILDREN } from './processor-time.ts';

/** Failure of a file that has no test, or none of the names that were asked for. */
export const NO_TEST = 'no test of this file reported a result';

/** One line of the reporter's output. */
export type ReportLine =
  | { kind: 'pass'; name: string; file: string; ms: number }
  | { kind: 'skip'; name: string; file: string; ms: number }
  | { kind: 'fail'; name: string; file: string; ms: number; detail: string }
  /** A file has begun or ended, at a time of the monotonic clock, milliseconds. Its process and theirs took processor time. */
  | { kind: 'begin'; file: string; atMs: number }
  | { kind: 'end'; file: string; atMs: number; processorMs: number }
  | { kind: 'note'; file: string; text: string }
  | { kind: 'output'; file: string; text: string };

/** Innermost cause with its stack, because node:test wraps thrown errors. */
function detailOf(error: unknown): string {
  const cause = error instanceof Error && error.cause instanceof Error ? error.cause : error;
  if (!(cause instanceof Error))
    return typeof error === 'string' ? error : String((error as Error | undefined)?.message ?? error);
  const frames = (cause.stack ?? '')
    .split('\n')
    .filter((line) => /^\s+at .*(file:|\/)/.test(line) && !line.includes('node:internal'));
  return [cause.message, ...frames.slice(0, 4)].join('\n');
}

/** Names of the enclosing suites by depth. Kept for each file, since files run in parallel. */
class Trail {
  private readonly open = new Map<string, string[]>();

  enter(file: string, depth: number, name: string): void {
    const names = this.open.get(file) ?? [];
    names.length = depth;
    names[depth] = name;
    this.open.set(file, names);
  }

  path(file: string, depth: number, name: string): string {
    return [...(this.open.get(file) ?? []).slice(0, depth), name].join(' › ');
  }
}

function relative(file: string | undefined): string {
  return (file ?? '').replace(`${process.cwd()}/`, '');
}

/**
 * Tests that started and have not reported. They remain when a file ends its process early, which node:test counts as
 * success.
 */
class Open {
  private readonly tests = new Map<string, { file: string; name: string; count: number }>();

  note(event: TestEvent): void {
    const change =
      event.type === 'test:enqueue' ? 1 : event.type === 'test:pass' || event.type === 'test:fail' ? -1 : 0;
    if (change === 0) return;
    const { file, name, nesting } = event.data as { file?: string; name: string; nesting: number };
    const key = [file, nesting, name].join('\0');
    const entry = this.tests.get(key) ?? { file: relative(file), name, count: 0 };
    entry.count += change;
    this.tests.set(key, entry);
  }

  *lines(): Generator<ReportLine> {
    for (const { file, name, count } of this.tests.values()) {
      if (count > 0 && file !== name)
        yield { kind: 'fail', name, file, ms: 0, detail: 'announced, and never reported: its process ended early' };
    }
  }
}

function lineOf(event: TestEvent, trail: Trail): ReportLine | null {
  switch (event.type) {
    case 'test:dequeue':
    case 'test:complete': {
      const file = relative(event.data.file);
      if (event.data.nesting > 0 || relative(event.data.name) !== file) return null;
      const atMs = performance.now();
      return event.type === 'test:dequeue'
        ? { kind: 'begin', file, atMs }
        : { kind: 'end', file, atMs, processorMs: ENDED_CHILDREN.sinceLastMs() };
    }
    case 'test:start':
      trail.enter(event.data.file ?? '', event.data.nesting, event.data.name);
      return null;
    case 'test:pass':
    case 'test:fail': {
      const { data } = event;
      const file = relative(data.file);
      const name = trail.path(data.file ?? '', data.nesting, data.name);
      const ms = data.details.duration_ms;
      // node:test reports a file as a test only if it contains none.
      if (event.type === 'test:pass' && data.nesting === 0 && relative(data.name) === file)
        return { kind: 'fail', name, file, ms, detail: NO_TEST };
      if (data.skip !== undefined || data.todo !== undefined) return { kind: 'skip', name, file, ms };
      if (event.type === 'test:fail') {
        const { error } = event.data.details;
        // A suite or parent test that failed only through its children adds nothing.
        if ((error as { failureType?: string }).failureType === 'subtestsFailed') return null;
        return { kind: 'fail', name, file, ms, detail: detailOf(error) };
      }
      return data.details.type === 'suite' ? null : { kind: 'pass', name, file, ms };
    }
    case 'test:diagnostic':
      return event.data.file === undefined
        ? null
        : { kind: 'note', file: relative(event.data.file), text: event.data.message };
    case 'test:stdout':
    case 'test:stderr':
      return { kind: 'output', file: relative(event.data.file), text: event.data.message };
    default:
      return null;
  }
}

export default async function* countReporter(source: AsyncIterable<TestEvent>): AsyncGenerator<string> {
  const trail = new Trail();
  const open = new Open();
  for await (const event of source) {
    open.note(event);
    const line = lineOf(event, trail);
    if (line !== null) yield `${JSON.stringify(line)}\n`;
  }
  for (const line of open.lines()) yield `${JSON.stringify(line)}\n`;
}
