// Packages that the operator, the proxy's side, the services and the command line import at run time are `dependencies`:
// an audit or an installation without `devDependencies` otherwise leaves them out.
import { type Finding, lineAt, type Project, type Rule } from './project.ts';

/** Files that run where the project is used. */
const AT_RUN_TIME = /^(?:envoy|istio|services|scripts\/fim)\/.*\.ts$|^scripts\/(?:fim|build|compile)\.ts$/;
const IMPORT = /\b(?:from|import)\s*\(?\s*'([^'.][^']*)'/g;

/** Name of the package of an import. */
function packageOf(specifier: string): string {
  return specifier
    .split('/')
    .slice(0, specifier.startsWith('@') ? 2 : 1)
    .join('/');
}

export const dependencies: Rule = {
  name: 'dependencies',
  check(project: Project): Finding[] {
    const { dependencies: shipped = {}, devDependencies: others = {} } = JSON.parse(
      project.text('package.json') || '{}',
    ) as Record<string, Record<string, string> | undefined>;
    return project
      .code()
      .filter((path) => AT_RUN_TIME.test(path))
      .flatMap((path) => {
        const { withoutComments } = project.blank(path);
        return [...withoutComments.matchAll(IMPORT)]
          .map((match) => ({ name: packageOf(match[1]!), at: match.index }))
          .filter(({ name }) => name in others && !(name in shipped))
          .map(({ name, at }) => ({
            path,
            line: lineAt(withoutComments, at),
            message: `imports ${name} at run time, which is among devDependencies of package.json`,
          }));
      });
  },
};
