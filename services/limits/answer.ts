// The answer to Envoy. The fields are those of draft-ietf-httpapi-ratelimit-headers-10, as FIM writes them.
import type { Question } from './question.ts';
import { shortName } from './question.ts';
import type { Decision } from './store.ts';

const OK = 1;
const OVER_LIMIT = 2;
const US_PER_SECOND = 1_000_000;
const MAX_UINT32 = 4_294_967_295;

export interface Answer {
  overall_code: number;
  statuses: {
    code: number;
    limit_remaining: number;
    duration_until_reset: { seconds: number; nanos: number };
  }[];
  response_headers_to_add: { key: string; value: string }[];
}

/** The tokens taken from all limits, or the refusal of the first that has not enough. */
export function answerOf(questions: readonly Question[], decisions: readonly Decision[]): Answer {
  const refused = decisions.findIndex(({ allowed }) => !allowed);
  return {
    overall_code: refused < 0 ? OK : OVER_LIMIT,
    statuses: decisions.map(({ allowed, remaining, waitUs, moreUs }) => {
      const reset = allowed ? moreUs : waitUs;
      return {
        code: allowed ? OK : OVER_LIMIT,
        limit_remaining: Math.min(remaining, MAX_UINT32),
        duration_until_reset: {
          seconds: Math.floor(reset / US_PER_SECOND),
          nanos: Math.round(reset % US_PER_SECOND) * 1000,
        },
      };
    }),
    response_headers_to_add: refused < 0 ? [] : refusal(questions[refused]!, decisions[refused]!),
  };
}

function refusal({ limit, terms }: Question, { remaining, waitUs }: Decision): Answer['response_headers_to_add'] {
  const name = shortName(limit);
  const seconds = Math.ceil(waitUs / US_PER_SECOND);
  const window = Math.max(Math.ceil(terms.periodMs / 1000), 1);
  return [
    ...(waitUs === 0 ? [] : [{ key: 'retry-after', value: String(seconds) }]),
    { key: 'ratelimit', value: `"${name}";r=${remaining}${waitUs === 0 ? '' : `;t=${seconds}`}` },
    { key: 'ratelimit-policy', value: `"${name}";q=${terms.requests};w=${window}` },
  ];
}
