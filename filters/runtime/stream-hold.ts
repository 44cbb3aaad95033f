/** State that a stage keeps for a stream. It is told once that the stream is over, however that came. */
export abstract class StreamHold {
  /** `unserved`: the request was refused, or no upstream had it. Nothing here may throw or allocate. */
  abstract end(unserved: bool): void;

  /** The proxy itself answers the request, and the host's current stream is this one. */
  onProxyReply(): void {}
}
