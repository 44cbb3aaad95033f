import { CodedError } from '../../envoy/standalone/coded-error.ts';
import { openProtected } from '../../envoy/standalone/open-protected.ts';
import { PROTECTED_ALGORITHMS } from '../../envoy/standalone/protected-message.ts';
import type { MessageTerms } from '../../envoy/standalone/protected-message.ts';
import type { KmsFlags } from './kms-credentials.ts';
import { readKmsCredentials } from './kms-credentials.ts';
import type { KmsSettingFlags } from './kms-options.ts';
import { readSettingFlags } from './kms-options.ts';
import { readPeer } from './options.ts';
import { readStandardInputBytes } from './terminal.ts';

export interface DecryptOptions extends KmsFlags, KmsSettingFlags {
  kms: string;
  profile?: string;
  algorithm?: string;
  key?: string;
}

/** Parameters from the command line for a message that does not describe itself. Error: FIM-UP-0018. */
function termsOf({ profile, algorithm = 'SM4-GCM', key }: DecryptOptions): MessageTerms | undefined {
  if (profile !== 'raw' && profile !== 'hex' && profile !== 'base64') return undefined;
  const known = PROTECTED_ALGORITHMS.find((name) => name === algorithm);
  if (known === undefined || key === undefined)
    throw new CodedError(
      'FIM-UP-0018',
      `profile ${profile} needs --key kms://path#version and an --algorithm of ${PROTECTED_ALGORITHMS.join(', ')}`,
    );
  return { profile, algorithm: known, kid: key };
}

/** `fim decrypt`: decrypts a body from standard input to standard output, byte for byte. */
export async function decrypt(options: DecryptOptions): Promise<void> {
  const access = {
    url: readPeer(options.kms, '--kms'),
    credentials: readKmsCredentials(options),
    ...readSettingFlags(options),
  };
  process.stdout.write(await openProtected(await readStandardInputBytes(), access, termsOf(options)));
}
