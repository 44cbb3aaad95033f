// The certificate of ordinary TLS: files of the user's, which Envoy reads itself.
import { createPrivateKey, X509Certificate } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { isSm2 } from '../route/index.ts';
import type { TlsIdentity } from '../xds/index.ts';
import { CodedError, messageOf } from './coded-error.ts';

/** Checks the files once, so that a mistake is told in words. Error: FIM-UP-0036. */
export function checkTlsIdentity({ certFile, keyFile }: TlsIdentity): void {
  const refuse = (detail: string): never => {
    throw new CodedError('FIM-UP-0036', detail);
  };
  const read = <T>(file: string, parse: (text: Buffer) => T): T => {
    try {
      return parse(readFileSync(file));
    } catch (error) {
      const { code } = error as NodeJS.ErrnoException;
      const isOfFile = code !== undefined && !code.startsWith('ERR_');
      return refuse(`${file}: ${isOfFile ? messageOf(error) : 'it is no PEM of that kind'}`);
    }
  };
  const certificate = read(certFile, (text) => new X509Certificate(text));
  if (isSm2(certificate)) refuse(`${certFile}: it is of SM2; national TLS has its own in \`tls.certificates\``);
  const key = read(keyFile, (text) => createPrivateKey(text));
  if (!certificate.checkPrivateKey(key)) refuse(`${keyFile} is not the key of ${certFile}`);
  const now = new Date();
  if (certificate.validToDate < now) refuse(`${certFile}: it ended on ${certificate.validToDate.toISOString()}`);
  if (certificate.validFromDate > now) refuse(`${certFile}: it begins on ${certificate.validFromDate.toISOString()}`);
}
