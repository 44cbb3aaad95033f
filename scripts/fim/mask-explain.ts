// `fim mask explain`: what masking does with a message, and why. The very module runs on the Node host.
import { readFileSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { createVm, exchange, loadModule } from '../../envoy/host/index.ts';
import type { LoadedModule } from '../../envoy/host/index.ts';
import { validateFiles } from '../../envoy/route/index.ts';
import type { FieldMaskerConfig, PluginConfig } from '../../envoy/route/index.ts';
import { MAX_EXPLAINED_BYTES } from '../../envoy/limits.ts';
import { CodedError, messageOf } from '../../envoy/standalone/coded-error.ts';
import { buildModules } from '../build.ts';
import { ROOT } from './project.ts';
import { progress, readStandardInputBytes, styled } from './terminal.ts';
import { tellMistakes } from './transcript.ts';

export interface ExplainFlags {
  route: string;
  name?: string;
  direction: string;
  contentType?: string;
  /** Of a request: path and query. */
  path?: string;
  /** `name: value`, of the message. */
  header?: string[];
  output: string;
  showValues?: boolean;
}

/** A value that is hidden. */
export interface ExplainedFinding {
  /** JSON Pointer; `!` where it goes on inside a text; empty for text beside elements. */
  path: string;
  kind: string;
  /** Place in `spec.masking`. */
  rule: string;
  method: string;
  why: string[];
  /** Null: taken out, or only the key tells. */
  becomes: string | null;
  /** As it is written in the message; only with `--show-values`. */
  value?: string;
}

interface Line {
  path: string;
  rule: string;
  kind: string;
  method: string;
  why: number;
  from?: number;
  to?: number;
  becomes: string | null;
}

/** By bit. */
const WHY = [
  'check character is right',
  'digits of an issuer',
  'division of China',
  'holds a date',
  'label or word near it',
  'form of its kind',
  'written in groups',
];
const KEYED = ['Hash', 'Token', 'FormatPreserving'];
const CONTENT_TYPES: Record<string, string> = {
  XML: 'application/xml',
  Form: 'application/x-www-form-urlencoded',
  CNAPS2: 'text/plain',
  TLV: 'text/plain',
  ISO8583: 'application/octet-stream',
};

type Route = NonNullable<PluginConfig['routes']>[number];

/** The one route of the files, or that of the name. Error: FIM-UP-0014. */
function routeOf(routes: readonly Route[], { name, route }: ExplainFlags): Route {
  const masked = routes.filter((one) => one.stages?.fieldMasker !== undefined);
  const found = name === undefined ? masked : masked.filter((one) => one.name.replace(/#.*$/, '').endsWith(name));
  if (found.length === 1) return found[0]!;
  const names = masked.map((one) => one.name).join(', ');
  throw new CodedError(
    'FIM-UP-0014',
    found.length === 0 ? `${route} has no such route with masking (${names || 'none'})` : `--name is one of ${names}`,
  );
}

/** Rules as they are, but for those that need a key: what they make is not shown, so they hide whole. */
function withoutKeys(config: FieldMaskerConfig): FieldMaskerConfig {
  const plain = <T extends { method?: string }>(way: T): T => {
    if (!KEYED.includes(way.method ?? '')) return way;
    const { keyId: _id, algorithm: _algorithm, ...rest } = way as T & { keyId?: string; algorithm?: string };
    return { ...rest, method: 'Full', keepFirst: -1, keepLast: -1 } as unknown as T;
  };
  const { reveal: _reveal, stream: _stream, inventory: _inventory, pass: _pass, ...rest } = config;
  return {
    ...rest,
    explain: true,
    fields: (config.fields ?? []).map(plain),
    dictionary: (config.dictionary ?? []).map(plain),
    detectors: (config.detectors ?? []).map((detector) => ({ ...detector, way: plain(detector.way) })),
  };
}

/** The method of a rule as the route has it. */
function methodOf(config: FieldMaskerConfig, { rule, kind, method }: Line): string {
  const at = Number(/\[(\d+)\]/.exec(rule)?.[1] ?? '-1');
  if (rule.startsWith('fields')) return config.fields?.[at]?.method ?? method;
  if (rule.startsWith('detectors')) return config.detectors?.[at]?.way.method ?? method;
  if (rule === 'dictionary') return config.dictionary?.find((way) => way.kind === kind)?.method ?? method;
  return method;
}

async function readMessage(file: string): Promise<Buffer> {
  let bytes: Buffer;
  try {
    bytes = file === '-' ? await readStandardInputBytes() : readFileSync(file);
  } catch (error) {
    throw new CodedError('FIM-UP-0014', messageOf(error));
  }
  if (bytes.length === 0 || bytes.length > MAX_EXPLAINED_BYTES)
    throw new CodedError('FIM-UP-0020', `a message has 1 to ${MAX_EXPLAINED_BYTES} bytes, not ${bytes.length}`);
  return bytes;
}

/** Surroundings of a message: path, headers, direction. */
interface Surroundings {
  isRequest?: boolean;
  contentType?: string;
  path?: string;
  fields?: [string, string][];
}

/** Headers as the command line has them. Error: FIM-UP-0020. */
function headersOf(lines: readonly string[] = []): [string, string][] {
  return lines.map((line) => {
    const [, name, value] = /^([\w!#$%&'*+.^`|~-]+):[ \t]*([\t\x20-\x7e\x80-\uffff]*)$/.exec(line) ?? [];
    if (name === undefined || value === undefined)
      throw new CodedError('FIM-UP-0020', "--header is written as 'name: value'");
    return [name.toLowerCase(), value];
  });
}

/** Runs a message through the module. Throws FIM-UP-0052 if it refuses it. */
export function explain(
  module: LoadedModule,
  route: Route,
  message: Buffer,
  { isRequest = false, contentType, path = '/', fields = [] }: Surroundings = {},
): { findings: (ExplainedFinding & { from?: number; to?: number })[]; masked: Buffer } {
  const config = route.stages!.fieldMasker!;
  const { match: _match, lane: _lane, observe: _observe, enforced: _enforced, ...rest } = route;
  const document = {
    version: '1.0',
    generation: 1,
    routes: [{ ...rest, stages: { fieldMasker: withoutKeys(config) } }],
  };
  const vm = createVm(module, {});
  const { accepted, root, logs } = vm.configure(JSON.stringify(document));
  if (!accepted) throw new CodedError('FIM-UP-0052', logs.at(-1)?.message ?? 'the configuration was refused');
  const type = contentType ?? CONTENT_TYPES[route.body?.format ?? 'JSON'] ?? 'application/json';
  const headers: [string, string][] = [['content-type', type], ...fields];
  const { client, upstream } = exchange(root, {
    request: isRequest ? { method: 'POST', path, headers, body: message } : { method: 'GET' },
    upstream: () => (isRequest ? { status: 204 } : { status: 200, headers, body: message }),
  });
  if (client.status >= 400) throw new CodedError('FIM-UP-0052', client.body.toString());
  const lines = vm.logs.flatMap(({ message: text }) =>
    text.startsWith('{"event":"mask-finding"') ? [JSON.parse(text) as Line] : [],
  );
  const findings = lines.map((line) => {
    const method = methodOf(config, line);
    return {
      path: line.path,
      kind: line.kind,
      rule: line.rule,
      method,
      why: line.why === 0 ? ['named by the rule'] : WHY.filter((_, bit) => ((line.why >> bit) & 1) !== 0),
      becomes: KEYED.includes(method) ? null : line.becomes,
      ...(line.from === undefined ? {} : { from: line.from, to: line.to }),
    };
  });
  return { findings, masked: isRequest ? upstream.body : client.body };
}

/** `fim mask explain`. Returns the exit status: 0, or 1 for an invalid route. */
export async function maskExplain(file: string, flags: ExplainFlags): Promise<number> {
  if (flags.output !== 'text' && flags.output !== 'json')
    throw new CodedError('FIM-UP-0020', '--output is text or json');
  if (flags.direction !== 'Request' && flags.direction !== 'Response')
    throw new CodedError('FIM-UP-0020', '--direction is Request or Response');
  if (flags.showValues === true && !process.stdout.isTTY)
    throw new CodedError('FIM-UP-0020', '--show-values writes to a terminal only, not to a file or a pipe');
  const message = await readMessage(file);
  const report = await validateFiles([flags.route], { layout: 'fused', terminatesTlcp: true });
  if (report.errors.length > 0) {
    tellMistakes(report.errors, '');
    return 1;
  }
  const route = routeOf(report.translation.pluginConfigs[0]?.config.routes ?? [], flags);
  const [built] = await buildModules(['fim'], progress);
  const wasm = await readFile(join(ROOT, 'build', `${built!.name}.wasm`));
  const isRequest = flags.direction === 'Request';
  if (flags.path !== undefined && (!isRequest || !/^\/[\x21-\x7e]*$/.test(flags.path)))
    throw new CodedError('FIM-UP-0020', '--path is that of a request, and begins with /');
  const { findings } = explain(loadModule(wasm), route, message, {
    isRequest,
    fields: headersOf(flags.header),
    ...(flags.path === undefined ? {} : { path: flags.path }),
    ...(flags.contentType === undefined ? {} : { contentType: flags.contentType }),
  });
  const told = findings.map(({ from, to, ...finding }) =>
    flags.showValues === true && from !== undefined
      ? { ...finding, value: message.subarray(from, to).toString('utf8') }
      : finding,
  );
  if (flags.output === 'json') process.stdout.write(`${JSON.stringify({ route: route.name, findings: told })}\n`);
  else for (const finding of told) process.stdout.write(`${describe(finding)}\n`);
  if (flags.output === 'text')
    process.stdout.write(`${told.length} values hidden in a ${flags.direction.toLowerCase()} of ${route.name}\n`);
  return 0;
}

/** Text without characters that steer a terminal. */
function plain(text: string): string {
  return text.replaceAll(/[\p{Cc}\p{Cf}]/gu, '\u{fffd}');
}

function describe({ path, kind, rule, method, why, becomes, value }: ExplainedFinding): string {
  const place = plain(path) || '(text beside values)';
  const result = becomes === null ? (KEYED.includes(method) ? '(by its key)' : '(taken out)') : plain(becomes);
  const shown = value === undefined ? '' : `\n    value    ${plain(value)}`;
  return `${styled('bold', place)}\n    kind     ${kind}, by ${rule}, ${method}\n    why      ${why.join(', ')}\n    becomes  ${result}${shown}`;
}
