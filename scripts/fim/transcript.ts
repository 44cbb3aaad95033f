import type { StackEvent } from '../../envoy/standalone/events.ts';
import type { Problem } from '../../envoy/standalone/policy.ts';
import { demonstration, tlcpLines } from './demonstration.ts';
import { inheritedText, isBaselineRoute, type InheritedSection } from '../../envoy/route/index.ts';
import { canaryLine } from './canary-line.ts';
import { adviceOf, translated } from './language.ts';
import { styled } from './terminal.ts';

/** National TLS is not terminated. */
const NATIONAL_TLS = 'FIM-CFG-1060';

type Ready = Extract<StackEvent, { event: 'ready' }>;
type Audited = Extract<StackEvent, { event: 'audit' }>;

/** Prints events for a person. */
export class Transcript {
  private readonly showDemonstration: boolean;
  private readonly watching: boolean;
  private ready: Ready | undefined;
  private audit: Audited | undefined;
  private toldNotices = '';
  private toldInherited = '{}';
  private introduced = false;
  /** Warnings from before the start-up message. */
  private readonly early: string[] = [];

  /** `showDemonstration`: the samples are served, so example requests are printed. */
  constructor(showDemonstration: boolean, watching: boolean) {
    this.showDemonstration = showDemonstration;
    this.watching = watching;
  }

  tell(event: StackEvent): void {
    if (event.event === 'ready') this.ready = event;
    else if (event.event === 'applied') this.applied(event);
    else if (event.event === 'rejected') this.rejected(event.file, event.errors);
    else if (event.event === 'audit') this.audited(event);
    else if (event.event === 'rotated')
      print(`${styled('cyan', '›')} ${event.key} has version ${event.version} now, before ${event.before}`);
    else if (event.event === 'breaker')
      print(`${styled('cyan', '›')} breaker of ${event.route}: ${event.state}, before ${event.before}`);
    else if (event.event === 'canary') print(`${styled('cyan', '›')} ${canaryLine(event)}`);
    else if (event.event === 'recovered') {
      const again = event.service === undefined ? `${event.key} is available again` : `${event.service} answers again`;
      print(`${styled('green', '✓')} ${again}`);
    } else {
      const message = translated(event.code, event.message);
      if (this.introduced) this.warn(message);
      else this.early.push(message);
    }
  }

  private audited(event: Audited): void {
    this.audit = event;
    if (this.introduced) auditLines(event).forEach(print);
  }

  private warn(message: string): void {
    print(`${styled('yellow', '!')} ${message}`);
  }

  private applied(event: Extract<StackEvent, { event: 'applied' }>): void {
    if (!this.introduced) this.introduce(event);
    else
      print(
        `${styled('green', '✓')} generation ${event.generation} is live in every worker after ${event.tookMs} ms: ${event.routes.join(', ')}`,
      );
    this.inherited(event);
    this.notices(event.notices);
    for (const message of this.early.splice(0)) this.warn(message);
    if (!this.introduced && this.ready) {
      if (event.notices.length > 0) print('');
      if (this.showDemonstration) print(demonstration(this.ready, event.tlcp));
      else if (event.tlcp) print(tlcpLines(this.ready, event.tlcp));
      print(
        this.watching
          ? 'Edit a route file or rebuild a module and it goes live; Ctrl-C ends everything.'
          : 'Ctrl-C ends everything.',
      );
    }
    this.introduced = true;
  }

