import { accessSync, constants } from 'node:fs';
import { resolve } from 'node:path';
import { CodedError, messageOf } from '../../envoy/standalone/coded-error.ts';
import { readToken } from '../../envoy/standalone/kms-token.ts';
import type { KmsCredentials, TokenHeader } from '../../envoy/xds/index.ts';
import { TOKEN_HEADERS } from '../../envoy/xds/index.ts';

/** Flags for Envoy's credentials at the KMS. */
export interface KmsFlags {
  kms?: string;
  kmsTokenFile?: string;
  kmsTokenHeader?: string;
  kmsNamespace?: string;
  kmsCa?: string;
  kmsCert?: string;
  kmsKey?: string;
  kmsData?: string;
}

/** Reads the flags and checks each file once. Errors: FIM-UP-0020 (incompatible flags), FIM-KMS-0006 (a file). */
export function readKmsCredentials(flags: KmsFlags): KmsCredentials {
  const { kms, kmsTokenFile, kmsTokenHeader, kmsNamespace, kmsCa, kmsCert, kmsKey } = flags;
  const isTls = kms?.startsWith('https:') ?? false;
  if (!isTls && (kmsCa ?? kmsCert ?? kmsKey) !== undefined)
    throw new CodedError('FIM-UP-0020', '--kms-ca, --kms-cert and --kms-key are for --kms https://…');
  if ((kmsCert === undefined) !== (kmsKey === undefined))
    throw new CodedError('FIM-UP-0020', '--kms-cert and --kms-key go together');
  if (kms !== undefined && flags.kmsData !== undefined)
    throw new CodedError('FIM-UP-0020', '--kms-data is for the development KMS, without --kms');
  const header = TOKEN_HEADERS.find((name) => name.toLowerCase() === kmsTokenHeader?.toLowerCase());
  if (kmsTokenHeader !== undefined && (header === undefined || kmsTokenFile === undefined))
    throw new CodedError(
      'FIM-UP-0020',
      `--kms-token-header is one of ${TOKEN_HEADERS.join(', ')} and goes with --kms-token-file`,
    );
  if (kmsNamespace !== undefined && !/^[\w./-]{1,256}$/.test(kmsNamespace))
    throw new CodedError('FIM-UP-0020', `--kms-namespace ${JSON.stringify(kmsNamespace)} is not a namespace`);
  if (kmsTokenFile !== undefined) readToken(kmsTokenFile);
  return {
    ...(kmsTokenFile === undefined
      ? {}
      : { tokenFile: resolve(kmsTokenFile), tokenHeader: header ?? ('X-Vault-Token' satisfies TokenHeader) }),
    ...(kmsNamespace === undefined ? {} : { namespace: kmsNamespace }),
    ...(kmsCa === undefined ? {} : { caFile: readable(kmsCa) }),
    ...(kmsCert === undefined || kmsKey === undefined
      ? {}
      : { certFile: readable(kmsCert), keyFile: readable(kmsKey) }),
  };
}

function readable(file: string): string {
  try {
    accessSync(file, constants.R_OK);
  } catch (error) {
    throw new CodedError('FIM-KMS-0006', messageOf(error));
  }
  return resolve(file);
}
