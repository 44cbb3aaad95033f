// Files of certificates and keys that the verbs of national TLS read.
import { existsSync, readFileSync } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { CodedError, messageOf } from '../../envoy/standalone/coded-error.ts';

/** Folder to which `fim tlcp certs` writes and in which the others look. */
export function tlcpFolder(): string {
  return join(process.env.XDG_DATA_HOME || join(homedir(), '.local', 'share'), 'fim', 'tlcp');
}

/** Texts of files, one after another. Errors: FIM-CFG-1001. */
export function readFiles(paths: readonly string[]): string {
  return paths
    .map((path) => {
      try {
        return readFileSync(path, 'utf8');
      } catch (error) {
        throw new CodedError('FIM-CFG-1001', `${path}: ${messageOf(error)}`);
      }
    })
    .join('\n');
}

/** Trust anchors: the files that are named, else the development authority; undefined: there is none. */
export function readTrust(paths: readonly string[] | undefined): string | undefined {
  if (paths) return readFiles(paths);
  const own = join(tlcpFolder(), 'ca.pem');
  return existsSync(own) ? readFiles([own]) : undefined;
}
