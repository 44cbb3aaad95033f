import { X509Certificate } from 'node:crypto';
import { readFileSync, statSync } from 'node:fs';
import type { TlsIdentity } from '../xds/index.ts';
import { CodedError, messageOf } from './coded-error.ts';
import type { EnvoyAdmin } from './envoy-admin.ts';
import type { OnEvent } from './events.ts';
import { checkTlsIdentity } from './tls-identity.ts';

/** Time between looks, milliseconds. An agent that writes certificate and key one after the other is between them for less. */
const LOOK_MS = 1_000;
/** Looks after which files that have not changed are read again: certificates end. */
const LOOKS_PER_READING = 60;

/**
 * Reports that a renewed certificate of ordinary TLS is not taken, that the one in force has ended, and `recovered` when the
 * files are good again. Clients would only see the one before, until it ends.
 */
export class IdentityWatch {
  private readonly identity: TlsIdentity;
  private readonly admin: EnvoyAdmin;
  private readonly onEvent: OnEvent;
  private readonly timer: NodeJS.Timeout;
  private looking: Promise<void> = Promise.resolve();
  private seen: string;
  private looks = 0;
  /** Findings of the last look, and those told; empty: none. */
  private found = '';
  private told = '';

  constructor(identity: TlsIdentity, admin: EnvoyAdmin, onEvent: OnEvent) {
    this.identity = identity;
    this.admin = admin;
    this.onEvent = onEvent;
    this.seen = this.stamp();
    this.timer = setInterval(() => void (this.looking = this.looking.then(() => this.look())), LOOK_MS).unref();
  }

  async stop(): Promise<void> {
    clearInterval(this.timer);
    await this.looking;
  }

  private stamp(): string {
    const { certFile, keyFile } = this.identity;
    return [certFile, keyFile]
      .map((file) => {
        const found = statSync(file, { throwIfNoEntry: false });
        return found === undefined ? 'none' : `${found.ino} ${found.mtimeMs} ${found.size}`;
      })
      .join(' ');
  }

  private async look(): Promise<void> {
    const before = this.found;
    this.found = await this.faultNow();
    // What is seen once may be half of a renewal.
    if (this.found !== before || this.found === this.told) return;
    this.told = this.found;
    if (this.found === '') return this.onEvent({ event: 'recovered', key: this.identity.certFile });
    const { code, message } = new CodedError('FIM-UP-0037', this.found);
    this.onEvent({ event: 'warning', code, message });
  }

  private async faultNow(): Promise<string> {
    const stamp = this.stamp();
    if (stamp === this.seen && this.found === '' && ++this.looks < LOOKS_PER_READING) return '';
    this.seen = stamp;
    this.looks = 0;
    try {
      checkTlsIdentity(this.identity);
      return (await this.isServed()) ? '' : `Envoy does not take ${this.identity.certFile}, and its log says why`;
    } catch (error) {
      return messageOf(error);
    }
  }

  /** Whether Envoy serves the certificate of the file. A late admin interface, and one without ordinary TLS, say nothing. */
  private async isServed(): Promise<boolean> {
    const serials = await this.admin.certificates(this.identity.certFile).catch(() => []);
    const number = (text: string): string => text.toLowerCase().replace(/^0+/, '');
    const wanted = number(new X509Certificate(readFileSync(this.identity.certFile)).serialNumber);
    return serials.length === 0 || serials.some((serial) => number(serial) === wanted);
  }
}
