/** A place in a document: member names and item numbers from its root. */
export type Path = readonly (string | number)[];

/** The place as JSONPath (RFC 9535): `$.spec.validation.fields[0].name`. */
export function formatPath(path: Path): string {
  return `$${path.map((step) => (typeof step === 'number' ? `[${step}]` : /^[A-Za-z_]\w*$/.test(step) ? `.${step}` : `[${quoted(step)}]`)).join('')}`;
}

/** The place as JSON Pointer (RFC 6901): `/spec/validation/fields/0/name`. */
export function formatPointer(path: Path): string {
  return path.map((step) => `/${String(step).replaceAll('~', '~0').replaceAll('/', '~1')}`).join('');
}

/** Names come from files. Control characters and very long names must not reach the terminal. */
function quoted(name: string): string {
  const shown = name.length > 64 ? `${name.slice(0, 64)}…` : name;
  return `'${shown
    .replaceAll(/[\u0000-\u001f\u007f-\u009f\u2028\u2029]/g, '?')
    .replaceAll('\\', '\\\\')
    .replaceAll("'", "\\'")}'`;
}
