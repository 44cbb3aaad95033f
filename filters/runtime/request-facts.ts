/** Facts about a request that callbacks after its headers need. */
export class RequestFacts {
  /** Whether the method is GET, HEAD, DELETE, OPTIONS or TRACE, whose requests are complete without body. */
  bodiless: bool = false;
  /** Whether the method is HEAD, whose response has no body. */
  head: bool = false;
  /** Value that a stage keeps from the request for the response. 0: none. */
  memo: u64 = 0;

  clear(): void {
    this.bodiless = false;
    this.head = false;
    this.memo = 0;
  }
}
