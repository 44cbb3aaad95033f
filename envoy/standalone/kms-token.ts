import { readFileSync } from 'node:fs';
import { CodedError, messageOf } from './coded-error.ts';

/** Token in a file, read as Envoy does: without trailing white space. Error: FIM-KMS-0006. */
export function readToken(file: string): string {
  let token: string;
  try {
    token = readFileSync(file, 'utf8').trimEnd();
  } catch (error) {
    throw new CodedError('FIM-KMS-0006', `${file}: ${messageOf(error)}`);
  }
  if (!/^[\x21-\x7e]{1,4096}$/.test(token)) throw new CodedError('FIM-KMS-0006', `${file} holds no token of one line`);
  return token;
}
