// No file imports itself by way of others: what stands in a circle can neither be read nor loaded alone. `import type`
// does not count: it leaves nothing to load.
import path from 'node:path';
import { importsOf } from './imports.ts';
import { type Finding, lineAt, type Project, type Rule } from './project.ts';

interface Edge {
  to: string;
  position: number;
}

/** The files that `file` loads, each once. */
function loadedBy(project: Project, file: string): Edge[] {
  const found = new Map<string, Edge>();
  for (const { target, position, typeOnly } of importsOf(project, file)) {
    if (typeOnly || !target.startsWith('.')) continue;
    const to = fileOf(project, path.posix.join(path.posix.dirname(file), target));
    if (to !== null && !found.has(to)) found.set(to, { to, position });
  }
  return [...found.values()];
}

/** AssemblyScript imports without an ending. */
function fileOf(project: Project, target: string): string | null {
  return [target, `${target}.ts`, `${target}/index.ts`].find((name) => project.has(name)) ?? null;
}

/** Groups of files that all reach one another (Tarjan's algorithm), those of more than one file. */
function circlesOf(graph: ReadonlyMap<string, Edge[]>): string[][] {
  const order = new Map<string, number>();
  const lowest = new Map<string, number>();
  const stack: string[] = [];
  const circles: string[][] = [];
  const visit = (file: string): void => {
    order.set(file, order.size);
    lowest.set(file, order.get(file)!);
    stack.push(file);
    for (const { to } of graph.get(file) ?? []) {
      if (!order.has(to)) visit(to);
      if (stack.includes(to)) lowest.set(file, Math.min(lowest.get(file)!, lowest.get(to)!));
    }
    if (lowest.get(file) !== order.get(file)) return;
    const group = stack.splice(stack.indexOf(file));
    if (group.length > 1) circles.push(group);
  };
  for (const file of graph.keys()) if (!order.has(file)) visit(file);
  return circles;
}

export const circles: Rule = {
  name: 'circles',
  check(project: Project): Finding[] {
    const graph = new Map(project.code({ generated: true }).map((file) => [file, loadedBy(project, file)]));
    return circlesOf(graph).map((group) => {
      const first = [...group].sort()[0]!;
      const edge = graph.get(first)!.find(({ to }) => group.includes(to))!;
      const message = `stands in a circle of imports: ${[...group].sort().join(', ')}`;
      return { path: first, line: lineAt(project.text(first), edge.position), message };
    });
  },
};
