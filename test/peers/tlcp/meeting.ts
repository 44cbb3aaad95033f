// Certificates of every kind for both ends, and the core in one role with another implementation in the other.
import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { certificate, pem, type Issuance } from '../../../scripts/fim/tlcp-certificate.ts';
import {
  TlcpModule,
  type Connection,
  type KeyPair,
  type SideOptions,
  type SuiteName,
} from '../../../scripts/fim/tlcp-module.ts';
import type { Kind, Way } from './kinds.ts';
import type { Peer, PeerEnd } from './peer.ts';

const DAY_MS = 86_400_000;
/** Bytes each way through an open connection; fewer where every byte is a segment. */
const TALK_BYTES = 40_000;
const SHORT_TALK_BYTES = 300;

export interface Pair {
  /** For the core. */
  text: string;
  /** For the other: certificate, key, certificate, key. */
  files: string[];
}

/** An authority that both trust, one that nobody does, and the pairs that they issued. */
export class Certificates {
  readonly module: TlcpModule;
  readonly authority: { text: string; file: string };
  readonly server: Pair;
  /** Client certificates by kind. */
  readonly clients: Record<string, Pair | null>;
  private readonly folder = mkdtempSync(join(tmpdir(), 'fim-tlcp-peers-'));

  constructor(module: TlcpModule) {
    this.module = module;
    const trusted = this.makeAuthority('trusted');
    const foreign = this.makeAuthority('foreign');
    this.authority = { text: trusted.text, file: this.save('ca.pem', trusted.text) };
    this.server = this.makePair('server', trusted, { hosts: ['localhost'] });
    this.clients = {
      none: null,
      right: this.makePair('client', trusted),
      wrong: this.makePair('wrong', trusted, { purposes: ['server'] }),
      expired: this.makePair('late', trusted, { notAfter: new Date(Date.now() - DAY_MS) }),
      foreign: this.makePair('stranger', foreign),
    };
  }

  remove(): void {
    rmSync(this.folder, { recursive: true, force: true });
  }

  private save(name: string, text: string): string {
    const path = join(this.folder, name);
    writeFileSync(path, text);
    return path;
  }

  private issue(said: Partial<Issuance> & { name: string }, key: KeyPair, issuer: KeyPair, issuerName: string): string {
    const life = { notBefore: new Date(Date.now() - 2 * DAY_MS), notAfter: new Date(Date.now() + 30 * DAY_MS) };
    const serial = Buffer.concat([Buffer.from([1]), randomBytes(8)]);
    const common = { issuer: issuerName, serial, point: key.point, sign: issuer.sign };
    return pem('CERTIFICATE', certificate({ ...common, ...life, ...said }));
  }

  private makeAuthority(name: string): { key: KeyPair; name: string; text: string } {
    const key = this.module.generateKey();
    const usages = ['keyCertSign', 'cRLSign'] as const;
    return { key, name, text: this.issue({ name, authority: {}, usages }, key, key, name) };
  }

  /** Both certificates of a pair have one subject and no basicConstraints: GmSSL takes no others. */
  private makePair(name: string, by: { key: KeyPair; name: string }, said: Partial<Issuance> = {}): Pair {
    const parts = (['digitalSignature', 'keyEncipherment'] as const).map((usage, i) => {
      const key = this.module.generateKey();
      const usages = i === 0 ? [usage] : ([usage, 'dataEncipherment', 'keyAgreement'] as const);
      return [this.issue({ name, usages, ...said }, key, by.key, by.name), pem('PRIVATE KEY', key.der)] as const;
    });
    const files = parts.flatMap(([made, key], i) => [
      this.save(`${name}-${i}.pem`, made),
      this.save(`${name}-${i}.key`, key),
    ]);
    return { text: parts.flat().join(''), files };
  }
}

/** Carries bytes between the two, in segments, until neither has any. */
export async function pump(ours: Connection, theirs: PeerEnd, segment: number): Promise<void> {
  for (;;) {
    const up = ours.takeOutput();
    for (let at = 0; at < up.length; at += segment)
      await theirs.act('feed', up.subarray(at, Math.min(up.length, at + segment)));
    const down = theirs.takeOutput();
    for (let at = 0; at < down.length; at += segment)
      ours.receive(down.subarray(at, Math.min(down.length, at + segment)));
    if (up.length === 0 && down.length === 0) return;
  }
}

export interface Ends {
  ours: Connection;
  theirs: PeerEnd;
}

/** Both say something. */
export async function talk({ ours, theirs }: Ends, segment: number, most = TALK_BYTES): Promise<void> {
  const said = randomBytes(segment === 1 ? SHORT_TALK_BYTES : most);
  assert.ok(ours.send(said));
  await pump(ours, theirs, segment);
  assert.ok(Buffer.from(theirs.plain, 'hex').equals(said), 'what the other read');
  await theirs.act('write', said);
  await pump(ours, theirs, segment);
  assert.ok(ours.takePlain().equals(said), 'what the core read');
}

export interface Setup {
  suite: SuiteName;
  client: Pair | null;
  /** Whether the server asks for a certificate of the client. */
  asks: boolean;
  way: Way;
}

/** The core in `role` with another implementation in the other. */
export class Meeting {
  private readonly certificates: Certificates;
  private readonly role: 'server' | 'client';
  private readonly peer: Peer;
  private readonly settings: number;
  private readonly context: Promise<number>;

  constructor(certificates: Certificates, kind: Kind, peer: Peer, role: 'server' | 'client', setup: Setup) {
    const { suite, client, asks, way } = setup;
    const { module, authority, server } = certificates;
    const tickets = way === 'ticket';
    const identity = role === 'server' ? server : client;
    const theirPair = role === 'server' ? client : server;
    const options: SideOptions = {
      trust: authority.text,
      suites: [suite],
      clientAuth: asks ? 'required' : 'none',
      takesTickets: tickets,
      keepsSessions: !tickets,
      ...(identity ? { identity: identity.text } : {}),
      ...(role === 'server' && tickets ? { tickets: randomBytes(32) } : {}),
      ...(role === 'client' ? kind.asClient : {}),
      ...(role === 'client' && kind.dropsExtensions !== true ? { host: 'localhost' } : {}),
    };
    this.certificates = certificates;
    this.role = role;
    this.peer = peer;
    this.settings = module.settings(options);
    this.context = peer.context({
      server: role === 'client',
      suite: kind.nameOf(suite),
      ca: authority.file,
      pair: theirPair?.files ?? null,
      verify: role === 'server' || asks,
      tickets,
      sessions: !tickets,
    });
  }

  async connect(segment: number, session: number | null = null): Promise<Ends> {
    const { module } = this.certificates;
    const ours = module.connection(this.role, this.settings, this.role === 'client' ? (session ?? 0) : 0);
    const theirs = await this.peer.open(await this.context, this.role === 'server' ? session : null);
    await pump(ours, theirs, segment);
    return { ours, theirs };
  }

  /** A session to resume, in the hands of the client. */
  session({ ours, theirs }: Ends): Promise<number> {
    return this.role === 'server' ? theirs.session() : Promise.resolve(ours.keepSession());
  }
}
