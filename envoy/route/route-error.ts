import { ERRORS, type ErrorCode } from './errors.gen.ts';
import { formatPath, type Path } from './json-path.ts';
import type { RouteSource } from './source.ts';

/** An error or warning about a resource. It names places and rules, and never contains a key or a message's value. */
export interface RouteIssue {
  code: ErrorCode;
  /** JSONPath in the resource. `$` for the file or the whole resource. */
  path: string;
  message: string;
  /** File as given. Empty for resources from an API server. */
  file: string;
  /** From 1; absent if there is no text. */
  line?: number;
  column?: number;
  /** `namespace/name`, if known. */
  resource?: string;
  /** Baseline that it is about. Absent: it is about the resource alone. */
  baseline?: string;
}

/** An issue at a place of a resource's text. `detail` follows the code's title. */
export function issueAt(source: RouteSource, code: ErrorCode, path: Path, detail = ''): RouteIssue {
  const title = ERRORS[code].title;
  const place = source.placeOf(path);
  const position = source.position(place);
  const issue: RouteIssue = {
    code,
    path: formatPath(place),
    message: `${title}${detail === '' ? '' : `: ${detail}`}${source.baseline === undefined ? '' : ` (FinancialBaseline ${source.baseline})`}`,
    file: source.file,
  };
  if (position !== undefined) Object.assign(issue, position);
  if (source.resource !== undefined) issue.resource = source.resource;
  if (source.baseline !== undefined) issue.baseline = source.baseline;
  return issue;
}

/** Issues sorted by place. */
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

/** `file:line:column`, which terminals and editors turn into a link. */
export function formatPlace(issue: RouteIssue): string {
  return [issue.file, issue.line, issue.column].filter((part) => part !== undefined && part !== '').join(':');
}
