import { Bytes } from '../memory/bytes';
import { scratch } from '../memory/scratch';
import { Writer } from '../memory/writer';
import { Exchange } from '../runtime/exchange';
import { Direction } from '../runtime/direction';

const text: Writer = new Writer(scratch);

/**
 * Request header that tells the upstream the verdict, as an item of RFC 9651: `valid;profile="3.0.2"`, or under
 * `Observe` `invalid;observed;errors=2;profile="3.0.2"`. The client's header of that name is removed before anything is
 * judged.
 */
export class VerdictHeader {
  /** `name`: lower case, empty for no header. `profile`: letters, digits, `.` and `-`. */
  constructor(
    private readonly name: Bytes,
    private readonly profile: Bytes,
  ) {}

  strip(exchange: Exchange): void {
    if (this.name.length != 0 && exchange.header(this.name.pointer, this.name.length))
      exchange.removeHeader(this.name.pointer, this.name.length);
  }

  /** Sets the verdict on a request. `errors`: 0 if it is valid. */
  set(exchange: Exchange, errors: u32): void {
    if (this.name.length == 0 || exchange.direction != Direction.Request) return;
    text.begin(128);
    if (errors == 0) text.ascii('valid');
    else {
      text.ascii('invalid;observed;errors=');
      text.decimal(errors);
    }
    if (this.profile.length != 0) {
      text.ascii(';profile="');
      text.bytes(this.profile.pointer, this.profile.length);
      text.byte(34);
    }
    if (!text.overflowed) exchange.setHeader(this.name.pointer, this.name.length, text.pointer, text.length);
  }
}
