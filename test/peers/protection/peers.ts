// The counterparties of these tests: Tongsuo and GmSSL behind `counterparty.py`, jwcrypto behind its own oracle.
// Installed on first use into the cache folder.
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { publicOf } from '../../protection/partner.ts';
import type { Terms } from '../../protection/partner.ts';
import type { SigningTerms } from '../../protection/signing.ts';
import { Oracle, pythonWithPeers } from '../sm2/oracles.ts';

const JOSE_CACHE = join(homedir(), '.cache/fim/jose-peers');
const JOSE_WHEEL = 'jwcrypto==1.5.6';
/** Time to install what is not there yet. */
export const SET_UP_MS = 300_000;
export const PEERS = ['tongsuo', 'gmssl'] as const;
export type Peer = (typeof PEERS)[number];
/** Longest text that SM2 of a peer encrypts, bytes. */
export const MAX_SM2_TEXT: Record<Peer, number> = { tongsuo: 5000, gmssl: 255 };

/** Result of a peer: bytes or a verdict, or the reason of its refusal: `form`, `tag` or `sm2`. */
export interface Answer {
  result?: string | boolean;
  error?: string;
}

/** Path of a Python that has jwcrypto. */
function pythonWithJose(): string {
  const python = join(JOSE_CACHE, 'venv/bin/python');
  if (existsSync(python) && spawnSync(python, ['-c', 'import jwcrypto']).status === 0) return python;
  mkdirSync(JOSE_CACHE, { recursive: true });
  for (const [command, args] of [
    ['python3', ['-m', 'venv', 'venv']],
    [python, ['-m', 'pip', 'install', '--quiet', '--disable-pip-version-check', JOSE_WHEEL]],
  ] as [string, string[]][]) {
    const result = spawnSync(command, args, { encoding: 'utf8', cwd: JOSE_CACHE });
    if (result.status !== 0) throw new Error(`${command} ${args.join(' ')}: ${result.error?.message ?? result.stderr}`);
  }
  return python;
}

/** jwcrypto, that answers lines of JSON. */
export function joseOracle(): Oracle {
  return new Oracle(pythonWithJose(), [join(import.meta.dirname, 'jwcrypto-oracle.py')]);
}

/** Terms as `counterparty.py` reads them. */
function shared(terms: Terms | SigningTerms): object {
  const isSm2 = terms.algorithm.startsWith('SM2');
  return {
    form: 'DER',
    userId: '1234567812345678',
    ...terms,
    key: terms.key.toString('hex'),
    ...(isSm2 ? { public: publicOf(terms.key) } : {}),
  };
}

/** A counterparty with the ciphers of a peer. */
export class Counterparty {
  private readonly oracle: Oracle;

  constructor(peer: Peer) {
    this.oracle = new Oracle(pythonWithPeers(), [join(import.meta.dirname, 'counterparty.py'), peer]);
  }

  private async ask(question: object): Promise<Answer> {
    return JSON.parse(await this.oracle.ask(JSON.stringify(question))) as Answer;
  }

  private async bytes(question: object): Promise<Buffer> {
    const { result, error } = await this.ask(question);
    assert.equal(typeof result, 'string', `refused: ${error}`);
    return Buffer.from(String(result), 'hex');
  }

  /** `type`: content type of the text, where the profile carries it. */
  protect(terms: Terms, text: Buffer, type: string): Promise<Buffer> {
    return this.bytes({ op: 'protect', terms: shared(terms), data: text.toString('hex'), type });
  }

  /** `contentKey`: the key of an envelope that another peer unwrapped. */
  unprotect(terms: Terms, message: Buffer, contentKey?: Buffer): Promise<Answer> {
    return this.ask({
      op: 'unprotect',
      terms: { ...shared(terms), ...(contentKey && { contentKey: contentKey.toString('hex') }) },
      data: message.toString('hex'),
    });
  }

  async sign(terms: SigningTerms, data: Buffer): Promise<string> {
    return (await this.bytes({ op: 'sign', terms: shared(terms), data: data.toString('hex') })).toString(
      terms.encoding ?? 'base64',
    );
  }

  async verify(terms: SigningTerms, data: Buffer, signature: string): Promise<boolean> {
    const { result } = await this.ask({
      op: 'verify',
      terms: shared(terms),
      data: data.toString('hex'),
      signature: Buffer.from(signature, terms.encoding ?? 'base64').toString('hex'),
    });
    return result === true;
  }

  end(): void {
    this.oracle.end();
  }
}
