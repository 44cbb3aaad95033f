// Forms of routes in a configuration. Proof by proxies applies to the form and not to the resource. A route may be
// there in an earlier form, in part, or not at all.
import { canonicalHash, canonicalJson, type MatchConfig, type PluginConfig } from '../../../envoy/route/index.ts';

/** One match of a route, as far as it tells which requests it cannot meet. */
interface Reach {
  /** The match as a text. */
  text: string;
  /** Undefined: every host. */
  hosts: readonly string[] | undefined;
  /** All its paths begin with it. */
  head: string;
}

interface Form {
  /** Of all that the configuration has of the route. */
  hash: string;
  reaches: readonly Reach[];
}

/** By the route's key; a route of which nothing stands in the configuration is not among them. */
export type Forms = ReadonlyMap<string, Form>;

export const NO_FORMS: Forms = new Map();

function reachOf(match: MatchConfig | undefined): Reach {
  const { hosts, path } = match ?? {};
  const isLiteral = path !== undefined && path.type !== 'Pattern';
  return {
    text: canonicalJson(match ?? {}),
    hosts: hosts?.some((host) => host.includes('*')) === true ? undefined : hosts,
    head: isLiteral ? path.value : '',
  };
}

/** The forms of all routes of a configuration. */
export function formsOf({ routes }: Pick<PluginConfig, 'routes'>): Forms {
  return new Map(
    [...Map.groupBy(routes, ({ name }) => name)].map(([key, own]) => [
      key,
      { hash: canonicalHash(own), reaches: own.map(({ match }) => reachOf(match)) },
    ]),
  );
}

function mayMeet(one: Reach, other: Reach): boolean {
  const isHost =
    one.hosts === undefined || other.hosts === undefined || one.hosts.some((host) => other.hosts?.includes(host));
  return isHost && (one.head.startsWith(other.head) || other.head.startsWith(one.head));
}

/**
 * Keys of the routes that may get requests which another route had before: a match is gone, and theirs may meet the
 * same requests.
 */
export function heirsOf(before: Forms, after: Forms): Set<string> {
  const gone = [...before].flatMap(([key, { reaches }]) => {
    const left = new Set(after.get(key)?.reaches.map(({ text }) => text));
    return reaches.filter(({ text }) => !left.has(text)).map((reach) => ({ key, reach }));
  });
  const heirs = [...after].filter(([key, { reaches }]) =>
    gone.some((lost) => lost.key !== key && reaches.some((reach) => mayMeet(lost.reach, reach))),
  );
  return new Set(heirs.map(([key]) => key));
}
