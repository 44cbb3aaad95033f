import { readFileSync } from 'node:fs';
import { type Digests, OpenSslDigests } from '../../services/audit/digest.ts';
import { ModuleDigests } from '../../services/audit/module-digests.ts';
import { buildModules } from '../build.ts';
import { progress } from './terminal.ts';

/** The fast hashes, built if they are not; OpenSSL's where they cannot be built. */
export async function fastDigests(): Promise<Digests> {
  try {
    const [module] = await buildModules(['audit-digest'], progress);
    return new ModuleDigests(readFileSync(module!.path));
  } catch {
    return new OpenSslDigests();
  }
}
