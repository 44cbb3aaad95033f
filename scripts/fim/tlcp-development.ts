// Certificates for `fim up`, where routes ask for national TLS and name none.
import { X509Certificate } from 'node:crypto';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { CodedError, messageOf } from '../../envoy/standalone/coded-error.ts';
import type { DevelopmentIdentity } from '../../envoy/standalone/tlcp-plan.ts';
import { developmentCertificates, writeFiles } from './tlcp-certs.ts';
import { tlcpFolder } from './tlcp-files.ts';

const DAYS = 365;
const NEEDED = ['ca.pem', 'server-sign.pem', 'server-sign.key', 'server-encrypt.pem', 'server-encrypt.key'] as const;

/**
 * The development authority and the server's pair of `fim tlcp certs`, made now if there are none. Errors:
 * FIM-TLCP-0002 if a part is missing or out of date.
 */
export async function developmentIdentity(hosts: string[], folder = tlcpFolder()): Promise<DevelopmentIdentity> {
  if (!existsSync(join(folder, 'ca.pem'))) writeFiles(folder, await developmentCertificates(hosts, DAYS));
  const [trust, sign, signKey, encrypt, encryptKey] = NEEDED.map((name) => read(join(folder, name)));
  for (const text of [sign!, encrypt!]) {
    const until = new X509Certificate(text).validToDate;
    if (until < new Date())
      throw new CodedError(
        'FIM-TLCP-0002',
        `${folder}: a certificate ended on ${until.toISOString()}; remove the folder`,
      );
  }
  return { chain: `${sign}${encrypt}`, trust: trust!, signKey: signKey!, encryptKey: encryptKey!, folder };
}

function read(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch (error) {
    throw new CodedError('FIM-TLCP-0002', `${path}: ${messageOf(error)}`);
  }
}
