import { connect, type Socket } from 'node:net';
import { CodedError } from '../../envoy/standalone/coded-error.ts';
import type { Address } from '../../envoy/standalone/address.ts';
import { formatAddress } from '../../envoy/standalone/address.ts';
import type { TlcpModule } from './tlcp-module.ts';
import { TlcpSocket } from './tlcp-socket.ts';

const CONNECT_MS = 10_000;

/** A TCP connection. Errors: FIM-TLCP-0003. */
export function dial(address: Address): Promise<Socket> {
  return new Promise((done, failed) => {
    const socket = connect({ host: address.host, port: address.port, timeout: CONNECT_MS });
    const fail = (why: string): void => {
      socket.destroy();
      failed(new CodedError('FIM-TLCP-0003', `${formatAddress(address)} (${why})`));
    };
    socket.once('timeout', () => fail('no answer'));
    socket.once('error', (error: NodeJS.ErrnoException) => fail(error.code ?? error.message));
    socket.once('connect', () => {
      socket.setTimeout(0);
      socket.removeAllListeners('error');
      done(socket);
    });
  });
}

/** A client's connection, its handshake still to come. Errors: FIM-TLCP-0003. */
export async function dialTlcp(
  module: TlcpModule,
  settings: number,
  address: Address,
  session = 0,
  responder?: string,
): Promise<TlcpSocket> {
  const socket = await dial(address);
  return new TlcpSocket(socket, module.connection('client', settings, session), responder);
}
