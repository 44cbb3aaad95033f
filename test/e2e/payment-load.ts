// Clients that pay through a proxy, and the ledgers of the places where their payments arrive.
import { Agent, request } from 'node:http';
import { setTimeout as pause } from 'node:timers/promises';
import { FaultProxy } from './fault-proxy.ts';
import { RecordingUpstream } from './recording-upstream.ts';

/** How a client says whether its request may be repeated. */
export type Kind = 'Query' | 'Keyed' | 'Bare';
const KINDS: readonly Kind[] = ['Query', 'Keyed', 'Bare'];
const CLIENTS = 12;
const PAYMENT = 'x-payment';
const CLIENT_TIMEOUT_MS = 90_000;

/** A place that payments may go to, behind a proxy that does it harm. */
export class Ledger {
  readonly name: string;
  readonly upstream: RecordingUpstream;
  readonly door: FaultProxy;

  private constructor(name: string, upstream: RecordingUpstream, door: FaultProxy) {
    this.name = name;
    this.upstream = upstream;
    this.door = door;
  }

  /** Opens one whose answers take a little, so that some are under way whatever happens when. */
  static async open(name: string): Promise<Ledger> {
    const upstream = await RecordingUpstream.start();
    const ledger = new Ledger(name, upstream, await FaultProxy.before(upstream.url));
    ledger.answerWith(200);
    return ledger;
  }

  answerWith(status: number): void {
    this.upstream.answer = ({ path }, response) => {
      const late = path === '/health' ? 0 : 5;
      setTimeout(() => response.writeHead(status, { 'x-place': this.name }).end('{}'), late);
    };
  }

  /** How often a payment arrived. */
  count(payment: string): number {
    return this.upstream.arrived.filter(({ headers }) => headers[PAYMENT] === payment).length;
  }

  async close(): Promise<void> {
    await this.door.kill();
    await this.upstream.stop();
  }
}

/** Outcome of a payment. `status` 0: the connection broke. */
export interface Paid {
  payment: string;
  kind: Kind;
  status: number;
  code: string;
  place: string;
  /** Milliseconds of the clock of this process when it was sent, and how long it took. */
  sentMs: number;
  tookMs: number;
}

/** Several clients at once. `perSecond`: requests of all of them together; 0: each sends when its last one was answered. */
export class PaymentLoad {
  readonly paid: Paid[] = [];
  private going = true;
  private sent = 0;
  private readonly agent = new Agent({ keepAlive: true, maxSockets: 2048 });
  private readonly clients: Promise<unknown>;

  private readonly url: string;
  private readonly perSecond: number;
  private readonly bareHeaders: Record<string, string>;

  /** `bareHeaders`: of requests that bear no key. */
  constructor(url: string, perSecond: number, bareHeaders: Record<string, string> = {}) {
    this.url = url;
    this.perSecond = perSecond;
    this.bareHeaders = bareHeaders;
    this.clients = perSecond > 0 ? this.inTime() : Promise.all(Array.from({ length: CLIENTS }, () => this.oneByOne()));
  }

  /** Waits until so many more payments were answered that began from now on. */
  async answered(count: number): Promise<void> {
    const from = performance.now();
    const until = Date.now() + CLIENT_TIMEOUT_MS;
    while (this.paid.filter(({ sentMs }) => sentMs >= from).length < count) {
      if (Date.now() > until) throw new Error(`${count} payments were not answered`);
      await pause(10);
    }
  }

  /** Ends when the last payment under way was answered. */
  async stop(): Promise<Paid[]> {
    this.going = false;
    await this.clients;
    this.agent.destroy();
    return this.paid;
  }

  private async oneByOne(): Promise<void> {
    while (this.going) await this.pay();
  }

  private async inTime(): Promise<void> {
    const begun = performance.now();
    const all: Promise<void>[] = [];
    while (this.going) {
      const due = ((performance.now() - begun) / 1000) * this.perSecond;
      while (all.length < due) all.push(this.pay());
      await pause(1);
    }
    await Promise.all(all);
  }

  private async pay(): Promise<void> {
    const number = this.sent++;
    const kind = KINDS[number % KINDS.length]!;
    const payment = `p-${number}`;
    const sentMs = performance.now();
    const answer = await this.send(kind, payment);
    this.paid.push({ payment, kind, ...answer, sentMs, tookMs: performance.now() - sentMs });
  }

  private send(kind: Kind, payment: string): Promise<Pick<Paid, 'status' | 'code' | 'place'>> {
    const headers = {
      [PAYMENT]: payment,
      ...(kind === 'Keyed' ? { 'idempotency-key': payment } : {}),
      ...(kind === 'Bare' ? this.bareHeaders : {}),
    };
    return new Promise((done) => {
      const broken = (): void => done({ status: 0, code: '', place: '' });
      const sent = request(this.url, {
        method: kind === 'Query' ? 'GET' : 'POST',
        agent: this.agent,
        timeout: CLIENT_TIMEOUT_MS,
        headers,
      })
        .on('error', broken)
        .on('timeout', () => sent.destroy())
        .on('response', (answer) => {
          let text = '';
          answer
            .on('data', (piece) => (text += String(piece)))
            .on('error', broken)
            .on('end', () =>
              done({
                status: answer.statusCode!,
                code: /FIM-\w+-\d+/.exec(text)?.[0] ?? '',
                place: String(answer.headers['x-place'] ?? ''),
              }),
            );
        });
      sent.end(kind === 'Query' ? undefined : '{}');
    });
  }
}
