// Messages through one machine of the module, on the Node host. What became of a message is read from the module's own
// audit record of it, so nothing is guessed from replies.
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { createVm, exchange, type LoadedModule, type Received, type RootContext, type Vm } from '../host/index.ts';
import type { ExchangeResponse, ExchangeResult, HttpCall, HttpCallOutcome, PropertyValue } from '../host/index.ts';
import { AUDIT_CLUSTER, changedConfig, LANE_HEADER, type PluginConfig } from '../route/index.ts';
import { CodedError } from '../standalone/coded-error.ts';
import type { CaseClient, CaseRequest, CaseResponse, Step } from './case-file.gen.ts';
import type { Seen, SeenMessage } from './compare.ts';
import { partnerConfig, type Side } from './partner.ts';
import type { TestKeys } from './test-keys.ts';

/** Header by which records find their messages. The upstream does not get it. */
const STEP_HEADER = 'x-fim-test-step';
/** Time between two ticks, milliseconds: one sees the records, the next one sends them. */
const TOLD_MS = 100;
const JSON_TYPE = 'application/json';

/** Members of a record of the module; see services/audit/record.schema.json. */
interface AuditLine {
  txn_id?: string;
  route?: string;
  verdict?: string;
  code?: string;
  observed?: string[];
}

/** The configuration with a record of each message, which leaves no other trace. */
function recorded(config: PluginConfig): PluginConfig {
  const routes = config.routes.map((route) => ({
    ...route,
    stages: {
      ...route.stages,
      audit: { cluster: AUDIT_CLUSTER, path: '/', digests: false, times: false, transactionHeader: STEP_HEADER },
    },
  }));
  return changedConfig(config, { routes });
}

/** Terms of a rehearsal. */
export interface RehearsalTerms {
  config: PluginConfig;
  keys: TestKeys;
  /** Where bodies in files are. */
  folder: string;
}

/** A machine with one policy, as a new proxy has it. */
export class Rehearsal {
  readonly vm: Vm;
  private readonly module: LoadedModule;
  private readonly config: PluginConfig;
  private readonly keys: TestKeys;
  private readonly folder: string;
  private readonly root: RootContext;
  private readonly lines: AuditLine[] = [];
  private readonly partners: Partial<Record<Side, RootContext | null>> = {};
  private seenSoFar: Omit<Seen, 'verdict'>[] = [];

  /** Error: FIM-UP-0080 if the module refuses the policy. */
  constructor(module: LoadedModule, { config, keys, folder }: RehearsalTerms) {
    this.module = module;
    this.config = config;
    this.keys = keys;
    this.folder = folder;
    this.vm = createVm(module, {
      httpCall: (call) => (call.cluster === AUDIT_CLUSTER ? collect(call, this.lines) : keys.call(call)),
    });
    this.root = started(this.vm, recorded(config));
  }

  /** Sends a message to its end. Error: FIM-UP-0080 where its body cannot be read. */
  send({ request = {}, response = {}, from = {} }: Step): void {
    const sent = this.sent(request);
    const number = String(this.seenSoFar.length);
    const result = exchange(this.root, {
      request: { ...sent, headers: [...sent.headers, [STEP_HEADER, number]] },
      upstream: (got) => this.answer(response, got),
      properties: propertiesOf(from),
    });
    this.seenSoFar.push(this.seen(sent, result));
  }

  /** Facts seen of each message since the last call, in order. Takes 200 ms of the machine's time. */
  verdicts(): Seen[] {
    for (let turn = 0; turn < 2; turn++) {
      this.vm.clock.advance(TOLD_MS);
      this.root.tick();
    }
    this.vm.clock.advance(0);
    const lines = new Map(this.lines.splice(0).map((line) => [line.txn_id ?? '', line]));
    const seen = this.seenSoFar.map((one, number) => ({ ...one, ...verdictOf(lines.get(String(number)), one) }));
    this.seenSoFar = [];
    return seen;
  }

  private partner(side: Side): RootContext | null {
    const known = this.partners[side];
    if (known !== undefined) return known;
    const config = partnerConfig(this.config, side);
    const { clock } = this.vm;
    const root = config === null ? null : started(createVm(this.module, { httpCall: this.keys.call, clock }), config);
    this.partners[side] = root;
    return root;
  }

  private sent({ method, path, host, headers = {}, protect, ...body }: CaseRequest): Sent {
    const bytes = this.bytesOf(body);
    const typed = typedHeaders(headers, body.json !== undefined);
    const plain: Sent = {
      method: method ?? (bytes === undefined ? 'GET' : 'POST'),
      path: path ?? '/',
      authority: host ?? 'fim.test',
      headers: typed,
      ...(bytes === undefined ? {} : { body: bytes }),
    };
    const partner = protect === true ? this.partner('client') : null;
    if (partner === null) return plain;
    const { upstream, client } = exchange(partner, { request: plain });
    if (upstream.headers === null) throw new CodedError('FIM-UP-0080', `protect: ${client.body.toString()}`);
    return { ...plain, headers: ownHeaders(upstream), body: upstream.body };
  }

  private answer(
    { status, headers = {}, echo, fault, ...body }: CaseResponse,
    got: Received,
  ): ExchangeResponse | 'reset' | 'silent' {
    if (fault !== undefined) return fault === 'Reset' ? 'reset' : 'silent';
    const type = got.headers?.get('content-type');
    const bytes = echo === true ? got.body : this.bytesOf(body);
    const own = echo === true && type !== undefined ? { 'content-type': type, ...headers } : headers;
    return {
      status: status ?? 200,
      headers: typedHeaders(own, body.json !== undefined),
      ...(bytes === undefined ? {} : { body: bytes }),
    };
  }

