import { CalloutHandler, CalloutRequest, sendCallout } from '../runtime/callout';
import { KmsConfig } from '../runtime/config.gen';
import { MAX_VERSION_FETCHES } from '../limits';
import { NEWEST } from './waiter';

/** Owner of fetches. */
export abstract class Fetcher {
  /** Writes the request for `version`. False if it cannot be requested. */
  abstract writeRequest(version: u32, request: CalloutRequest): bool;
  /** Whether a number is held or waited for. */
  abstract uses(number: u32): bool;
  /** Receives the KMS's response to `fetch`, which may be used again. Status NO_ANSWER if there was none. */
  abstract onFetched(fetch: Fetch, rootId: u32, status: u32, body: usize, bodyLength: u32): void;
}

const request: CalloutRequest = new CalloutRequest();

/** One call-out at a time, for one version or the newest. */
export class Fetch extends CalloutHandler {
  running: bool = false;
  version: u32 = NEWEST;
  /** Monotonic time, milliseconds. */
  startedAtMs: u64 = 0;

  /** Set before the first start. */
  owner: Fetcher | null = null;

  /** Sends the call. False if that failed. Call it only while it is not running. */
  start(kms: KmsConfig, rootId: u32, streamId: u32, version: u32, nowMs: u64): bool {
    const owner = this.owner;
    if (owner == null) return false;
    request.cluster = kms.cluster;
    request.authority = kms.authority;
    request.body = 0;
    request.timeoutMs = kms.timeoutMs;
    this.version = version;
    this.startedAtMs = nowMs;
    this.running = owner.writeRequest(version, request) && sendCallout(rootId, streamId, request, this);
    return this.running;
  }

  onAnswer(rootId: u32, status: u32, body: usize, bodyLength: u32): void {
    this.running = false;
    const owner = this.owner;
    if (owner != null) owner.onFetched(this, rootId, status, body, bodyLength);
  }

  onLost(): void {
    this.running = false;
  }
}

/**
 * Fetches of old versions and data keys of one key: MAX_VERSION_FETCHES at a time, so that invented versions do not
 * keep out genuine ones.
 */
export class VersionFetches {
  private readonly places: StaticArray<Fetch> = new StaticArray<Fetch>(MAX_VERSION_FETCHES);

  /** Sets the owner, once, before the first start. */
  ownedBy(owner: Fetcher): void {
    for (let i = 0; i < MAX_VERSION_FETCHES; i++) {
      const fetch = new Fetch();
      fetch.owner = owner;
      this.places[i] = fetch;
    }
  }

  /** Number of running fetches. */
  get underWay(): u32 {
    let count: u32 = 0;
    for (let i = 0; i < MAX_VERSION_FETCHES; i++) if (this.places[i].running) count++;
    return count;
  }

  /** Whether a version is being fetched. */
  fetches(version: u32): bool {
    for (let i = 0; i < MAX_VERSION_FETCHES; i++)
      if (this.places[i].running && this.places[i].version == version) return true;
    return false;
  }

  /**
   * Fetches a version that is not being fetched, if there is a place. The last place is reserved for `preferred` ones.
   * False if the call failed at once.
   */
  start(kms: KmsConfig, rootId: u32, streamId: u32, version: u32, preferred: bool, nowMs: u64): bool {
    const places = preferred ? MAX_VERSION_FETCHES : MAX_VERSION_FETCHES - 1;
    let free: Fetch | null = null;
    for (let i = 0; i < MAX_VERSION_FETCHES; i++) {
      const fetch = this.places[i];
      if (!fetch.running && free == null && i < places) free = fetch;
    }
    return free == null || free.start(kms, rootId, streamId, version, nowMs);
  }
}
