// Loads checked resources from files and text. Nothing here throws: each problem becomes an issue with code and place.
import { readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import {
  isAlias,
  isCollection,
  isMap,
  isNode,
  isScalar,
  LineCounter,
  parseAllDocuments,
  type Document,
  type Node,
} from 'yaml';
import {
  MAX_BASELINES,
  MAX_FILE_RESOURCES,
  MAX_FOLDER_DEPTH,
  MAX_ROUTE_FILES,
  MAX_ROUTE_FILE_BYTES,
  MAX_YAML_DEPTH,
} from '../limits.ts';
import type { ErrorCode } from './errors.gen.ts';
import { checkBaseline, isBaseline, mayReach, needsLabels, withinBounds, type BaselineResource } from './baseline.ts';
import { mergeBaselines } from './merge.ts';
import { checkProfile, isProfile, joinProfiles } from './profile-resource.ts';
import type { ProfileResource } from './profiles.ts';
import { checkResource, type RouteResource } from './resource.ts';
import { issueAt, sortIssues, type RouteIssue } from './route-error.ts';
import { RouteSource } from './source.ts';

/** Content of files, text or objects. */
export interface LoadResult {
  /** Resources without errors, in the order of the files. */
  resources: RouteResource[];
  /** Profiles without errors of their own, in the order of the files. */
  profiles: ProfileResource[];
  /** Baselines without errors, in the order of the files. */
  baselines: BaselineResource[];
  /** Errors. Resources with an error are not in `resources`. */
  errors: RouteIssue[];
  /** Warnings about baselines. They are among `warnings`. */
  baselineWarnings: RouteIssue[];
  /** Warnings about valid resources. */
  warnings: RouteIssue[];
  /** Files that were read, in order. */
  files: string[];
}

const ROUTE_FILE = /\.(ya?ml|json)$/i;
const CASE_FILE = /\.test\.(ya?ml|json)$/i;

/** Whether a file has test cases, by its name. Among the files of a folder it is not one of resources. */
export function isCaseFile(name: string): boolean {
  return CASE_FILE.test(name);
}

class Loader {
  readonly result: LoadResult = {
    resources: [],
    profiles: [],
    baselines: [],
    errors: [],
    baselineWarnings: [],
    warnings: [],
    files: [],
  };
  private readonly owners = new Map<string, RouteSource>();

  fail(source: RouteSource, code: ErrorCode, detail = ''): void {
    this.result.errors.push(issueAt(source, code, [], detail));
  }

  /** Loads a file, or the route files of a folder and its subfolders. */
  path(path: string, depth = 0): void {
    const source = new RouteSource(path);
    try {
      const stats = statSync(path);
      if (stats.isDirectory()) {
        if (depth > MAX_FOLDER_DEPTH)
          return this.fail(source, 'FIM-CFG-1002', `folders deeper than ${MAX_FOLDER_DEPTH}`);
        for (const name of readdirSync(path).sort()) {
          const below = join(path, name);
          if (
            !name.startsWith('.') &&
            !isCaseFile(name) &&
            (ROUTE_FILE.test(name) || statSync(below, { throwIfNoEntry: false })?.isDirectory())
          )
            this.path(below, depth + 1);
        }
        return;
      }
      if (!stats.isFile()) return this.fail(source, 'FIM-CFG-1001', 'it is neither a file nor a folder');
      if (this.result.files.length >= MAX_ROUTE_FILES)
        return this.fail(source, 'FIM-CFG-1002', `more than ${MAX_ROUTE_FILES} files`);
      if (stats.size > MAX_ROUTE_FILE_BYTES)
        return this.fail(source, 'FIM-CFG-1002', `a file of more than ${MAX_ROUTE_FILE_BYTES} bytes`);
      this.result.files.push(path);
      this.bytes(readFileSync(path), path);
    } catch (error) {
      this.fail(source, 'FIM-CFG-1001', (error as NodeJS.ErrnoException).code ?? '');
    }
  }

  bytes(bytes: Uint8Array, file: string): void {
    try {
      this.text(new TextDecoder('utf-8', { fatal: true }).decode(bytes), file);
    } catch {
      this.fail(new RouteSource(file), 'FIM-CFG-1003', 'it is not UTF-8');
    }
  }

  text(text: string, file: string): void {
    const source = new RouteSource(file);
    if (text.length > MAX_ROUTE_FILE_BYTES)
      return this.fail(source, 'FIM-CFG-1002', `a file of more than ${MAX_ROUTE_FILE_BYTES} bytes`);
    const lines = new LineCounter();
    let documents: Document[];
    try {
      const parsed = parseAllDocuments(text, {
        lineCounter: lines,
        uniqueKeys: false,
        merge: false,
        prettyErrors: false,
        logLevel: 'silent',
      });
      documents = Array.isArray(parsed) ? (parsed as Document[]) : [];
    } catch {
      return this.fail(source, 'FIM-CFG-1003', 'it is nested too deeply');
    }
    const full = documents.filter(
      (document) =>
        document.errors.length > 0 ||
        (document.contents !== null && !(isScalar(document.contents) && document.contents.value === null)),
    );
    if (full.length === 0) return this.fail(source, 'FIM-CFG-1008');
    if (full.length > MAX_FILE_RESOURCES)
      return this.fail(source, 'FIM-CFG-1002', `more than ${MAX_FILE_RESOURCES} resources`);
    for (const document of full) this.document(document, file, lines);
  }

  private document(document: Document, file: string, lines: LineCounter): void {
    const source = new RouteSource(file, isNode(document.contents) ? document.contents : null, lines);
    const issues = documentIssues(document, source, lines);
    if (issues.length > 0) {
      this.result.errors.push(...issues);
      return;
    }
    this.value(document.toJS({ maxAliasCount: 0 }), source);
  }

  /** Loads a resource given as plain data. */
  value(value: unknown, source: RouteSource, isKnown = false): void {
    if (isProfile(value)) {
      const { profile, errors } = checkProfile(value, source);
      this.result.errors.push(...errors);
      if (profile !== undefined && this.own(`ValidationProfile ${profile.key}`, source))
        this.result.profiles.push(profile);
      return;
    }
    if (isBaseline(value)) {
      const { baseline, errors } = checkBaseline(value, source);
      this.result.errors.push(...errors);
      if (baseline !== undefined && this.own(`FinancialBaseline ${baseline.name}`, source))
        this.result.baselines.push(baseline);
      return;
    }
    const { resource, errors, warnings } = checkResource(value, source, isKnown);
    this.result.errors.push(...errors);
    this.result.warnings.push(...warnings);
    if (resource !== undefined && this.own(resource.key, source)) this.result.resources.push(resource);
  }

  /** Records the owner of a name. False, with an error, if another resource has it. */
  private own(name: string, source: RouteSource): boolean {
    const owner = this.owners.get(name);
    if (owner === undefined) {
      this.owners.set(name, source);
      return true;
    }
    const line = owner.position(['metadata', 'name'])?.line;
    this.result.errors.push(
      issueAt(source, 'FIM-CFG-1007', ['metadata', 'name'], `also in ${[owner.file, line].filter(Boolean).join(':')}`),
    );
    return false;
  }

  /** `reach`: the baselines of a namespace. `isKnown`: all has been checked before. */
  end(reach: (namespace: string) => readonly BaselineResource[], isKnown = false): LoadResult {
    const { result } = this;
    result.resources = result.resources.flatMap((resource) => {
      const wrong: RouteIssue[] = [];
      const merged = mergeBaselines(resource, reach(resource.namespace), wrong, isKnown);
      result.errors.push(...wrong);
      if (merged !== resource)
        result.warnings = [...result.warnings.filter((issue) => issue.resource !== resource.key), ...merged.warnings];
      if (wrong.length > 0) return [];
      const { canary } = resource;
      if (canary === undefined) return [merged];
      // What a baseline puts over a route it puts over its canary, too.
      const candidate = mergeBaselines(canary, reach(canary.namespace), wrong, isKnown);
      result.errors.push(...wrong);
      return wrong.length > 0 ? [] : [{ ...merged, canary: candidate }];
    });
    const canaries = result.resources.flatMap(({ canary }) => canary ?? []);
    const joined = new Set(joinProfiles([...result.resources, ...canaries], result.profiles, result.errors, isKnown));
    result.resources = result.resources.filter(
      (resource) => joined.has(resource) && (resource.canary === undefined || joined.has(resource.canary)),
    );
    result.errors = sortIssues(result.errors);
    result.warnings = sortIssues(result.warnings);
    return result;
  }
}

function issueOnLine(
  source: RouteSource,
  code: ErrorCode,
  offset: number,
  lines: LineCounter,
  detail: string,
): RouteIssue {
  const { line, col } = lines.linePos(offset);
  return { ...issueAt(source, code, [], detail), line: Math.max(line, 1), column: Math.max(col, 1) };
}

/** First line of the parser's message, or a plain text if the parser's stack overflowed. */
function syntaxDetail(message: string): string {
  return message.includes('call stack') ? 'it is nested too deeply' : (message.split('\n')[0] ?? '').slice(0, 200);
}

/** Syntax errors, and valid YAML that a policy must not contain because its reader could not see what counts. */
function documentIssues(document: Document, source: RouteSource, lines: LineCounter): RouteIssue[] {
  const [syntax] = document.errors;
  if (syntax !== undefined)
    return [issueOnLine(source, 'FIM-CFG-1003', syntax.pos[0], lines, syntaxDetail(syntax.message))];
  const issues: RouteIssue[] = [];
  const walk = (node: unknown, depth: number): void => {
    if (!isNode(node) || issues.length > 0) return;
    const offset = node.range?.[0] ?? 0;
    if (isAlias(node) || node.tag !== undefined || ('anchor' in node && node.anchor)) {
      issues.push(issueOnLine(source, 'FIM-CFG-1005', offset, lines, ''));
      return;
    }
    if (!isCollection(node)) return;
    if (depth > MAX_YAML_DEPTH) {
      issues.push(issueOnLine(source, 'FIM-CFG-1003', offset, lines, `nested deeper than ${MAX_YAML_DEPTH}`));
      return;
    }
    if (isMap(node))
      walkMap(node.items, depth, walk, (code, at, detail) => issues.push(issueOnLine(source, code, at, lines, detail)));
    else for (const item of node.items) walk(item, depth + 1);
  };
  walk(document.contents, 0);
  return issues;
}

function walkMap(
  items: readonly { key: unknown; value: unknown }[],
  depth: number,
  walk: (node: unknown, depth: number) => void,
  fail: (code: ErrorCode, offset: number, detail: string) => void,
): void {
  const seen = new Set<string>();
  for (const { key, value } of items) {
    const offset = (key as Node | null)?.range?.[0] ?? 0;
    if (!isScalar(key) || typeof key.value !== 'string') return fail('FIM-CFG-1003', offset, 'a key is not a text');
    if (key.value === '<<' && isAlias(value)) return fail('FIM-CFG-1005', offset, '');
    if (seen.has(key.value)) return fail('FIM-CFG-1004', offset, '');
    seen.add(key.value);
    walk(key, depth);
    walk(value, depth + 1);
  }
}

/** Ends the reading of files, which say nothing of namespaces but their names. */
function endOfFiles(loader: Loader): LoadResult {
  const { result } = loader;
  const { kept, over } = withinBounds(result.baselines);
  result.baselines = kept;
  for (const { source } of over)
    result.errors.push(issueAt(source, 'FIM-CFG-1002', ['metadata', 'name'], `more than ${MAX_BASELINES} baselines`));
  for (const baseline of kept)
    if (needsLabels(baseline))
      result.baselineWarnings.push(issueAt(baseline.source, 'FIM-CFG-1084', ['spec', 'namespaces']));
  result.warnings.push(...result.baselineWarnings);
  return loader.end((namespace) => kept.filter((baseline) => mayReach(baseline, namespace)));
}

/**
 * Loads files of routes, profiles and baselines, and the `.yaml`, `.yml` and `.json` files of folders except hidden ones. Bounds:
 * envoy/limits.ts. Never throws.
 */
export function loadRoutes(paths: readonly string[]): LoadResult {
  const loader = new Loader();
  for (const path of paths) loader.path(path);
  return endOfFiles(loader);
}

/** Loads the text of one file: YAML with one or more documents, or JSON. Never throws. */
export function parseRoutes(text: string, file: string): LoadResult {
  const loader = new Loader();
  loader.text(text, file);
  loader.result.files.push(file);
  return endOfFiles(loader);
}

/**
 * Checks resources given as data, as from an API server, with the baselines that reach them all. Never throws.
 */
export function checkRoutes(values: readonly unknown[], baselines: readonly BaselineResource[] = []): LoadResult {
  const loader = new Loader();
  for (const value of values) loader.value(value, new RouteSource(''));
  return loader.end(() => [...baselines, ...loader.result.baselines]);
}

/** Reads resources that have passed `checkRoutes` unchanged. Skips the checks, which take most of the time. */
export function readChecked(values: readonly unknown[], baselines: readonly BaselineResource[] = []): RouteResource[] {
  const loader = new Loader();
  for (const value of values) loader.value(value, new RouteSource(''), true);
  return loader.end(() => baselines, true).resources;
}
