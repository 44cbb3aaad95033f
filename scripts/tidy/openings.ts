// How texts that stand by themselves begin: a file's first comment, a docstring, a description. "What a collector says"
// is no sentence. A remark within code may begin so: there it is a whole sentence, "What is late is not counted".
import { findAll, type Finding, type Project, type Rule } from './project.ts';

const FIRST_COMMENT = /^(?:#!.*\n)?(?:\/\/|\/\*\*?|#|""")\s*(?:What|Those)\b/g;
const DOCSTRING = /\/\*\*\s*(?:\*\s*)?(?:What|Those)\b/g;
const DESCRIPTION = /\b(?:description|about|help|title|advice)"?: *["'`]?(?:What|Those)\b/g;

/** Texts by the files that hold them. */
const OPENINGS: { files: RegExp; patterns: RegExp[] }[] = [
  { files: /\.(?:ts|mjs|js)$/, patterns: [FIRST_COMMENT, DOCSTRING, DESCRIPTION] },
  { files: /^(?!test\/corpus\/).*\.(?:py|sh|go|ya?ml)$/, patterns: [FIRST_COMMENT, DESCRIPTION] },
  { files: /\.json$/, patterns: [DESCRIPTION] },
];

export const openings: Rule = {
  name: 'openings',
  check(project: Project): Finding[] {
    return project.paths.flatMap((file) =>
      OPENINGS.filter(({ files }) => files.test(file)).flatMap(({ patterns }) =>
        patterns.flatMap((pattern) =>
          findAll(
            file,
            project.text(file),
            pattern,
            (match) => `"${match[0].trim()} …" has no head: name the thing that is meant`,
          ),
        ),
      ),
    );
  },
};
