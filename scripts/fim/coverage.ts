// `fim coverage`: what becomes of connections at each port and listener of a cluster.
import { KubeConfig } from '@kubernetes/client-node';
import { CodedError, messageOf } from '../../envoy/standalone/coded-error.ts';
import { LIST_PAGE_OBJECTS } from '../../istio/limits.ts';
import { ApiError, KubeApi } from '../../istio/operator/kube/api.ts';
import type { KubeObject } from '../../istio/operator/kube/objects.ts';
import {
  ENVOY_FILTERS,
  FINANCIAL_ROUTES,
  GATEWAYS,
  ISTIO_GATEWAYS,
  PODS,
  SERVICES,
  type Resource,
} from '../../istio/operator/kube/resources.ts';
import { MANAGED_BY_LABEL, MANAGER } from '../../istio/operator/plan/applied.ts';
import {
  coverageReport,
  isCovered,
  type DoorReport,
  type DoorState,
} from '../../istio/operator/plan/coverage-report.ts';
import { inLanguage } from './language.ts';
import { styled } from './terminal.ts';

export interface CoverageFlags {
  kubeconfig?: string;
  context?: string;
  namespace?: string[];
  format: string;
  strict?: boolean;
}

/** A list in pages. A kind that the cluster does not have has no objects. */
async function list(
  api: KubeApi,
  resource: Resource,
  namespace: string | undefined,
  query: Record<string, string> = {},
): Promise<KubeObject[]> {
  const found: KubeObject[] = [];
  let rest: string | undefined;
  do {
    const page = { ...query, limit: String(LIST_PAGE_OBJECTS), ...(rest === undefined ? {} : { continue: rest }) };
    const reader = {
      onItem: (text: string) => void found.push(JSON.parse(text) as KubeObject),
      onLongItem: () => undefined,
      namespace,
    };
    try {
      rest = (await api.list(resource, page, new AbortController().signal, reader)).metadata.continue;
    } catch (error) {
      if (error instanceof ApiError && error.status === 404 && resource.optional) return [];
      throw new CodedError('FIM-UP-0040', `${resource.plural}: ${messageOf(error)}`, error);
    }
  } while (rest !== undefined && rest !== '');
  return found;
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

function print(reports: readonly DoorReport[], namespaces: readonly string[]): void {
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
}

/**
 * Reports every port and listener of the namespaces: those named, or all that have a route. Exit status 0: each is
 * enforced or refused, 1: one is not. Errors: FIM-UP-0020, FIM-UP-0040.
 */
export async function coverage(flags: CoverageFlags): Promise<number> {
  if (flags.format !== 'table' && flags.format !== 'json')
    throw new CodedError('FIM-UP-0020', `--format ${flags.format} is neither table nor json`);
  const api = cluster(flags);
  const namespaces =
    flags.namespace ??
    [...new Set((await list(api, FINANCIAL_ROUTES, undefined)).map(({ metadata }) => metadata.namespace ?? ''))].sort();
  const reports: DoorReport[] = [];
  for (const namespace of namespaces) {
    const of = async (resource: Resource): Promise<Map<string, KubeObject>> =>
      new Map(
        (await list(api, resource, namespace))
          .map((object) => [object.metadata.name, object] as const)
          .sort(([a], [b]) => (a < b ? -1 : 1)),
      );
    reports.push(
      ...coverageReport(namespace, {
        routes: await of(FINANCIAL_ROUTES),
        pods: await of(PODS),
        services: await of(SERVICES),
        gateways: await of(GATEWAYS),
        istioGateways: await of(ISTIO_GATEWAYS),
        filters: await list(api, ENVOY_FILTERS, namespace, { labelSelector: `${MANAGED_BY_LABEL}=${MANAGER}` }),
      }),
    );
  }
  const covered = isCovered(reports, flags.strict ?? false);
  if (flags.format === 'json') process.stdout.write(`${JSON.stringify({ covered, namespaces, doors: reports })}\n`);
  else print(reports, namespaces);
  return covered ? 0 : 1;
}
