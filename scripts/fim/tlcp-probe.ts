import { parseAddress, type Address } from '../../envoy/standalone/address.ts';
import { CodedError } from '../../envoy/standalone/coded-error.ts';
import { certificate, pem } from './tlcp-certificate.ts';
import { dialTlcp } from './tlcp-dial.ts';
import { readFiles, readTrust } from './tlcp-files.ts';
import { SUITES, TlcpModule, type SideOptions, type SuiteName } from './tlcp-module.ts';
import { readRevocation, responderOf, type RevocationFlags } from './tlcp-revocation.ts';
import { describeCertificate, otherProtocols, pointOut, type CertificateReport } from './tlcp-scan.ts';
import { describe, type TlcpSocket } from './tlcp-socket.ts';
import { styled } from './terminal.ts';

export interface ProbeFlags extends RevocationFlags {
  cert?: string[];
  ca?: string[];
  name?: string;
  json?: boolean;
}

interface SuiteReport {
  suite: SuiteName;
  /** The server chose it. */
  offered: boolean;
  /** A handshake with it succeeded. */
  works: boolean;
  detail: string;
}

interface Report {
  target: string;
  suites: SuiteReport[];
  certificates: CertificateReport[];
  /** Fault of the certificates. Empty: none. */
  verdict: string;
  asksForCertificate: boolean;
  resumption: { id: boolean; ticket: boolean };
  /** Whether lists or responders were looked at; what they say is part of the verdict. */
  revocation: 'looked up' | 'not looked up: no --crl, no --ocsp';
  /** Protocols that the port speaks beside national TLS. */
  otherProtocols: string[];
  /** Remarks for people. */
  notes: string[];
}

const DAY_MS = 86_400_000;

/** Findings about the server. */
interface Look {
  report: SuiteReport;
  certificates: Buffer[];
  fault: string;
  wasAsked: boolean;
  /** As whom it was looked at. */
  options: SideOptions;
}

/**
 * `fim tlcp probe`. Exit status 1 if no suite is offered or the certificates are not in order. Errors: FIM-UP-0020,
 * FIM-CFG-1001, FIM-TLCP-0002, FIM-TLCP-0003.
 */
export async function probe(target: string, flags: ProbeFlags): Promise<number> {
  const address = parseAddress(target, '<host:port>');
  const trust = readTrust(flags.ca);
  const given = flags.cert && readFiles(flags.cert);
  const module = await TlcpModule.load();
  const base: SideOptions = {
    ...(trust === undefined ? {} : { trust }),
    // Without certificates no client offers ECDHE. A pair that nobody trusts is enough to see what the server chooses.
    identity: given ?? strangerPair(module),
    host: flags.name ?? address.host,
    checks: false,
    ...readRevocation(flags),
  };
  const responder = responderOf(flags);
  const looks: Look[] = [];
  for (const suite of Object.keys(SUITES) as SuiteName[])
    looks.push(await lookAt(module, { ...base, suites: [suite] }, { address, responder }, suite, given !== undefined));
  const best = looks.find(({ certificates }) => certificates.length > 0);
  const certificates = (best?.certificates ?? []).map(describeCertificate);
  const protocols = await otherProtocols(address);
  const offered = looks.filter((look) => look.report.offered).map((look) => look.report.suite);
  const report: Report = {
    target,
    suites: looks.map((look) => look.report),
    certificates,
    verdict: best ? (trust === undefined && best.fault !== '' ? `${best.fault} (--ca names none)` : best.fault) : '',
    asksForCertificate: looks.some(({ wasAsked }) => wasAsked),
    resumption: {
      id: await resumes(module, { address, responder }, looks, false),
      ticket: await resumes(module, { address, responder }, looks, true),
    },
    revocation: flags.crl || flags.ocsp ? 'looked up' : 'not looked up: no --crl, no --ocsp',
    otherProtocols: protocols,
    notes: pointOut(certificates, offered, protocols),
  };
  if (flags.json) process.stdout.write(`${JSON.stringify(report)}\n`);
  else print(report);
  return best && report.verdict === '' ? 0 : 1;
}