  private bytesOf({ json, text, hex, file }: Pick<CaseRequest, 'json' | 'text' | 'hex' | 'file'>): Buffer | undefined {
    if (json !== undefined) return Buffer.from(JSON.stringify(json));
    if (text !== undefined) return Buffer.from(text);
    if (hex !== undefined) return Buffer.from(hex.replaceAll(/\s/g, ''), 'hex');
    if (file === undefined) return undefined;
    try {
      return readFileSync(join(this.folder, file));
    } catch (error) {
      throw new CodedError('FIM-UP-0080', `${file}: ${(error as NodeJS.ErrnoException).code}`);
    }
  }

  /** Both sides of an exchange, opened by their partners. */
  private seen(sent: Sent, { client, upstream, ended, details }: ExchangeResult): Omit<Seen, 'verdict'> {
    const lane = upstream.headers?.get(LANE_HEADER);
    const gone = upstream.headers;
    const got: SeenMessage | null =
      gone === null
        ? null
        : { ...plainMessage(upstream), method: gone.get(':method') ?? '', path: gone.get(':path') ?? '' };
    const answer = plainMessage(client);
    return {
      ended,
      details,
      status: client.status,
      client: this.opened(
        'client',
        client.status < 400,
        answer,
        (root) =>
          exchange(root, {
            request: sent,
            upstream: () => ({ status: client.status, headers: answer.headers, body: answer.body }),
          }).client,
      ),
      upstream:
        got === null
          ? null
          : this.opened(
              'upstream',
              true,
              got,
              (root) =>
                exchange(root, {
                  request: {
                    method: got.method!,
                    path: got.path!,
                    authority: sent.authority,
                    headers: got.headers,
                    body: got.body,
                  },
                }).upstream,
            ),
      ...(lane === undefined ? {} : { lane }),
    };
  }

  private opened(side: Side, maybe: boolean, message: SeenMessage, open: (root: RootContext) => Received): SeenMessage {
    const partner = maybe ? this.partner(side) : null;
    if (partner === null) return message;
    const { headers, body } = open(partner);
    if (headers === null || Number(headers.get(':status') ?? 200) >= 400)
      return { ...message, unopened: body.toString() };
    return { ...message, headers: ownHeaders({ headers }), body, isProtected: !body.equals(message.body) };
  }
}

interface Sent {
  method: string;
  path: string;
  authority: string;
  headers: [string, string][];
  body?: Buffer;
}

function started(vm: Vm, config: PluginConfig): RootContext {
  const { accepted, root, logs } = vm.configureUntried(JSON.stringify(config));
  if (!accepted) throw new CodedError('FIM-UP-0080', `the module refuses the policy: ${logs.at(-1)?.message ?? ''}`);
  return root;
}

/** The collector of the cases. */
function collect({ body }: HttpCall, into: AuditLine[]): HttpCallOutcome {
  let last = 0;
  for (const text of body.toString().split('\n')) {
    if (text === '') continue;
    const line = JSON.parse(text) as AuditLine & { seq: number };
    into.push(line);
    last = line.seq;
  }
  return { status: 200, headers: { 'content-type': JSON_TYPE }, body: JSON.stringify({ acknowledged: last }) };
}

function verdictOf(
  line: AuditLine | undefined,
  { status, client }: Omit<Seen, 'verdict'>,
): Pick<Seen, 'verdict'> & Partial<Seen> {
  if (line !== undefined)
    return {
      verdict: line.verdict ?? 'Aborted',
      ...(line.route === undefined ? {} : { route: line.route }),
      ...(line.code === undefined ? {} : { code: line.code }),
      observed: line.observed ?? [],
    };
  // A request that is refused before a route took it leaves no record.
  const refused =
    status >= 400 &&
    client.headers.some(([name, value]) => name === 'content-type' && value === 'application/problem+json');
  if (!refused) return { verdict: 'Untouched', observed: [] };
  return {
    verdict: 'Refused',
    observed: [],
    code: (JSON.parse(client.body.toString()) as { code?: string }).code ?? '',
  };
}

function plainMessage(message: Received): SeenMessage {
  return { headers: ownHeaders(message), body: message.body };
}

/** Headers of a message without those of HTTP/2's form and the test's own. */
function ownHeaders({ headers }: Pick<Received, 'headers'>): [string, string][] {
  return (headers?.entries ?? []).filter(
    ([name]) => !name.startsWith(':') && name !== STEP_HEADER && name !== 'content-length',
  );
}

function typedHeaders(headers: Readonly<Record<string, string>>, isJson: boolean): [string, string][] {
  const list = Object.entries(headers).map(([name, value]): [string, string] => [name.toLowerCase(), value]);
  const typed = list.some(([name]) => name === 'content-type');
  return isJson && !typed ? [...list, ['content-type', JSON_TYPE]] : list;
}

function propertiesOf({ address, claims, certificate }: CaseClient): Record<string, PropertyValue> {
  const found: Record<string, PropertyValue> = {};
  if (address !== undefined)
    found['source.address'] = address.includes(':') ? `[${address}]:40000` : `${address}:40000`;
  for (const [name, value] of Object.entries(claims ?? {}))
    found[`metadata.filter_metadata.envoy.filters.http.jwt_authn.payload.${name}`] = value;
  if (certificate !== undefined) {
    const { subject, fingerprint } = certificate;
    found['connection.mtls'] = true;
    found['connection.subject_peer_certificate'] = subject;
    found['connection.sha256_peer_certificate_digest'] =
      fingerprint ?? createHash('sha256').update(subject).digest('hex');
  }
  return found;
}
