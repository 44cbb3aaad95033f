import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { createServer as createHttpServer } from 'node:http';
import { createServer, type Socket } from 'node:net';
import { join } from 'node:path';
import { randomBytes } from 'node:crypto';
import { assertFree, formatAddress, isLoopback, parseAddress } from '../../envoy/standalone/address.ts';
import { CodedError, messageOf } from '../../envoy/standalone/coded-error.ts';
import { readFiles, readTrust, tlcpFolder } from './tlcp-files.ts';
import { TlcpModule } from './tlcp-module.ts';
import { readRevocation, responderOf, type RevocationFlags } from './tlcp-revocation.ts';
import { TlcpSocket } from './tlcp-socket.ts';

export interface ServeFlags extends RevocationFlags {
  listen: string;
  cert?: string[];
  ca?: string[];
  clientAuth: string;
  json?: boolean;
}

const POLICIES = ['none', 'optional', 'required'] as const;
const TICKET_KEY_BYTES = 32;
const SIGNALS = ['SIGINT', 'SIGTERM'] as const;

/** Parameters agreed with a client. */
function agreed({ connection }: TlcpSocket): object {
  return {
    suite: connection.suite,
    resumed: connection.isResumed,
    clientCertificate: connection.hasPeer,
    serverName: connection.serverName,
    protocol: connection.protocol,
  };
}

/**
 * `fim tlcp serve`, until a signal comes. Errors: FIM-UP-0008, FIM-UP-0020, FIM-CFG-1001, FIM-TLCP-0002.
 */
export async function serve(flags: ServeFlags): Promise<number> {
  const address = parseAddress(flags.listen, '--listen');
  const clientAuth = POLICIES.find((policy) => policy === flags.clientAuth);
  if (!clientAuth)
    throw new CodedError('FIM-UP-0020', `--client-auth ${flags.clientAuth} is not one of ${POLICIES.join(', ')}`);
  if (!isLoopback(address.host)) throw new CodedError('FIM-UP-0020', '--listen: this server is for loopback only');
  const own = join(tlcpFolder(), 'server.pem');
  if (!flags.cert && !existsSync(own))
    throw new CodedError('FIM-UP-0020', 'no certificates: name them by --cert, or run fim tlcp certs first');
  const identity = readFiles(flags.cert ?? [own]);
  const trust = readTrust(flags.ca);
  await assertFree(address);
  const module = await TlcpModule.load();
  const settings = module.settings({
    identity,
    ...(trust === undefined ? {} : { trust }),
    clientAuth,
    protocols: ['http/1.1'],
    tickets: randomBytes(TICKET_KEY_BYTES),
    ...readRevocation(flags),
  });
  const http = createHttpServer((_, response) => {
    const socket = response.socket as unknown as TlcpSocket;
    response.setHeader('content-type', 'application/json');
    response.end(`${JSON.stringify(agreed(socket))}\n`);
  });
  const server = createServer((raw) => accept(raw, module, settings, http, flags));
  server.listen(address.port, address.host);
  await once(server, 'listening');
  const bound = server.address() as { port: number };
  const listen = formatAddress({ host: address.host, port: bound.port });
  process.stdout.write(flags.json ? `${JSON.stringify({ event: 'ready', listen })}\n` : `national TLS on ${listen}\n`);
  await Promise.race(SIGNALS.map((signal) => once(process, signal)));
  server.close();
  return 0;
}

function accept(
  raw: Socket,
  module: TlcpModule,
  settings: number,
  http: ReturnType<typeof createHttpServer>,
  flags: ServeFlags,
): void {
  const socket = new TlcpSocket(raw, module.connection('server', settings), responderOf(flags));
  const tell = (event: string, detail: object): void => {
    const line = flags.json ? JSON.stringify({ event, ...detail }) : `${event} ${JSON.stringify(detail)}`;
    process.stdout.write(`${line}\n`);
  };
  socket.once('secure', () => {
    tell('accepted', agreed(socket));
    http.emit('connection', socket);
  });
  socket.on('error', (error) => tell('failed', { error: messageOf(error) }));
  socket.once('close', () => socket.connection.drop());
}
