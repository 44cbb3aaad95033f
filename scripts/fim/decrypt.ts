import { readToken } from '../../envoy/standalone/kms-token.ts';
import { openProtected } from '../../envoy/standalone/open-protected.ts';
import { readPeer } from './options.ts';
import { readStandardInput } from './terminal.ts';

/** `fim decrypt`: an encrypted body on standard input, its plaintext on standard output, byte for byte. */
export async function decrypt(options: { kms: string; kmsTokenFile?: string }): Promise<void> {
  const kms = readPeer(options.kms, '--kms');
  const token = options.kmsTokenFile === undefined ? undefined : readToken(options.kmsTokenFile);
  process.stdout.write(await openProtected(await readStandardInput(), kms, token));
}
