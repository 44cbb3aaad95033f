// Certificates that routes name in Secrets and ConfigMaps of their namespaces. Each object is asked for by its name, again
// and again, so that a right to `get` that one is enough. Of a Secret only the members that routes name are kept.
import {
  CERTIFICATE_LOOK_MS,
  CERTIFICATE_LOOKS_PER_SECOND,
  CERTIFICATE_WAIT_MS,
  MAX_NAMESPACE_CERTIFICATES,
} from '../limits.ts';
import { canonicalHash, pemOf, type TlsFinding, type TlsReference } from '../../envoy/route/index.ts';
import { ApiError, type KubeApi } from './kube/api.ts';
import { CONFIG_MAPS, SECRETS } from './kube/resources.ts';

/** Answer about one object: its members in question, or why there are none. */
type Answer = { members: ReadonlyMap<string, string> } | Exclude<TlsFinding, { text: string }>;

interface Followed {
  kind: 'Secret' | 'ConfigMap';
  namespace: string;
  name: string;
  keys: Set<string>;
  answer: Answer | undefined;
  /** Hash of the answer. */
  state: string;
  /** Whether planning went on without an answer. */
  isLate: boolean;
}

export interface CertificateDirectoryOptions {
  api: KubeApi;
  /** Called for a namespace of which an answer has changed. */
  onChange: (namespace: string) => void;
}

const pathOf = ({ kind, namespace, name }: Pick<TlsReference, 'kind' | 'namespace' | 'name'>): string =>
  `${kind} ${namespace}/${name}`;

export class CertificateDirectory {
  private readonly options: CertificateDirectoryOptions;
  private readonly followed = new Map<string, Followed>();
  private readonly asking = new Map<string, Promise<void>>();
  private timer: NodeJS.Timeout | undefined;
  private isStopped = false;

  constructor(options: CertificateDirectoryOptions) {
    this.options = options;
  }

  /**
   * Notes what the routes of a namespace name. Settles when each object was asked for once, or after
   * CERTIFICATE_WAIT_MS; `onChange` reports later answers.
   */
  async look(namespace: string, references: readonly TlsReference[]): Promise<void> {
    const wanted = new Map<string, Set<string>>();
    for (const reference of references) {
      const path = pathOf(reference);
      if (reference.kind === 'File' || (wanted.size >= MAX_NAMESPACE_CERTIFICATES && !wanted.has(path))) continue;
      wanted.set(path, (wanted.get(path) ?? new Set()).add(reference.key));
    }
    for (const [path, one] of this.followed)
      if (one.namespace === namespace && !wanted.has(path)) this.followed.delete(path);
    const fresh: Promise<void>[] = [];
    for (const { kind, name } of references) {
      const path = pathOf({ kind, namespace, name });
      const keys = wanted.get(path);
      if (keys === undefined || kind === 'File') continue;
      const known = this.followed.get(path);
      if (known?.answer !== undefined && [...keys].every((key) => known.keys.has(key))) continue;
      this.followed.set(path, { kind, namespace, name, keys, answer: undefined, state: '', isLate: false });
      fresh.push(this.ask(path));
      wanted.delete(path);
    }
    if (fresh.length > 0) {
      const late = new Promise((done) => setTimeout(done, CERTIFICATE_WAIT_MS).unref());
      await Promise.race([Promise.all(fresh), late]);
      for (const one of this.followed.values()) if (one.namespace === namespace) one.isLate = one.answer === undefined;
    }
    this.next();
  }

  /** Text at a reference by the last answer. */
  read(reference: TlsReference): TlsFinding {
    const known = this.followed.get(pathOf(reference));
    if (known === undefined)
      return { code: 'FIM-OP-0060', detail: `the namespace names more than ${MAX_NAMESPACE_CERTIFICATES} objects` };
    const { answer } = known;
    if (answer === undefined) return { code: 'FIM-OP-0064', detail: 'the API server has not answered yet' };
    if (!('members' in answer)) return answer;
    const text = answer.members.get(reference.key);
    if (text === undefined) return { code: 'FIM-OP-0060', detail: 'there is no such member' };
    const pem = pemOf(text, reference.use);
    return 'text' in pem ? pem : { code: 'FIM-OP-0062', detail: `it ${pem.detail}` };
  }

  /** Text that changes with what stands at some references. */
  stateOf(references: readonly TlsReference[]): string {
    return references.map((reference) => this.followed.get(pathOf(reference))?.state ?? '').join();
  }

  stop(): void {
    this.isStopped = true;
    clearTimeout(this.timer);
  }

  private next(): void {
    if (this.isStopped || this.timer !== undefined || this.followed.size === 0) return;
    const pause = Math.max(CERTIFICATE_LOOK_MS, (1000 * this.followed.size) / CERTIFICATE_LOOKS_PER_SECOND);
    this.timer = setTimeout(() => void this.lookAgain(), pause).unref();
  }

  /** One after another, so that many of them do not fill the connections to the API server. */
  private async lookAgain(): Promise<void> {
    for (const path of [...this.followed.keys()]) if (!this.isStopped) await this.ask(path);
    this.timer = undefined;
    this.next();
  }

  private ask(path: string): Promise<void> {
    const running = this.asking.get(path);
    if (running !== undefined) return running;
    const asked = this.answer(path).finally(() => this.asking.delete(path));
    this.asking.set(path, asked);
    return asked;
  }

  private async answer(path: string): Promise<void> {
    const one = this.followed.get(path);
    if (one === undefined) return;
    const answer = await this.load(one);
    // It may have been given up, or taken up anew with other members, meanwhile.
    if (this.followed.get(path) !== one) return;
    // What was read stays good while the API server says nothing about it.
    if ('code' in answer && answer.code === 'FIM-OP-0064' && one.answer !== undefined) return;
    const state = canonicalHash('members' in answer ? [...answer.members] : [answer.code, answer.detail]);
    const isNews = one.answer === undefined ? one.isLate : state !== one.state;
    Object.assign(one, { answer, state });
    if (isNews) this.options.onChange(one.namespace);
  }

  private async load({ kind, namespace, name, keys }: Followed): Promise<Answer> {
    try {
      const object = await this.options.api.get(kind === 'Secret' ? SECRETS : CONFIG_MAPS, namespace, name);
      const data = (object as { data?: Record<string, string> }).data ?? {};
      const members = new Map<string, string>();
      for (const key of keys) {
        const value = data[key];
        if (typeof value !== 'string') continue;
        members.set(key, kind === 'Secret' ? Buffer.from(value, 'base64').toString('latin1') : value);
      }
      return { members };
    } catch (error) {
      const status = error instanceof ApiError ? error.status : 0;
      if (status === 404) return { code: 'FIM-OP-0060', detail: 'there is no such object' };
      if (status === 401 || status === 403)
        return { code: 'FIM-OP-0061', detail: 'the API server does not let the operator get it' };
      return { code: 'FIM-OP-0064', detail: `the API server answers ${status === 0 ? 'nothing' : status}` };
    }
  }
}
