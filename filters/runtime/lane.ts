// The channels of a route, as requests name them.
import { Bytes } from '../memory/bytes';
import { LaneConfig } from './config.gen';

/** Last byte of the name for requests that may be repeated: `REPEATABLE` of envoy/route/channels.ts, a tilde. */
const REPEATABLE: u8 = 126;
/** Byte behind the name of the channels that are backups: `BACKUPS` of envoy/route/channels.ts, an exclamation mark. */
const BACKUPS: u8 = 33;

/** The channels of a route. */
export class Lane {
  constructor(
    /** Header value for requests of which a second copy may do harm. */
    readonly once: Bytes,
    /** Header value for requests that may be repeated. */
    readonly repeatable: Bytes,
    /** Header of requests that may be repeated, lower case. Empty: none. */
    readonly idempotencyHeader: Bytes,
    /** Lane of the backups among the channels; null: this is that lane. */
    private readonly others: Lane | null,
  ) {}

  get backups(): Lane {
    const others = this.others;
    return others == null ? this : others;
  }
}

/** The lane of a configured route. */
export function compileLane(config: LaneConfig | null): Lane | null {
  if (config == null) return null;
  const name = config.name;
  const key = config.idempotencyHeader;
  const backups = withEnd(name, BACKUPS);
  return new Lane(name, withEnd(name, REPEATABLE), key, new Lane(backups, withEnd(backups, REPEATABLE), key, null));
}

function withEnd(name: Bytes, end: u8): Bytes {
  const text = new StaticArray<u8>(name.length + 1);
  memory.copy(changetype<usize>(text), name.pointer, name.length);
  text[name.length] = end;
  return new Bytes(text);
}
