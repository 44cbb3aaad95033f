// Requests at a rate, each at its time.
import { Agent, request } from 'node:http';

const CLIENT_TIMEOUT_MS = 5000;

export interface Answered {
  /** 0: no answer within the client's patience, or a broken connection. */
  status: number;
  tookMs: number;
}

/** Sends `rate` requests a second for some seconds, and waits for all answers. */
export async function offer(port: number, rate: number, seconds: number): Promise<Answered[]> {
  const agent = new Agent({ keepAlive: true, maxSockets: Number.POSITIVE_INFINITY });
  const asked: Promise<Answered>[] = [];
  const begun = performance.now();
  const total = Math.round(rate * seconds);
  await new Promise<void>((done) => {
    const timer = setInterval(() => {
      const due = Math.min(total, Math.floor(((performance.now() - begun) * rate) / 1000));
      while (asked.length < due) asked.push(ask(agent, port));
      if (asked.length < total) return;
      clearInterval(timer);
      done();
    }, 1);
  });
  const answers = await Promise.all(asked);
  agent.destroy();
  return answers;
}

function ask(agent: Agent, port: number): Promise<Answered> {
  const sentMs = performance.now();
  return new Promise((done) => {
    const end = (status: number): void => done({ status, tookMs: performance.now() - sentMs });
    const asked = request(
      { agent, host: '127.0.0.1', port, path: '/', signal: AbortSignal.timeout(CLIENT_TIMEOUT_MS) },
      (response) => {
        response.resume();
        response.on('end', () => end(response.statusCode ?? 0));
        response.on('error', () => end(0));
      },
    );
    asked.on('error', () => end(0));
    asked.end();
  });
}
