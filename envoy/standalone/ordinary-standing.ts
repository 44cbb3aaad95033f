// Which connections of ordinary TLS hold after an edit: those whose client would be let in again, as far as that can be told
// without its certificate.
import { X509Certificate } from 'node:crypto';
import type { AlsoTls } from '../route/index.ts';
import { MAX_ORDINARY_TERMS } from '../limits.ts';
import { standingName } from '../xds/index.ts';
import { DER, DerReader } from './der.ts';

const BLOCK = /-----BEGIN ([A-Z0-9 ]+)-----[^-]*-----END \1-----/g;
const DEMANDS: readonly AlsoTls['clientAuth'][] = ['None', 'Optional', 'Required'];
const TIMES = [0x17, 0x18];

const blocksOf = (text = ''): string[] => text.match(BLOCK) ?? [];
const bytesOf = (block: string): Buffer => Buffer.from(block.replace(/-----[^-]+-----/g, ''), 'base64');

/** Issuer and number of each certificate that lists name. Throws DerError. */
function revokedBy(lists: string | undefined): string[] {
  return blocksOf(lists).flatMap((block) => {
    const list = new DerReader(new DerReader(bytesOf(block)).take(DER.sequence));
    const body = new DerReader(list.take(DER.sequence));
    body.skip(DER.integer);
    body.take(DER.sequence);
    const issuer = body.take(DER.sequence).toString('hex');
    for (let i = 0; i < 2; i++) if (TIMES.includes(body.tag)) body.take(body.tag);
    if (body.tag !== DER.sequence) return [];
    const entries = new DerReader(body.take(DER.sequence));
    const found: string[] = [];
    while (entries.tag !== 0)
      found.push(`${issuer} ${new DerReader(entries.take(DER.sequence)).take(DER.integer).toString('hex')}`);
    return found;
  });
}

const isWithin = (some: readonly string[], others: readonly string[]): boolean => {
  const known = new Set(others);
  return some.every((one) => known.has(one));
};

/** Whether each client that `before` let in is let in now. */
export function stillLetsIn(before: AlsoTls, now: AlsoTls): boolean {
  if (DEMANDS.indexOf(now.clientAuth) > DEMANDS.indexOf(before.clientAuth)) return false;
  // Who was verified would have no word said of it now.
  if (now.clientAuth === 'None') return before.clientAuth === 'None';
  const trusted = (text: string | undefined): string[] =>
    blocksOf(text).map((block) => new X509Certificate(block.replace('TRUSTED ', '')).fingerprint256);
  try {
    return (
      isWithin(trusted(before.trust), trusted(now.trust)) && isWithin(revokedBy(now.lists), revokedBy(before.lists))
    );
  } catch {
    return false;
  }
}

/** The terms that there were, the latest MAX_ORDINARY_TERMS. */
export class OrdinaryStanding {
  private readonly known = new Map<string, AlsoTls>();

  /** Whether connections of each hold. `terms`: those of new connections; null: ordinary TLS is not served. */
  under(terms: AlsoTls | null): { name: string; holds: boolean }[] {
    if (terms !== null) {
      const name = standingName(terms);
      this.known.delete(name);
      this.known.set(name, terms);
    }
    const told = [...this.known].map(([name, before]) => ({
      name,
      holds: terms !== null && stillLetsIn(before, terms),
    }));
    // The oldest were drained long ago, or are refused.
    for (const { name } of told.slice(0, Math.max(0, told.length - MAX_ORDINARY_TERMS))) this.known.delete(name);
    return told.map((one, index) => (index < told.length - MAX_ORDINARY_TERMS ? { ...one, holds: false } : one));
  }
}
