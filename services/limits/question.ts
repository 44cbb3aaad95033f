// Envoy's questions: descriptors as FIM's headers make them.
import { MAX_DESCRIPTORS, MAX_FILL_US, MAX_LIMIT_ID_CHARACTERS, MAX_PERIOD_MS, MAX_REQUESTS } from '../limits.ts';

/** Units of the store's time in one microsecond. */
export const UNITS = 16;
/** Parts of a period that a sliding window counts, besides the one in which the period began. */
export const PARTS = 15;

/** The numbers of a limit. Times in UNITS of a microsecond, whole numbers. */
export type Terms =
  | { algorithm: 'TokenBucket'; requests: number; periodMs: number; interval: number; capacity: number }
  | { algorithm: 'SlidingWindow'; requests: number; periodMs: number; part: number };

export interface Question {
  /** Name of the limit: `namespace/route/limit`. */
  limit: string;
  terms: Terms;
  /** Name of its bucket in the store. */
  bucket: string;
  /** Tokens, 1 and up. */
  cost: number;
}

/** A descriptor, as the protocol's library reads it. */
export interface Descriptor {
  entries?: { key?: string; value?: string }[];
  hits_addend?: { value?: string | number } | null;
}

/** The question is none that FIM asks. Holds no value of it. */
export class UnknownQuestion extends Error {}

const TERMS = /^(TokenBucket|SlidingWindow);q=(\d{1,10});p=(\d{1,8})(?:;b=(\d{1,10}))?$/;
const KEY = /^[0-9a-f]{32}$/;

/** Reads the descriptors of one request. Throws UnknownQuestion. */
export function readQuestions(domain: string, descriptors: readonly Descriptor[], hitsAddend: number): Question[] {
  if (descriptors.length === 0 || descriptors.length > MAX_DESCRIPTORS)
    throw new UnknownQuestion(`1 to ${MAX_DESCRIPTORS} descriptors`);
  const questions = descriptors.map((descriptor) => readQuestion(domain, descriptor, hitsAddend));
  if (new Set(questions.map(({ bucket }) => bucket)).size !== questions.length)
    throw new UnknownQuestion('one bucket twice');
  return questions;
}

function readQuestion(domain: string, { entries = [], hits_addend }: Descriptor, hitsAddend: number): Question {
  const [limit, terms, key] = entries;
  if (entries.length !== 3 || limit?.key !== 'fim_limit' || terms?.key !== 'fim_terms' || key?.key !== 'fim_key')
    throw new UnknownQuestion('a descriptor is fim_limit, fim_terms, fim_key');
  if (!limit.value || limit.value.length > MAX_LIMIT_ID_CHARACTERS || !KEY.test(key.value ?? ''))
    throw new UnknownQuestion('fim_limit is a name, fim_key 32 hexadecimal digits');
  const cost = Number(hits_addend?.value ?? 0) || hitsAddend || 1;
  if (!Number.isSafeInteger(cost) || cost < 1 || cost > MAX_REQUESTS)
    throw new UnknownQuestion(`hits_addend is from 1 to ${MAX_REQUESTS}`);
  return {
    limit: limit.value,
    terms: readTerms(terms.value ?? ''),
    bucket: `${domain}:${limit.value}:${key.value}`,
    cost,
  };
}

/** Reads `TokenBucket;q=100;p=60000;b=20`. Throws UnknownQuestion. */
export function readTerms(text: string): Terms {
  const [, algorithm, q, p, b] = TERMS.exec(text) ?? [];
  const requests = Number(q);
  const periodMs = Number(p);
  const burst = Number(b ?? q);
  if (algorithm === undefined || periodMs < 1 || periodMs > MAX_PERIOD_MS || Math.max(requests, burst) > MAX_REQUESTS)
    throw new UnknownQuestion('fim_terms are of no limit');
  const units = periodMs * 1000 * UNITS;
  if (algorithm === 'SlidingWindow') return { algorithm, requests, periodMs, part: Math.ceil(units / PARTS) };
  // Rounded up, so that no more than the written rate comes back.
  const interval = requests === 0 ? 0 : Math.ceil(units / requests);
  const capacity = interval * burst;
  if (capacity > MAX_FILL_US * UNITS) throw new UnknownQuestion('the bucket would take years to fill');
  return { algorithm: 'TokenBucket', requests, periodMs, interval, capacity };
}

/** Name of a limit without its route's. */
export function shortName(limit: string): string {
  return limit.slice(limit.lastIndexOf('/') + 1);
}
