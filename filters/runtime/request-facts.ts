/** What the callbacks after a request's headers need to know of it. */
export class RequestFacts {
  /** Method is GET, HEAD, DELETE, OPTIONS or TRACE: a request without body is complete. */
  bodiless: bool = false;
  /** Method is HEAD: the response has no body. */
  head: bool = false;
  /** What a stage keeps of the request for the response; 0: nothing. */
  memo: u64 = 0;

  clear(): void {
    this.bodiless = false;
    this.head = false;
    this.memo = 0;
  }
}
