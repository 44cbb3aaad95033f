// An answer that a route has ready for the time in which its breaker is open: a text with places that are filled in.
import { Bytes } from '../memory/bytes';
import { scratch } from '../memory/scratch';
import { Writer } from '../memory/writer';
import { Exchange } from '../runtime/exchange';
import { AnswerConfig } from './config.gen';

const OPENING: u8 = 123; // {
const CLOSING: u8 = 125; // }
const RETRY_AFTER: Bytes = Bytes.from('retryAfter');
const HEADER: Bytes = Bytes.from('header:');

const text: Writer = new Writer(scratch);

export class CannedAnswer {
  readonly status: u32;
  readonly contentType: Bytes;
  private readonly template: Bytes;

  constructor(config: AnswerConfig) {
    this.status = <u32>config.status;
    this.contentType = config.contentType;
    this.template = config.body;
  }

  /** Answers the request with it. `waitsSeconds`: value of `{{retryAfter}}`. */
  fill(exchange: Exchange, waitsSeconds: u64): void {
    const template = this.template;
    const end = template.pointer + template.length;
    text.begin(template.length + 64);
    let at = template.pointer;
    let from = at;
    while (at + 1 < end) {
      if (load<u8>(at) != OPENING || load<u8>(at, 1) != OPENING) {
        at++;
        continue;
      }
      const name = at + 2;
      let stop = name;
      while (stop + 1 < end && (load<u8>(stop) != CLOSING || load<u8>(stop, 1) != CLOSING)) stop++;
      if (stop + 1 >= end) break;
      text.bytes(from, <u32>(at - from));
      fillIn(exchange, name, <u32>(stop - name), waitsSeconds);
      at = stop + 2;
      from = at;
    }
    text.bytes(from, <u32>(end - from));
    exchange.reply.answerInstead(
      this.status,
      this.contentType.pointer,
      this.contentType.length,
      text.pointer,
      text.length,
    );
  }
}

/** A value of the request, as a JSON string has it. What is not known is nothing. */
function fillIn(exchange: Exchange, name: usize, length: u32, waitsSeconds: u64): void {
  if (RETRY_AFTER.equals(name, length)) text.decimal(waitsSeconds);
  else if (length > HEADER.length && HEADER.equals(name, HEADER.length)) {
    if (exchange.header(name + HEADER.length, length - HEADER.length))
      text.jsonText(exchange.valuePointer, exchange.valueLength);
  }
}
