// Keys of the operator's queue: the stage, the namespace and the name, by slashes.

export type Stage =
  | 'namespace'
  | 'services'
  | 'workload'
  | 'proxies'
  | 'seal'
  | 'retire'
  | 'gates'
  | 'affected'
  | 'status'
  | 'module'
  | 'baselines'
  | 'reach'
  | 'resync'
  | 'keys';

export function keyFor(stage: Stage, namespace = '', name = ''): string {
  return `${stage}/${namespace}/${name}`;
}
