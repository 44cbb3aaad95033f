import type { StackEvent } from '../../envoy/standalone/events.ts';
import { join } from 'node:path';
import type { TlcpNews } from '../../envoy/standalone/tlcp-plan.ts';
import { styled } from './terminal.ts';

type Ready = Extract<StackEvent, { event: 'ready' }>;

const FIM = 'node scripts/fim.mjs';

/** Notation of a request. */
interface Client {
  /** A request with JSON, its answer with the headers. */
  post: (path: string, body: string) => string;
  get: (path: string, header: string) => string;
  /** Forty requests; their statuses. */
  many: (path: string, header: string) => string;
}

function plainClient(proxy: string): Client {
  return {
    post: (path, body) => `curl -si ${proxy}${path} -H 'content-type: application/json' -d '${body}'`,
    get: (path, header) => `curl -s ${proxy}${path} -H '${header}'`,
    many: (path, header) => `curl -so /dev/null -w '%{http_code} ' -H '${header}' '${proxy}${path}?n=[1-40]'; echo`,
  };
}

function tlcpClient(proxy: string, { developmentFolder }: TlcpNews): Client {
  const get = (path: string): string =>
    `${FIM} tlcp get ${proxy}${path} --cert ${join(developmentFolder ?? 'FOLDER', 'client.pem')}`;
  return {
    post: (path, body) => `${get(path)} --include --header 'content-type: application/json' --data '${body}'`,
    get: (path, header) => `${get(path)} --header '${header}'`,
    many: (path, header) => `${get(path)} --header '${header}' --repeat 40`,
  };
}

/** A line to reach a listener of national TLS by, and what others get. */
export function tlcpLines({ listen }: Ready, news: TlcpNews): string {
  const cert =
    news.developmentFolder === null
      ? '--ca CA.pem --cert CLIENT.pem'
      : `--cert ${join(news.developmentFolder, 'client.pem')}`;
  return ['Reach it by', '', `  ${styled('cyan', `${FIM} tlcp get https://${listen}/ ${cert}`)}`, ''].join('\n');
}

/** Example requests for the samples, with their effects. */
export function demonstration({ listen, upstream, kms }: Ready, tlcp: TlcpNews | null): string {
  const proxy = tlcp ? `https://${listen}` : `http://${listen}`;
  const { post, get, many } = tlcp ? tlcpClient(proxy, tlcp) : plainClient(proxy);
  const steps: [title: string, commands: string[]][] = [
    [
      'Accepted: validated and encrypted. What the upstream saw is ciphertext; the last line opens it',
      [
        post('/fund/redemption', '{"transCode":"01200101","amount":"100.00"}'),
        `curl -s ${upstream}/_seen/body; echo`,
        `curl -s ${upstream}/_seen/body | node scripts/fim.mjs decrypt --kms ${kms}; echo`,
      ],
    ],
    [
      'Rejected: 422 with the path of the field and a code, and nothing sent upstream',
      [`${post('/fund/redemption', '{"transCode":"99","amount":"100.00"}')}; echo`],
    ],
    [
      'Masked: the upstream answers with card and identity numbers (first line), the client does not get them',
      [`curl -s ${upstream}/card/query`, get('/card/query', 'x-client-id: teller-7')],
    ],
    [
      'Limited: 10 requests a second for each client after a burst of 20, then 429',
      [many('/card/query', 'x-client-id: teller-9')],
    ],
  ];
  const lines = ['Paste these into another terminal, in this folder:', ''];
  for (const [index, [title, commands]] of steps.entries()) {
    lines.push(
      `  ${styled('bold', `${index + 1}. ${title}`)}`,
      ...commands.map((command) => `     ${styled('cyan', command)}`),
      '',
    );
  }
  return lines.join('\n');
}
