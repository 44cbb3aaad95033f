import { ERRORS, type ErrorCode } from './errors.gen.ts';
import { formatPath, type Path } from './json-path.ts';
import type { RouteSource } from './source.ts';

/** One mistake or warning about a resource. It names places and rules; it holds no key and no message's value. */
export interface RouteIssue {
  code: ErrorCode;
  /** JSONPath in the resource; `$` for the file or the resource as a whole. */
  path: string;
  message: string;
  /** As it was given; empty for resources that come from an API server. */
  file: string;
  /** From 1; absent if there is no text. */
  line?: number;
  column?: number;
  /** `namespace/name`, where it is known. */
  resource?: string;
}

/** An issue at a place of a resource's text. `detail` follows the title of the code. */
export function issueAt(source: RouteSource, code: ErrorCode, path: Path, detail = ''): RouteIssue {
  const title = ERRORS[code].title;
  const position = source.position(path);
  const issue: RouteIssue = {
    code,
    path: formatPath(path),
    message: detail === '' ? title : `${title}: ${detail}`,
    file: source.file,
  };
  if (position !== undefined) Object.assign(issue, position);
  if (source.resource !== undefined) issue.resource = source.resource;
  return issue;
}

/** Issues in the order in which a reader meets them. */
export function sortIssues(issues: readonly RouteIssue[]): RouteIssue[] {
  const compare = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0);
  return issues.toSorted(
    (a, b) =>
      compare(a.file, b.file) ||
      (a.line ?? 0) - (b.line ?? 0) ||
      (a.column ?? 0) - (b.column ?? 0) ||
      compare(a.path, b.path) ||
      compare(a.code, b.code),
  );
}

/** `file:line:column`, as terminals and editors link it. */
export function formatPlace(issue: RouteIssue): string {
  return [issue.file, issue.line, issue.column].filter((part) => part !== undefined && part !== '').join(':');
}
