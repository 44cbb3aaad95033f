/** Escapes that JavaScript's engine takes and the modules' engine does not: back-references, named ones, control letters. */
const FOREIGN_ESCAPE = /^[1-9ck]$/;

/**
 * Why a pattern is outside the subset, or undefined. A first look, for the line in the editor: the module's own compiler, in the dry run, has
 * the last word (it also knows the size of what it compiled).
 */
export function patternMistake(pattern: string): string | undefined {
  let inClass = false;
  for (let i = 0; i < pattern.length; i++) {
    const char = pattern[i];
    if (char === '\\') {
      i++;
      if (FOREIGN_ESCAPE.test(pattern[i] ?? '')) return 'back-references are not supported';
    } else if (inClass) {
      inClass = char !== ']';
    } else if (char === '[') {
      inClass = true;
      if (pattern[i + 1] === '^') i++;
    } else if (char === '(' && pattern[i + 1] === '?' && pattern[i + 2] !== ':') {
      return 'look-around, flags and named groups are not supported';
    }
  }
  try {
    new RegExp(pattern, 'u');
    return undefined;
  } catch {
    return 'it is not a regular expression';
  }
}
