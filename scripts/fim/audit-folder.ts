// Which folder a command is about, and who writes it.
import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { CodedError } from '../../envoy/standalone/coded-error.ts';
import { headPath, readHead } from '../../services/audit/log-folder.ts';
import { statesFolder } from './places.ts';
import { progress } from './terminal.ts';

/** The folder that was named, or the only log of `fim up`. Errors: FIM-AUD-0023 (it is none), FIM-UP-0020 (which one?). */
export function logFolder(named: string | undefined): string {
  if (named !== undefined) {
    if (readHead(named) === null) throw new CodedError('FIM-AUD-0023', `${named} has no log.json`);
    return named;
  }
  const states = statesFolder();
  const found = (existsSync(states) ? readdirSync(states) : [])
    .map((name) => join(states, name, 'audit'))
    .filter((folder) => existsSync(headPath(folder)));
  if (found.length === 1) {
    progress(`the log in ${found[0]}`);
    return found[0]!;
  }
  throw new CodedError(
    'FIM-UP-0020',
    found.length === 0
      ? `name the folder of a log: ${states} has none of \`fim up\``
      : `name the folder of a log; \`fim up\` has several:\n${found.map((folder) => `       ${folder}`).join('\n')}`,
  );
}
