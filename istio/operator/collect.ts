// Updates the operator's gauges when metrics are read.
import type { ClusterView } from './cluster-view.ts';
import type { EventSink } from './events.ts';
import type { Informer } from './kube/informer.ts';
import type { KubeObject } from './kube/objects.ts';
import type { OperatorMetrics } from './metrics.ts';
import type { RouteStatus } from './plan/status.ts';
import type { WorkQueue } from './queue.ts';

export function collect(metrics: OperatorMetrics, view: ClusterView, queue: WorkQueue, events: EventSink): void {
  metrics.queueDepth.set(queue.depth);
  metrics.queueFailing.set(queue.failing);
  metrics.dropped.set({ what: 'keys' }, queue.dropped);
  metrics.dropped.set({ what: 'events' }, events.dropped);
  for (const [resource, informer] of Object.entries(view.informers) as [string, Informer][])
    metrics.leftOut.set({ resource }, informer.allLeftOut + informer.unreadable);
  metrics.used.reset();
  for (const [namespace, { used }] of view.namespaces)
    for (const [budget, part] of Object.entries(used))
      if (part > 0.5) metrics.used.set({ namespace_of: namespace, budget }, part);
  const { routes, baselines } = view.informers;
  count(
    metrics.routes,
    routes
      .namespaces()
      .filter((namespace) => view.isOwn(namespace))
      .flatMap((namespace) => [...routes.in(namespace).values()]),
  );
  count(metrics.baselines, baselines.in('').values());
}

/** Sets a gauge to the numbers of objects by condition. */
function count(gauge: OperatorMetrics['routes'], objects: Iterable<KubeObject>): void {
  const counts = new Map<string, number>();
  for (const object of objects)
    for (const { type, status } of (object.status as Partial<RouteStatus> | undefined)?.conditions ?? [])
      counts.set(`${type} ${status}`, (counts.get(`${type} ${status}`) ?? 0) + 1);
  gauge.reset();
  for (const [key, number] of counts) {
    const [condition = '', status = ''] = key.split(' ');
    gauge.set({ condition, status }, number);
  }
}