  private introduce(event: Extract<StackEvent, { event: 'applied' }>): void {
    const { listen, admin, upstream, kms, pid } = this.ready!;
    print(`${styled('green', '✓')} ${styled('bold', 'FIM is up')} after ${(event.tookMs / 1000).toFixed(1)} s`);
    print('');
    const { tlcp } = event;
    print(
      tlcp
        ? `  proxy      https://${listen}   national TLS (TLCP): ${tlcp.suites.join(', ')}; HTTP/1.1, Envoy pid ${pid}`
        : `  proxy      http://${listen}   HTTP/1.1 and HTTP/2, Envoy pid ${pid}`,
    );
    if (tlcp?.alsoTls !== undefined)
      print(`  TLS        on the same port, HTTP/1.1 and HTTP/2; certificates of clients: ${tlcp.alsoTls}`);
    if (tlcp?.developmentFolder)
      print(`  TLCP       development authority and certificates in ${tlcp.developmentFolder}, server and client`);
    print(`  admin      http://${admin}`);
    print(`  upstream   ${upstream}`);
    print(`  KMS        ${kms}`);
    if (this.audit !== undefined) auditLines(this.audit).forEach(print);
    for (const [name, sha256] of Object.entries(event.modules))
      print(`  module     ${name}  sha256 ${sha256.slice(0, 16)}…`);
    for (const route of event.routes) print(`  route      ${route}`);
    print('');
  }

  /** Sections that routes have of baselines, once for each state. */
  private inherited({ inherited }: Extract<StackEvent, { event: 'applied' }>): void {
    const identity = JSON.stringify(inherited);
    if (identity === this.toldInherited) return;
    this.toldInherited = identity;
    for (const line of inheritedLines(inherited)) print(line);
    if (Object.keys(inherited).length > 0) print('');
  }

  private notices(notices: readonly Problem[]): void {
    const identity = JSON.stringify(notices);
    if (identity === this.toldNotices) return;
    this.toldNotices = identity;
    for (const notice of notices) print(`${styled('yellow', '!')} ${describe(notice)}${this.consequence(notice)}`);
  }

  /** Consequence here of a setting that cannot be honoured. */
  private consequence({ code, resource }: Problem): string {
    return code === NATIONAL_TLS
      ? `: ${resource ?? 'the route'} is served on loopback only (${this.ready?.listen ?? ''}), Programmed=False`
      : '';
  }

  private rejected(file: string, errors: readonly Problem[]): void {
    const inForce = this.introduced ? '; what was in force stays in force' : '';
    print(`${styled('red', '✗')} ${file || 'configuration'} is refused${inForce}`);
    tellMistakes(errors, '    ');
  }
}

/** Lines that say where records go, and by which key their checkpoints are signed. */
function auditLines({ folder, developmentKey }: Audited): string[] {
  return [
    `  audit      records in ${folder}: fim audit status|show|verify`,
    ...(developmentKey
      ? ['             checkpoints are signed by a development key of that folder; --audit-key kms://… for others']
      : []),
  ];
}

/** Lines that say which sections of which route are those of baselines. */
export function inheritedLines(inherited: Readonly<Record<string, readonly InheritedSection[]>>): string[] {
  return Object.entries(inherited).map(([route, sections]) => {
    const name = isBaselineRoute(route) ? 'requests without a route' : route;
    return `  baseline   ${name}: ${inheritedText(sections)}`;
  });
}

/** `file:line: CODE path message`, in the terminal's language. */
export function describe(problem: Problem): string {
  const { code, path, message } = problem;
  return `${placeOf(problem)}${message.startsWith(code) ? '' : `${code} `}${path ? `${path} ` : ''}${translated(code, message)}`;
}

/** Prints errors, with advice below the last one of each code. `mark`: prefix of each error. */
export function tellMistakes(problems: readonly Problem[], mark: string): void {
  const last = new Map(problems.map((problem) => [problem.code, problem]));
  for (const problem of problems) {
    print(`${mark}${describe(problem)}`);
    const advice = last.get(problem.code) === problem ? adviceOf(problem.code) : '';
    if (advice !== '') print(`      ${styled('dim', advice)}`);
  }
}

function placeOf({ file, line, column }: Problem): string {
  const place = [file, line, column].filter(Boolean).join(':');
  return place ? `${place}: ` : '';
}

function print(line: string): void {
  process.stdout.write(`${line}\n`);
}