/** A pair that signed itself, for this run alone. */
function strangerPair(module: TlcpModule): string {
  const parts: string[] = [];
  for (const usages of [['digitalSignature'], ['keyEncipherment', 'keyAgreement']] as const) {
    const key = module.generateKey();
    const made = certificate({
      name: 'fim tlcp probe',
      issuer: 'fim tlcp probe',
      authority: false,
      usages,
      serial: Buffer.from([1]),
      notBefore: new Date(Date.now() - DAY_MS),
      notAfter: new Date(Date.now() + DAY_MS),
      point: key.point,
      sign: key.sign,
    });
    parts.push(pem('CERTIFICATE', made), pem('PRIVATE KEY', key.der));
  }
  return parts.join('');
}

/** The server, and the responder in the place of those that its certificates name. */
interface Place {
  address: Address;
  responder: string | undefined;
}

/** One handshake, as far as it goes. */
async function attempt(
  module: TlcpModule,
  settings: number,
  { address, responder }: Place,
  session = 0,
): Promise<{ socket: TlcpSocket; works: boolean }> {
  const socket = await dialTlcp(module, settings, address, session, responder);
  const works = await socket.handshake().then(
    () => true,
    (error: unknown) => {
      if (error instanceof CodedError) return false;
      throw error;
    },
  );
  socket.on('error', () => {}); // what comes after the handshake is of no interest
  return { socket, works };
}

async function lookAt(
  module: TlcpModule,
  options: SideOptions,
  place: Place,
  suite: SuiteName,
  hasIdentity: boolean,
): Promise<Look> {
  // An ECC suite is looked at as a client without certificates sees it, unless some were given.
  const { identity: _, ...anonymous } = options;
  const own = hasIdentity || suite.startsWith('ECDHE') ? options : anonymous;
  const settings = module.settings(own);
  const { socket, works } = await attempt(module, settings, place);
  const { connection } = socket;
  const offered = connection.suite !== null;
  const detail = works ? '' : offered && !hasIdentity ? `${describe(connection)} (no --cert)` : describe(connection);
  const look = {
    report: { suite, offered, works, detail },
    certificates: connection.certificates,
    fault: connection.certificateFault,
    wasAsked: connection.wasAsked,
    options: own,
  };
  socket.end();
  return look;
}

/** Whether a session is resumed, by its id or by a ticket. */
async function resumes(module: TlcpModule, place: Place, looks: readonly Look[], byTicket: boolean): Promise<boolean> {
  const working = looks.find(({ report }) => report.works);
  if (!working) return false;
  const settings = module.settings({ ...working.options, takesTickets: byTicket });
  const first = await attempt(module, settings, place);
  const session = first.works ? first.socket.connection.keepSession() : 0;
  first.socket.end();
  if (session === 0 || first.socket.connection.hasTicket(session) !== byTicket) return false;
  const second = await attempt(module, settings, place, session);
  const resumed = second.works && second.socket.connection.isResumed;
  second.socket.end();
  return resumed;
}

function print(report: Report): void {
  const yes = (value: boolean): string => (value ? styled('green', 'yes') : 'no');
  const lines = [`${report.target}`, '', 'suites'];
  for (const { suite, offered, works, detail } of report.suites)
    lines.push(
      `  ${suite.padEnd(18)} ${works ? styled('green', 'works') : offered ? 'offered' : 'no'}${detail && `: ${detail}`}`,
    );
  lines.push('', 'certificates');
  for (const { subject, issuer, validFrom, validTo, names, use } of report.certificates) {
    lines.push(`  ${subject} (${use})`, `    issued by ${issuer}`);
    lines.push(`    ${validFrom} to ${validTo}${names && `, for ${names}`}`);
  }
  if (report.certificates.length === 0) lines.push('  none were seen');
  else lines.push(`  ${report.verdict === '' ? styled('green', 'in order') : styled('red', report.verdict)}`);
  lines.push('', `asks for a client certificate: ${yes(report.asksForCertificate)}`);
  lines.push(`resumes by id: ${yes(report.resumption.id)}, by ticket: ${yes(report.resumption.ticket)}`);
  lines.push(`revocation: ${report.revocation}`);
  lines.push(`other protocols on the port: ${report.otherProtocols.join(', ') || 'none'}`);
  for (const note of report.notes) lines.push(`note: ${note}`);
  process.stdout.write(`${lines.join('\n')}\n`);
}
