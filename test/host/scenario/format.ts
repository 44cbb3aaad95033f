// The scenario format: what a file may say. README.md beside the scenarios describes it; unknown words are errors, so
// that a slip cannot make a test empty.
import { readFileSync } from 'node:fs';
import { parse } from 'yaml';

/** A body: text, JSON, bytes in hex, or a text repeated; at most one of them. */
export interface Body {
  text?: string;
  json?: unknown;
  hex?: string;
  repeat?: { text: string; times: number };
}

export interface Message extends Body {
  headers?: Record<string, string | string[]>;
  trailers?: Record<string, string>;
  chunks?: number[] | 'bytes' | 'every-split';
  contentLength?: boolean;
  /** The body is sent compressed; `content-encoding` is for the scenario to say. */
  gzip?: boolean;
}

export interface Request extends Message {
  method?: string;
  path?: string;
  authority?: string;
  abortAfterBytes?: number;
  open?: boolean;
}

export interface Response extends Message {
  status?: number;
  /** The request's body comes back. */
  echo?: boolean;
  open?: boolean;
  onHeaders?: boolean;
}

/** null: absent. `/…/`: a pattern. Else the exact text. */
export type HeaderExpectation = Record<string, string | null>;

export interface MessageExpectation {
  text?: string;
  json?: unknown;
  hex?: string;
  bytes?: number;
  headers?: HeaderExpectation;
  trailers?: HeaderExpectation;
  /** The body is a fim-json envelope of this key; what it holds. */
  opens?: { key: string; version?: number; context?: string } & Body;
}

export interface Expectation {
  status?: number;
  code?: string;
  /** JSON Pointers of `errors` in the problem document, in order. */
  paths?: string[];
  codes?: string[];
  client?: MessageExpectation;
  upstream?: 'nothing' | MessageExpectation;
  /** Envoy's response code details. */
  details?: string;
  /** Virtual milliseconds that the exchange takes: [least, most]. */
  tookMs?: [number, number];
  kmsCalls?: number;
  metrics?: Record<string, number>;
  /** The stream is still open when nothing more can happen. */
  open?: boolean;
  /** Whether the client disconnected, so that nothing is expected on its side. */
  aborted?: boolean;
}

export type KmsMood =
  'refused' | 'reset' | 'silent' | 'no-host' | 'unknown-cluster' | { status: number; text?: string };

export interface Kms {
  /** Key path → version → 16 bytes in hex. The highest version is the newest. */
  keys?: Record<string, Record<string, string>>;
  mood?: KmsMood | 'fine';
  afterMs?: number;
}

export interface Step {
  about?: string;
  request?: Request;
  response?: Response | 'reset' | 'silent';
  expect?: Expectation;
  /** The exchange is made so often, with the same expectation. */
  times?: number;
  worker?: number;
  properties?: Record<string, string>;
  bufferLimitBytes?: number;
  /** Exchanges that overlap: all requests are sent, then time passes. */
  together?: Step[];
  advanceMs?: number;
  kms?: Kms;
  configure?: Configure;
}

/** Policy of the modules: a plugin configuration, or resources (FinancialRoute objects or files) to translate. */
export interface Policy {
  config?: PluginConfiguration;
  resources?: (string | object)[];
}

/** A new policy. The old one drains. With `refused` nothing changes. */
export interface Configure extends Policy {
  refused?: { code: string; path: string };
}

export interface PluginConfiguration {
  version?: unknown;
  routes?: { stages?: Record<string, unknown>; [key: string]: unknown }[];
  [key: string]: unknown;
}

export interface Scenario extends Policy {
  about: string;
  /**
   * `fim`, a single-stage module, or `chain`: all four in the order of a filter chain. Default: `fim`, and the
   * single-stage module if only its stage is used.
   */
  modules?: string[];
  workers?: number;
  kms?: Kms;
  /** Texts that no log line and no reply of the plugin may hold, besides the values in bodies and the key material. */
  hidden?: string[];
  steps: Step[];
}

