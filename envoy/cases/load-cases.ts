// Reads files of test cases. Nothing here throws: each mistake becomes an issue with code, place and line.
import { readdirSync, readFileSync, statSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { Ajv2020, type ErrorObject } from 'ajv/dist/2020.js';
import { isNode, LineCounter, parseDocument } from 'yaml';
import { MAX_CASE_ALIASES, MAX_CASE_FILE_BYTES, MAX_CASE_FILES, MAX_FOLDER_DEPTH } from '../limits.ts';
import { isCaseFile, issueAt, RouteSource, type Path, type RouteIssue } from '../route/index.ts';
import schema from './case-file.schema.json' with { type: 'json' };
import type { Case, CaseFile, CaseRequest, CaseResponse, ExpectedMessage, Expectation, Step } from './case-file.gen.ts';
import { patternOf } from './compare.ts';

/** A file of cases without mistakes. */
export interface LoadedCases {
  file: string;
  /** Files and folders of the resources, as they can be opened. */
  routes: string[];
  content: CaseFile;
  /** Line of a place in the file, from 1. */
  lineOf: (path: Path) => number | undefined;
}

export interface CaseLoadResult {
  files: LoadedCases[];
  errors: RouteIssue[];
}

const BODIES = ['json', 'text', 'hex', 'file'] as const;
const validator = new Ajv2020({ allErrors: true, strict: false });
const fits = validator.compile<CaseFile>(schema);

/** Files of cases among paths: a path that is a file counts whatever its name is. */
function filesOf(paths: readonly string[], errors: RouteIssue[]): string[] {
  const found: string[] = [];
  const walk = (path: string, depth: number): void => {
    let entries: string[];
    try {
      if (!statSync(path).isDirectory()) {
        found.push(path);
        return;
      }
      entries = readdirSync(path).sort();
    } catch (error) {
      errors.push(issueAt(new RouteSource(path), 'FIM-CFG-1001', [], (error as NodeJS.ErrnoException).code ?? ''));
      return;
    }
    for (const name of entries) {
      const below = join(path, name);
      if (name.startsWith('.') || name === 'node_modules') continue;
      const isFolder = statSync(below, { throwIfNoEntry: false })?.isDirectory() === true;
      if (isFolder && depth < MAX_FOLDER_DEPTH) walk(below, depth + 1);
      else if (!isFolder && isCaseFile(name)) found.push(below);
    }
  };
  for (const path of paths) walk(path, 0);
  return found;
}

/** Loads files, and those of folders and their subfolders whose names end with `.test.yaml`. */
export function loadCases(paths: readonly string[]): CaseLoadResult {
  const errors: RouteIssue[] = [];
  const found = filesOf(paths, errors);
  if (found.length > MAX_CASE_FILES)
    errors.push(issueAt(new RouteSource(found[MAX_CASE_FILES]!), 'FIM-UP-0080', [], `more than ${MAX_CASE_FILES}`));
  const files = found.slice(0, MAX_CASE_FILES).flatMap((file) => load(file, errors) ?? []);
  return { files, errors };
}

function load(file: string, errors: RouteIssue[]): LoadedCases | undefined {
  let source = new RouteSource(file);
  const before = errors.length;
  const fail = (path: Path, detail: string): void => void errors.push(issueAt(source, 'FIM-UP-0080', path, detail));
  try {
    if (statSync(file).size > MAX_CASE_FILE_BYTES) fail([], `more than ${MAX_CASE_FILE_BYTES} bytes`);
    else {
      const lines = new LineCounter();
      const document = parseDocument(readFileSync(file, 'utf8'), { lineCounter: lines, merge: true });
      source = new RouteSource(file, isNode(document.contents) ? document.contents : null, lines);
      for (const { message, linePos } of document.errors)
        fail([], `line ${linePos?.[0].line ?? '?'}: ${message.replace(/ at line .*/s, '')}`);
      if (errors.length > before) return undefined;
      const content = document.toJS({ maxAliasCount: MAX_CASE_ALIASES }) as unknown;
      if (!fits(content)) for (const error of toldErrors(fits.errors ?? [])) fail(pathOf(error), wordsOf(error));
      else checkCases(content, fail);
      if (errors.length > before) return undefined;
      const { routes = ['.'] } = content as CaseFile;
      return {
        file,
        routes: routes.map((path) => join(dirname(file), path)),
        content: content as CaseFile,
        lineOf: (path) => source.position(path)?.line,
      };
    }
  } catch (error) {
    fail([], (error as NodeJS.ErrnoException).code ?? 'it cannot be read');
  }
  return undefined;
}

/** Alternatives of a value report one error each; the one of the alternatives together says nothing more. */
function toldErrors(errors: readonly ErrorObject[]): ErrorObject[] {
  return errors.filter(({ keyword }) => keyword !== 'anyOf' && keyword !== 'if');
}

function pathOf({ instancePath, keyword, params }: ErrorObject): Path {
  const steps = instancePath
    .split('/')
    .slice(1)
    .map((step) => step.replaceAll('~1', '/').replaceAll('~0', '~'))
    .map((step) => (/^\d+$/.test(step) ? Number(step) : step));
  return keyword === 'additionalProperties'
    ? [...steps, (params as { additionalProperty: string }).additionalProperty]
    : steps;
}

function wordsOf({ keyword, message = '', params }: ErrorObject): string {
  if (keyword === 'additionalProperties') return 'there is no such word here';
  if (keyword === 'enum') return `one of ${(params as { allowedValues: string[] }).allowedValues.join(', ')}`;
  return message;
}

type Fail = (path: Path, detail: string) => void;

/** Rules across members. */
function checkCases({ cases }: CaseFile, fail: Fail): void {
  const names = new Set<string>();
  for (const [index, one] of cases.entries()) {
    const at: Path = ['cases', index];
    if (names.has(one.name)) fail([...at, 'name'], 'another case has this name');
    names.add(one.name);
    if (one.steps === undefined) checkStep(one, at, fail, true);
    else if (one.request !== undefined || one.expect !== undefined)
      fail([...at, 'steps'], 'either steps, or request and expect');
    else {
      for (const [n, step] of one.steps.entries()) checkStep(step, [...at, 'steps', n], fail, false);
      if (!one.steps.some(({ expect }) => expect !== undefined)) fail([...at, 'steps'], 'nothing is expected');
    }
  }
}

function checkStep(step: Step | Case, at: Path, fail: Fail, alone: boolean): void {
  const { request, expect, response, from } = step;
  if (request === undefined && (alone || expect !== undefined || response !== undefined || from !== undefined))
    fail(at, 'there is no request');
  if (request !== undefined && expect === undefined) fail(at, 'a request, and nothing is expected');
  checkPatterns(expect, [...at, 'expect'], fail);
  checkBody(request, [...at, 'request'], fail);
  checkBody(response, [...at, 'response'], fail);
}

/** Texts between slashes are patterns. */
function checkPatterns({ upstream, client }: Expectation = {}, at: Path, fail: Fail): void {
  for (const [side, wanted] of Object.entries({ upstream, client }))
    for (const member of typeof wanted === 'object' ? (['headers', 'values'] as const) : [])
      for (const [name, value] of Object.entries((wanted as ExpectedMessage)[member] ?? {}))
        if (typeof value === 'string' && !isPattern(value)) fail([...at, side, member, name], 'the pattern is wrong');
}

function isPattern(text: string): boolean {
  try {
    patternOf(text);
    return true;
  } catch {
    return false;
  }
}

function checkBody(message: CaseRequest | CaseResponse | undefined, at: Path, fail: Fail): void {
  if (message !== undefined && BODIES.filter((body) => message[body] !== undefined).length > 1)
    fail(at, `at most one of ${BODIES.join(', ')}`);
  if (message?.hex !== undefined && !/^(?:\s*[0-9a-fA-F]{2})*\s*$/.test(message.hex))
    fail([...at, 'hex'], 'it is not written in pairs of hexadecimal digits');
}

/** Steps of a case. One without `steps` is one step. */
export function stepsOf(one: Case): readonly Step[] {
  return one.steps ?? [one];
}
