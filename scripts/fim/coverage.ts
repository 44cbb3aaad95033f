// `fim coverage`: what becomes of connections at each port and listener of a cluster.
import { KubeConfig } from '@kubernetes/client-node';
import { CodedError, messageOf } from '../../envoy/standalone/coded-error.ts';
import { KubeApi } from '../../istio/operator/kube/api.ts';
import {
  coverageReport,
  ENGLISH,
  isCovered,
  type CoverageWords,
  type DoorReport,
  type DoorState,
} from '../../istio/operator/plan/coverage-report.ts';
import { CoverageObjects } from './coverage-objects.ts';
import { inLanguage } from './language.ts';
import { styled } from './terminal.ts';

export interface CoverageFlags {
  kubeconfig?: string;
  context?: string;
  namespace?: string[];
  rootNamespace: string;
  format: string;
  strict?: boolean;
}

function cluster({ kubeconfig, context }: CoverageFlags): KubeApi {
  const config = new KubeConfig();
  try {
    if (kubeconfig === undefined) config.loadFromDefault();
    else config.loadFromFile(kubeconfig);
    if (context !== undefined) {
      if (config.getContextObject(context) === null) throw new Error(`there is no context ${context}`);
      config.setCurrentContext(context);
    }
    return new KubeApi(config);
  } catch (error) {
    throw new CodedError('FIM-UP-0040', messageOf(error), error);
  }
}

const SHOWN: Record<DoorState, { style: Parameters<typeof styled>[0]; zh: string; en: string }> = {
  Enforced: { style: 'green', en: 'enforced', zh: '已执行' },
  Refused: { style: 'green', en: 'refused', zh: '已拒绝' },
  Unproven: { style: 'yellow', en: 'unproven', zh: '未证实' },
  Open: { style: 'red', en: 'open', zh: '开放' },
  NotCovered: { style: 'red', en: 'not covered', zh: '未覆盖' },
};

const PROTOCOLS = { http: '', either: '若非 HTTP', other: '非 HTTP', udp: 'UDP' } as const;
/** Result of `pastSidecars`. */
const PAST = /^ports (other than )?(.+) of (\S+) \(past the sidecar: (.+)\)$/;

const CHINESE: CoverageWords = {
  gone: '已不存在',
  unseen: '上次修改后尚未检查',
  noRoute: '没有路由',
  noPod: '没有 Pod',
  elsewhere: '本命名空间没有 Pod：若监听器在其他命名空间的 Pod 上，请在该命名空间查看',
  noSidecar: '没有 sidecar',
  somePass: '没有路由匹配的请求直接通过',
  observing: (routes) => `限流与校验仅观察：${routes}`,
  part: (some, all) => `${all} 个 Pod 中的 ${some} 个：`,
  protocol: (kind, told) => (kind === 'other' && told !== 'not HTTP' ? told : PROTOCOLS[kind]),
  past: (text) => {
    const [, other, ports = '', pod = '', annotation = ''] = PAST.exec(text) ?? [];
    if (pod === '') return text;
    const which = other === undefined ? `端口 ${ports}` : `${ports === 'none' ? '所有端口' : `${ports} 以外的端口`}`;
    return `${pod} 的${which}绕过 sidecar（${annotation}）`;
  },
  altered: (objects) => `可能由他人的对象应答：${objects}`,
  foreign: (what) => `绕过 FIM：${what}`,
};

function print(reports: readonly DoorReport[], { namespaces, unread }: CoverageObjects): void {
  const heads = inLanguage(
    ['NAMESPACE', 'KIND', 'PORT', 'STATE', 'ROUTES', 'WHY'],
    ['命名空间', '类型', '端口', '状态', '路由', '原因'],
  );
  const rows = reports.map(({ namespace, kind, door, state, routes, note }) => [
    ...[namespace, kind, door, inLanguage(SHOWN[state].en, SHOWN[state].zh)],
    ...[routes.join(',') || '-', note],
  ]);
  // Chinese characters take two columns.
  const wide = (text: string): number => [...text].reduce((sum, letter) => sum + (/[⺀-鿿]/u.test(letter) ? 2 : 1), 0);
  const widths = heads.map((head, column) => Math.max(...[head, ...rows.map((row) => row[column]!)].map(wide)));
  const line = (cells: readonly string[], style?: Parameters<typeof styled>[0]): string =>
    cells
      .map((cell, column) => {
        const padded = column === cells.length - 1 ? cell : cell + ' '.repeat(widths[column]! - wide(cell) + 2);
        return column === 3 && style !== undefined ? styled(style, padded) : padded;
      })
      .join('')
      .trimEnd();
  process.stdout.write(`${line(heads)}\n`);
  for (const [index, row] of rows.entries()) process.stdout.write(`${line(row, SHOWN[reports[index]!.state].style)}\n`);
  for (const namespace of namespaces)
    if (!reports.some((report) => report.namespace === namespace))
      process.stdout.write(
        inLanguage(`${namespace}: no port or listener is there\n`, `${namespace}：没有端口或监听器\n`),
      );
  if (namespaces.length === 0)
    process.stdout.write(
      inLanguage(
        'Nothing is covered: no namespace has a route, and no baseline with overrides is in force.\n',
        '没有任何覆盖：没有命名空间有路由，也没有生效的 overrides 基线。\n',
      ),
    );
  for (const what of new Set(unread))
    process.stdout.write(inLanguage(`not judged: you may not list ${what}\n`, `未判断：您无权列出 ${what}\n`));
}

/**
 * Reports every port and listener of the namespaces: those named, or all that have a route or that a baseline reaches.
 * Exit status 0: each is enforced or refused, 1: one is not, or there is none. Errors: FIM-UP-0020, FIM-UP-0040.
 */
export async function coverage(flags: CoverageFlags): Promise<number> {
  if (flags.format !== 'table' && flags.format !== 'json')
    throw new CodedError('FIM-UP-0020', `--format ${flags.format} is neither table nor json`);
  const { rootNamespace } = flags;
  const objects = await CoverageObjects.read(cluster(flags), { namespaces: flags.namespace, rootNamespace });
  const { namespaces, unread } = objects;
  const words = flags.format === 'json' ? ENGLISH : inLanguage(ENGLISH, CHINESE);
  const reports: DoorReport[] = [];
  for (const namespace of namespaces)
    reports.push(...coverageReport(namespace, await objects.of(namespace, rootNamespace), words));
  const isStrict = flags.strict ?? false;
  const covered = isCovered(reports, isStrict) && (unread.length === 0 || !isStrict);
  if (flags.format === 'json')
    process.stdout.write(`${JSON.stringify({ covered, namespaces, unread, doors: reports })}\n`);
  else print(reports, objects);
  return covered ? 0 : 1;
}
