/** Text that an algorithm seals or opens, and the place for the result. */
export class CipherJob {
  iv: usize = 0;
  /** Associated data. */
  aad: usize = 0;
  aadLength: u32 = 0;
  /** Text to seal, or ciphertext to open. */
  from: usize = 0;
  length: u32 = 0;
  /** Place of the result. */
  to: usize = 0;
  /** Place of the tag: written by sealing, read by opening. */
  tag: usize = 0;

  /** Without associated data. */
  set(iv: usize, from: usize, length: u32, to: usize, tag: usize): this {
    this.iv = iv;
    this.from = from;
    this.length = length;
    this.to = to;
    this.tag = tag;
    return this.bind(0, 0);
  }

  /** Binds the message to its associated data. */
  bind(aad: usize, aadLength: u32): this {
    this.aad = aad;
    this.aadLength = aadLength;
    return this;
  }
}

/** The one job: nothing seals or opens two at a time. */
export const job: CipherJob = new CipherJob();
