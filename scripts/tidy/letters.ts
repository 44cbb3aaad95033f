// Characters that the modules compare bytes with are named: `byte == Ascii.Colon`, not `byte == 58`.
import { findAll, type Finding, type Project, type Rule } from './project.ts';

/** A byte of a text and the number that it is compared with. Digits are left out: they are counted with, too. */
const COMPARISON =
  /(?:(?:\b(?:byte|char|character|letter|quote)|\bload<u8>\((?:[^()]|\([^()]*\))*\)) ?[=!]= ?(?:9|10|13|127)|(?:\b(?:byte|char|character|letter|quote|first|second|last)|\bload<u8>\((?:[^()]|\([^()]*\))*\)) ?[=!]= ?(?:3[2-9]|4[0-7]|5[89]|6\d|[7-9]\d|1[01]\d|12[0-6]))\b/g;

export const letters: Rule = {
  name: 'letters',
  check(project: Project): Finding[] {
    return project
      .code()
      .filter((file) => file.startsWith('filters/'))
      .flatMap((file) =>
        findAll(
          file,
          project.blank(file).codeOnly,
          COMPARISON,
          (match) => `"${match[0]}": name the character (filters/memory/ascii.ts)`,
        ),
      );
  },
};
