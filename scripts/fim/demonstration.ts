import type { StackEvent } from '../../envoy/standalone/events.ts';
import { styled } from './terminal.ts';

type Ready = Extract<StackEvent, { event: 'ready' }>;

const POST = `-H 'content-type: application/json' -d`;

/** Example requests for the samples, with their effects. */
export function demonstration({ listen, upstream, kms }: Ready): string {
  const proxy = `http://${listen}`;
  const steps: [title: string, commands: string[]][] = [
    [
      'Accepted: validated and encrypted. What the upstream saw is ciphertext; the last line opens it',
      [
        `curl -si ${proxy}/fund/redemption ${POST} '{"transCode":"01200101","amount":"100.00"}'`,
        `curl -s ${upstream}/_seen/body; echo`,
        `curl -s ${upstream}/_seen/body | node scripts/fim.mjs decrypt --kms ${kms}; echo`,
      ],
    ],
    [
      'Rejected: 422 with the path of the field and a code, and nothing sent upstream',
      [`curl -si ${proxy}/fund/redemption ${POST} '{"transCode":"99","amount":"100.00"}'; echo`],
    ],
    [
      'Masked: the upstream answers with card and identity numbers (first line), the client does not get them',
      [`curl -s ${upstream}/card/query`, `curl -s ${proxy}/card/query -H 'x-client-id: teller-7'`],
    ],
    [
      'Limited: 10 requests a second for each client after a burst of 20, then 429',
      [`curl -so /dev/null -w '%{http_code} ' -H 'x-client-id: teller-9' '${proxy}/card/query?n=[1-40]'; echo`],
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
