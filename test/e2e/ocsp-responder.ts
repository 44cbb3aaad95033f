// An OCSP responder: OpenSSL answers, over HTTP, from an index that the test writes.
import { execFile } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';

const run = promisify(execFile);
const ID = 'distid:1234567812345678';

/** `bad`: another key signs; `slow`: nothing is said for a long time; `error`: HTTP 500; `cut`: half of the answer. */
export type Mood = 'well' | 'bad' | 'slow' | 'error' | 'cut';

/** Serial numbers as OpenSSL's index has them. */
const hex = (serial: Buffer): string => serial.toString('hex').toUpperCase();

export class OcspResponder {
  mood: Mood = 'well';
  asked = 0;
  private readonly folder = mkdtempSync(join(tmpdir(), 'fim-ocsp-'));
  private readonly server: Server;
  private port = 0;

  /** `issuer`, `stranger`: certificate and key, PEM. */
  constructor(issuer: { pem: string; key: string }, stranger: { key: string; pem: string }) {
    this.save('ca.pem', issuer.pem);
    this.save('ca.key', issuer.key);
    this.save('stranger.pem', stranger.pem);
    this.save('stranger.key', stranger.key);
    this.server = createServer((request, response) => {
      const parts: Buffer[] = [];
      request.on('data', (part: Buffer) => parts.push(part));
      request.on('end', () => {
        this.asked++;
        if (this.mood === 'slow') return;
        if (this.mood === 'error' || request.headers['content-type'] !== 'application/ocsp-request') {
          response.writeHead(500).end();
          return;
        }
        this.answer(Buffer.concat(parts), this.asked).then(
          (said) =>
            response
              .writeHead(200, { 'content-type': 'application/ocsp-response' })
              .end(this.mood === 'cut' ? said.subarray(0, said.length >> 1) : said),
          () => response.writeHead(500).end(),
        );
      });
    });
  }

  get url(): URL {
    return new URL(`http://127.0.0.1:${this.port}/ocsp?of=fim`);
  }

  async start(): Promise<void> {
    await once(this.server.listen(this.port, '127.0.0.1'), 'listening');
    this.port = (this.server.address() as { port: number }).port;
  }

  /** Sets its answers for the serial numbers from now on. */
  know(good: readonly Buffer[], revoked: readonly Buffer[]): void {
    const lines = [
      ...good.map((serial) => `V\t301231235959Z\t\t${hex(serial)}\tunknown\t/CN=${hex(serial)}`),
      ...revoked.map(
        (serial) => `R\t301231235959Z\t261101000000Z,keyCompromise\t${hex(serial)}\tunknown\t/CN=${hex(serial)}`,
      ),
    ];
    this.save('index.txt', `${lines.join('\n')}\n`);
  }

  /** A revocation list of what it knows, PEM, for a week. */
  async list(): Promise<Buffer> {
    this.save(
      'ca.cnf',
      '[ca]\ndefault_ca=d\n[d]\ndatabase=index.txt\ncrlnumber=crlnumber\ndefault_md=sm3\ndefault_crl_days=7\ncrl_extensions=e\n[e]\nauthorityKeyIdentifier=issuer:always\n',
    );
    this.save('crlnumber', '01');
    const how = ['-config', 'ca.cnf', '-gencrl', '-keyfile', 'ca.key', '-cert', 'ca.pem', '-sigopt', ID];
    await run('openssl', ['ca', ...how, '-out', 'crl.pem'], { cwd: this.folder });
    return readFileSync(join(this.folder, 'crl.pem'));
  }

  /** No more answers, to nobody. */
  async die(): Promise<void> {
    this.server.closeAllConnections();
    if (this.server.listening) await new Promise<void>((done) => this.server.close(() => done()));
  }

  async stop(): Promise<void> {
    await this.die();
    rmSync(this.folder, { recursive: true, force: true });
  }

  private save(name: string, content: string | Buffer): void {
    writeFileSync(join(this.folder, name), content);
  }

  private async answer(question: Buffer, number: number): Promise<Buffer> {
    const [asked, said] = [`asked${number}.der`, `said${number}.der`];
    this.save(asked, question);
    const signer = this.mood === 'bad' ? 'stranger' : 'ca';
    const by = ['-index', 'index.txt', '-CA', 'ca.pem', '-rsigner', `${signer}.pem`, '-rkey', `${signer}.key`];
    const how = ['-rmd', 'sm3', '-rsigopt', ID, '-reqin', asked, '-respout', said, '-nmin', '1'];
    await run('openssl', ['ocsp', ...by, ...how], { cwd: this.folder });
    return readFileSync(join(this.folder, said));
  }
}