const BODY = ['text', 'json', 'hex', 'repeat'];
const MESSAGE = [...BODY, 'headers', 'trailers', 'chunks', 'contentLength', 'gzip'];
const KEYS = {
  scenario: ['about', 'modules', 'workers', 'config', 'resources', 'kms', 'hidden', 'steps'],
  step: [
    'about',
    'request',
    'response',
    'expect',
    'times',
    'worker',
    'properties',
    'bufferLimitBytes',
    'together',
    'advanceMs',
    'kms',
    'configure',
  ],
  request: [...MESSAGE, 'method', 'path', 'authority', 'abortAfterBytes', 'open'],
  response: [...MESSAGE, 'status', 'echo', 'open', 'onHeaders'],
  expect: [
    'status',
    'code',
    'paths',
    'codes',
    'client',
    'upstream',
    'details',
    'tookMs',
    'kmsCalls',
    'metrics',
    'open',
    'aborted',
  ],
  message: ['text', 'json', 'hex', 'bytes', 'headers', 'trailers', 'opens'],
  opens: [...BODY, 'key', 'version', 'context'],
  kms: ['keys', 'mood', 'afterMs'],
  configure: ['config', 'resources', 'refused'],
};

function only(value: unknown, kind: keyof typeof KEYS, where: string): void {
  if (value === undefined || typeof value === 'string') return;
  if (typeof value !== 'object' || value === null) throw new Error(`${where}: expected a mapping`);
  for (const key of Object.keys(value))
    if (!KEYS[kind].includes(key)) throw new Error(`${where}: unknown word "${key}"`);
}

function checkPolicy(policy: Policy, where: string): void {
  if ((policy.config === undefined) === (policy.resources === undefined))
    throw new Error(`${where}: one of config and resources is needed`);
}

function checkStep(step: Step, where: string): void {
  only(step, 'step', where);
  only(step.request, 'request', `${where}.request`);
  only(step.response, 'response', `${where}.response`);
  only(step.kms, 'kms', `${where}.kms`);
  only(step.configure, 'configure', `${where}.configure`);
  if (step.configure !== undefined) checkPolicy(step.configure, `${where}.configure`);
  if (step.request !== undefined && step.expect === undefined)
    throw new Error(`${where}: a request without an expectation`);
  if (step.request === undefined && step.expect !== undefined)
    throw new Error(`${where}: an expectation without a request`);
  only(step.expect, 'expect', `${where}.expect`);
  only(step.expect?.client, 'message', `${where}.expect.client`);
  only(step.expect?.upstream, 'message', `${where}.expect.upstream`);
  if (typeof step.expect?.upstream === 'object')
    only(step.expect.upstream.opens, 'opens', `${where}.expect.upstream.opens`);
  only(step.expect?.client?.opens, 'opens', `${where}.expect.client.opens`);
  for (const [i, inner] of (step.together ?? []).entries()) checkStep(inner, `${where}.together[${i}]`);
}

/** Reads the scenarios of a file (one a YAML document). Throws where the file says something unknown or nothing. */
export function loadScenarios(path: string): Scenario[] {
  const documents = readFileSync(path, 'utf8')
    .split(/^---$/m)
    .filter((text) => /^\s*[^#\s]/m.test(text));
  return documents.map((text, n) => {
    const scenario = parse(text, { merge: true }) as Scenario;
    const where = `${path}#${n + 1}`;
    only(scenario, 'scenario', where);
    only(scenario.kms, 'kms', `${where}.kms`);
    if (typeof scenario.about !== 'string' || !Array.isArray(scenario.steps) || scenario.steps.length === 0)
      throw new Error(`${where}: about and steps are needed`);
    checkPolicy(scenario, where);
    for (const [i, step] of scenario.steps.entries()) checkStep(step, `${where}.steps[${i}]`);
    return scenario;
  });
}

/** Bytes of a body; undefined if none is given. */
export function bodyBytes(body: Body): Buffer | undefined {
  if (body.text !== undefined) return Buffer.from(body.text);
  if (body.json !== undefined) return Buffer.from(JSON.stringify(body.json));
  if (body.hex !== undefined) return Buffer.from(body.hex.replaceAll(/\s/g, ''), 'hex');
  if (body.repeat !== undefined)
    return Buffer.alloc(body.repeat.times * Buffer.byteLength(body.repeat.text), body.repeat.text);
  return undefined;
}
