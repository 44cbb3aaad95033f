import { Bytes } from '../memory/bytes';
import { PartKind, Parts } from '../memory/parts';
import { Pattern } from './pattern';

/**
 * `Pattern.compile`, or `Pattern.compileWhole` if `whole`. A pattern that is already among the parts is reused. Null as
 * there.
 */
export function sharedPattern(parts: Parts, source: Bytes, whole: bool): Pattern | null {
  const kind = whole ? PartKind.WholePattern : PartKind.Pattern;
  const known = parts.find(kind, source.pointer, source.length);
  if (known != null) return <Pattern>known;
  const pattern = whole ? Pattern.compileWhole(source) : Pattern.compile(source);
  if (pattern != null) parts.add(kind, source.pointer, source.length, pattern);
  return pattern;
}
