// A client of HTTP/1.1 in clear that asks like the one of national TLS.
import { once } from 'node:events';
import { connect, type Socket } from 'node:net';

export class PlainClient {
  private readonly socket: Socket;
  private text = '';
  private wake = (): void => {};

  private constructor(socket: Socket) {
    this.socket = socket;
    socket.setNoDelay(true).on('data', (data: Buffer) => {
      this.text += data.toString('latin1');
      this.wake();
    });
  }

  static async open(port: number): Promise<PlainClient> {
    const socket = connect({ host: '127.0.0.1', port });
    await once(socket, 'connect');
    return new PlainClient(socket);
  }

  /** One request and the whole of its chunked answer. */
  async ask(request: string): Promise<{ status: number }> {
    this.text = '';
    const whole = new Promise<void>((done) => {
      this.wake = () => {
        if (this.text.endsWith('0\r\n\r\n')) done();
      };
    });
    this.socket.write(request);
    await whole;
    return { status: Number(this.text.split(' ')[1]) };
  }

  destroy(): void {
    this.socket.destroy();
  }
}
