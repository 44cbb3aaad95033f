import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { problemOf, type MetricModel } from '../../scripts/generate/metrics.ts';
import { metrics } from '../../scripts/tidy/metrics.ts';
import { tidyOf } from './project-of.ts';

const MODEL = JSON.stringify({
  labels: { code: { help: 'Code.', maxLength: 9 } },
  metrics: [
    { name: 'fim.a.done', type: 'counter', unit: 'messages', help: 'Done.' },
    { name: 'fim.a.refused_total', type: 'counter', unit: 'messages', labels: ['code'], help: 'Refused.' },
  ],
});
const NAMES = "export const A_DONE: string = 'fim.a.done';\nexport function aRefusedTotal(code: string): string {\n";
const USER = "new Counter(A_DONE);\nnew Counter(aRefusedTotal('X'));\n";
const project = (more: Record<string, string> = {}): Record<string, string> => ({
  'filters/metrics.json': MODEL,
  'filters/metrics.gen.ts': NAMES,
  'filters/a/stats.ts': USER,
  ...more,
});

describe('metrics', () => {
  it('lets names of the model pass', () => assert.deepEqual(tidyOf(metrics, project()), []));

  it('catches a name of its own, one that nothing counts, and a value in the name', () => {
    assert.deepEqual(tidyOf(metrics, project({ 'filters/b/stats.ts': "\nnew Counter('fim.b.done');\n" })), [
      'filters/b/stats.ts:2 the name of a metric belongs into filters/metrics.json',
    ]);
    assert.deepEqual(tidyOf(metrics, project({ 'filters/a/stats.ts': 'new Counter(A_DONE);\n' })), [
      'filters/metrics.gen.ts:2 aRefusedTotal is counted nowhere',
    ]);
    assert.deepEqual(tidyOf(metrics, project({ 'test/host/a.yaml': 'metrics: { fim.a.refused.FIM-RT-0001: 1 }\n' })), [
      'test/host/a.yaml:1 fim.a.refused has labels: fim.a.refused_total{…}',
    ]);
  });

  it('refuses a model that contradicts itself', () => {
    const model = JSON.parse(MODEL) as MetricModel;
    const [plain, labelled] = model.metrics as [MetricModel['metrics'][0], MetricModel['metrics'][0]];
    assert.equal(problemOf(model), undefined);
    const wrong: [Partial<MetricModel>, RegExp][] = [
      [{ metrics: [plain, plain, labelled] }, /repeated name/],
      [{ metrics: [{ ...plain, name: 'fim.a.done_total' }, labelled] }, /_total with labels/],
      [{ metrics: [plain, { ...labelled, labels: ['code', 'other'] }] }, /no label other/],
      [{ metrics: [plain] }, /used nowhere/],
      [
        { labels: { ...model.labels, errorcode: { help: 'x', maxLength: 1 } } },
        /another label ends in code|used nowhere/,
      ],
      [{ metrics: [{ ...plain, unit: '' }, labelled] }, /lacks/],
    ];
    for (const [change, problem] of wrong) assert.match(problemOf({ ...model, ...change }) ?? '', problem);
  });
});
