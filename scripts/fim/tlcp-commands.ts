import { Command } from 'commander';
import type { CertsFlags } from './tlcp-certs.ts';
import type { GetFlags } from './tlcp-get.ts';
import type { ProbeFlags } from './tlcp-probe.ts';
import type { ServeFlags } from './tlcp-serve.ts';

const HELP = `
National TLS is TLCP (GB/T 38636-2020). Each side has two certificates, one for signatures and one for encryption. --cert takes the PEM files
with both and their private keys, in any order, in one file or several; --ca the PEM files of the authorities to trust.

To try it on one machine:
  fim tlcp certs                        an authority, a server and a client in $XDG_DATA_HOME/fim/tlcp
  fim tlcp serve                        a server with them on loopback that says what each client agreed on
  fim tlcp get https://localhost:8443/
  fim tlcp probe localhost:8443
`;
const CERT_HELP = 'PEM files with own certificates and private keys';
const CA_HELP = 'PEM files of authorities to trust (default: ca.pem of fim tlcp certs, if it was run)';

/** Options of the verbs that look whether the other side's certificates were revoked. */
function withRevocation(command: Command): Command {
  return command
    .option('--crl <files...>', 'revocation lists, PEM or DER; every certificate then needs one, or an answer')
    .option('--ocsp [url]', 'ask the responder at http://…, or the ones that certificates name')
    .option('--ocsp-digest <name>', 'how a question names its certificate: sha1, sha256 or sm3', 'sha1')
    .option('--revocation-fallback <policy>', 'where nothing says: refuse, accept or last-good', 'refuse');
}

/** `fim tlcp …`: national TLS from the command line. */
export function tlcpCommand(finish: (status: number) => void): Command {
  const tlcp = new Command('tlcp')
    .description('National TLS (TLCP, GB/T 38636): ask, probe, serve, make certificates.')
    .addHelpText('after', HELP)
    .exitOverride();
  withRevocation(
    tlcp
      .command('get')
      .description('Ask a server over national TLS and write the body of its answer to standard output.')
      .argument('<url>', 'https://HOST[:PORT]/PATH')
      .option('--cert <files...>', CERT_HELP)
      .option('--ca <files...>', CA_HELP)
      .option('--insecure', "go on whatever the server's certificates are, and say what is wrong with them")
      .option('--suite <name...>', 'allow these suites only, the preferred first: ECDHE_SM4_CBC_SM3 and so on')
      .option('--framed-share', 'send the ECDHE share with its length in front, as the text of the standard has it')
      .option('--sign-messages', 'sign the messages themselves in CertificateVerify, as GmSSL 3 wants it')
      .option(
        '--sign-certificate-only',
        'send the certificate for signatures alone with the ECC suites, as GmSSL 3.3 wants it',
      )
      .option('--no-authorities', 'send no certificates of authorities')
      .option(
        '--exchange-bytes <n>',
        'bytes of the pre-master secret that the key exchange of ECDHE gives (default: 48)',
      )
      .option('--exchange-id <text>', 'user id of both sides in that exchange (default: 1234567812345678)')
      .option('--method <name>', 'method (default: GET, with --data POST)')
      .option('--header <line...>', 'headers to send, as "name: value"')
      .option('--data <text>', 'body to send; @FILE takes it from a file')
      .option('--repeat <n>', 'ask so often over one connection, and write the statuses alone')
      .option('--include', 'write status and headers before the body')
      .option('--verbose', 'say on standard error what was agreed on'),
  ).action(async (url: string, flags: GetFlags) => finish(await (await import('./tlcp-get.ts')).get(url, flags)));
  withRevocation(
    tlcp
      .command('probe')
      .description(
        'Show what a server offers: suites, certificates and whether they are in order, client certificates, resumption. Exit status 1: no suite, or certificates that are not in order.',
      )
      .argument('<host:port>', 'the server')
      .option('--cert <files...>', `${CERT_HELP}: the ECDHE suites want them`)
      .option('--ca <files...>', CA_HELP)
      .option('--name <host>', 'name to ask for and to check (default: the host)')
      .option('--json', 'print one JSON object'),
  ).action(async (target: string, flags: ProbeFlags) =>
    finish(await (await import('./tlcp-probe.ts')).probe(target, flags)),
  );
  withRevocation(
    tlcp
      .command('serve')
      .description('Answer over national TLS, on loopback, with what was agreed on: to try clients against.')
      .option('--listen <host:port>', 'loopback only; port 0 takes a free one', '127.0.0.1:8443')
      .option('--cert <files...>', `${CERT_HELP} (default: server.pem of fim tlcp certs)`)
      .option('--ca <files...>', CA_HELP)
      .option(
        '--client-auth <policy>',
        'none, optional or required; the ECDHE suites always want certificates',
        'optional',
      )
      .option('--json', 'print one JSON object for each connection'),
  ).action(async (flags: ServeFlags) => finish(await (await import('./tlcp-serve.ts')).serve(flags)));
  tlcp
    .command('certs')
    .description(
      'Make a development authority with the pairs of a server and a client, or signing requests for an authority.',
    )
    .option('--out <dir>', 'folder, made if absent (default: $XDG_DATA_HOME/fim/tlcp)')
    .option('--host <names...>', 'DNS names and IPv4 addresses of the server (default: localhost 127.0.0.1)')
    .option('--days <n>', 'how long they are valid', '365')
    .option(
      '--requests <subject>',
      'make keys and two signing requests (PKCS#10) for this subject, as "C=CN, O=Bank, CN=gateway"',
    )
    .action(async (flags: CertsFlags) => finish(await (await import('./tlcp-certs.ts')).certs(flags)));
  return tlcp;
}
