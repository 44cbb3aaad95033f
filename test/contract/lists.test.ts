// Lists of the definitions merge when several appliers write one object: each says so, and keyed ones by their keys.
import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { describe, it } from 'node:test';
import { parse } from 'yaml';

interface Node {
  type?: string;
  required?: string[];
  properties?: Record<string, Node>;
  items?: Node;
  'x-kubernetes-list-type'?: string;
  'x-kubernetes-list-map-keys'?: string[];
}

const FOLDER = path.resolve(import.meta.dirname, '../../istio/crd');
/** Members by which an item is told from the others, where each item has to have it. */
const KEYS = ['name', 'type', 'kind', 'element'];
/** Targets are told by four members of which one may be missing, so their list merges as a whole. */
const WHOLE = ['.spec.targetRefs'];

function listsOf(node: Node, at: string): [string, Node][] {
  return [
    ...(node.type === 'array' ? [[at, node] as [string, Node]] : []),
    ...Object.entries(node.properties ?? {}).flatMap(([name, child]) => listsOf(child, `${at}.${name}`)),
    ...(node.items === undefined ? [] : listsOf(node.items, `${at}[]`)),
  ];
}

describe('the lists of the definitions', () => {
  for (const file of readdirSync(FOLDER).filter((name) => name.endsWith('.fim.financial.yaml'))) {
    const { spec } = parse(readFileSync(path.join(FOLDER, file), 'utf8')) as {
      spec: { versions: { schema: { openAPIV3Schema: Node } }[] };
    };
    const lists = listsOf(spec.versions[0]!.schema.openAPIV3Schema, '');

    it(`of ${file} say how they merge`, () => {
      assert.ok(lists.length > 3);
      const silent = lists.filter(
        ([, list]) => !['atomic', 'set', 'map'].includes(list['x-kubernetes-list-type'] ?? ''),
      );
      assert.deepEqual(
        silent.map(([at]) => at),
        [],
      );
    });

    it(`of ${file} that have a key merge by it, and every item has it`, () => {
      for (const [at, list] of lists) {
        const required = list.items?.required ?? [];
        const keys = list['x-kubernetes-list-map-keys'] ?? [];
        if (list['x-kubernetes-list-type'] === 'map') {
          assert.ok(keys.length > 0, at);
          assert.deepEqual(
            keys.filter((key) => !required.includes(key)),
            [],
            at,
          );
        } else if (!WHOLE.includes(at)) assert.ok(!KEYS.some((key) => required.includes(key)), `${at} has a key`);
      }
    });
  }
});
