import { HeaderKind, PathKind } from '../match/route-candidate';
import { RouteIndexBuilder } from '../match/route-index-builder';
import { ConfigReader } from './config-reader';
import { HeaderMatchType, PathMatchType, RouteConfig } from './config.gen';
import { ErrorId } from '../errors.gen';

/**
 * Adds a route's conditions to the index. An error of the index (a pattern, too many candidates) is an error of the
 * configuration.
 */
export function addRoute(reader: ConfigReader, builder: RouteIndexBuilder, route: RouteConfig): void {
  builder.begin();
  const match = route.match;
  if (match != null) {
    for (let i = 0; i < match.hosts.length; i++) check(reader, builder.host(match.hosts[i]), match.node);
    for (let i = 0; i < match.methods.length; i++) builder.method(match.methods[i]);
    const path = match.path;
    if (path != null) check(reader, builder.path(pathKind(path.type), path.value), path.node);
    for (let i = 0; i < match.headers.length; i++) {
      const header = match.headers[i];
      check(reader, builder.header(headerKind(header.type), header.name, header.value), header.node);
    }
  }
  check(reader, builder.end(), route.node);
}

function check(reader: ConfigReader, error: u32, node: u32): void {
  if (error != 0) reader.fail(<ErrorId>error, node);
}

function pathKind(type: PathMatchType): PathKind {
  if (type == PathMatchType.Exact) return PathKind.Exact;
  return type == PathMatchType.Pattern ? PathKind.Pattern : PathKind.Prefix;
}

function headerKind(type: HeaderMatchType): HeaderKind {
  if (type == HeaderMatchType.Exact) return HeaderKind.Exact;
  return type == HeaderMatchType.Pattern ? HeaderKind.Pattern : HeaderKind.Present;
}
