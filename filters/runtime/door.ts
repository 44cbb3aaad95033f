// The door: a listener of the proxy's own host, through which an operator looks into the machines and acts on them. What
// comes through it is known by the root context of its stream, whose configuration says so: nothing that a request says
// makes it one of the door.
import { ErrorId } from '../errors.gen';
import { Bytes } from '../memory/bytes';
import { scratch } from '../memory/scratch';
import { Writer } from '../memory/writer';
import { Result, proxy_send_local_response } from './abi';
import { Configuration } from './configuration';
import { Exchange } from './exchange';
import { METHOD, PATH } from './names';
import { Reply } from './reply';

const POST: Bytes = Bytes.from('POST');
const QUESTION_MARK: u8 = 63;
const AMPERSAND: u8 = 38;
const EQUALS: u8 = 61;
const MAX_NUMBER_DIGITS: u32 = 15;
const OK: u32 = 200;
const GRPC_STATUS_NONE: u32 = u32.MAX_VALUE;

// A count of one, the lengths of name and value, then both with NUL behind, in the host's layout.
const JSON_TYPE: Bytes = pairOf('content-type', 'application/json');

/** A request of the door on its way. One per VM, since callbacks never nest. */
export class Visit {
  /** Its headers are fetched. */
  exchange!: Exchange;
  /** The handler of the proxy's own requests in this machine. */
  configuration!: Configuration;
  /** Whether something is to be changed (POST). */
  acts: bool = false;
  /** The path behind the prefix, without the query. */
  restPointer: usize = 0;
  restLength: u32 = 0;
  private queryPointer: usize = 0;
  private queryLength: u32 = 0;
  /** The answer: one JSON document. */
  readonly answer: Writer = new Writer(scratch);
  /** The error that is answered instead. */
  error: ErrorId = ErrorId.None;

  /** Whether the path behind the prefix is `text`. */
  asksFor(text: Bytes): bool {
    return text.equals(this.restPointer, this.restLength);
  }

  refuse(error: ErrorId): void {
    this.error = error;
  }

  /** A number of the query, `name=123`; `absent` where it is not there or none. */
  number(name: Bytes, absent: u64): u64 {
    let at = this.queryPointer;
    const end = at + this.queryLength;
    while (at < end) {
      let stop = at;
      while (stop < end && load<u8>(stop) != AMPERSAND) stop++;
      const value = at + name.length + 1;
      if (value <= stop && load<u8>(value - 1) == EQUALS && name.equals(at, name.length))
        return numberOf(value, <u32>(stop - value), absent);
      at = stop + 1;
    }
    return absent;
  }

  /** Takes the path apart. False: the request has none. */
  read(exchange: Exchange, configuration: Configuration): bool {
    this.exchange = exchange;
    this.configuration = configuration;
    this.error = ErrorId.None;
    this.acts = exchange.header(METHOD.pointer, METHOD.length) && isPost(exchange);
    if (!exchange.header(PATH.pointer, PATH.length)) return false;
    const path = exchange.valuePointer;
    let length: u32 = 0;
    while (length < exchange.valueLength && load<u8>(path + length) != QUESTION_MARK) length++;
    this.restPointer = path;
    this.restLength = length;
    this.queryPointer = path + min(length + 1, exchange.valueLength);
    this.queryLength = exchange.valueLength - min(length + 1, exchange.valueLength);
    this.answer.begin(1024);
    return true;
  }
}

function isPost(exchange: Exchange): bool {
  return POST.equals(exchange.valuePointer, exchange.valueLength);
}

function numberOf(pointer: usize, length: u32, absent: u64): u64 {
  if (length == 0 || length > MAX_NUMBER_DIGITS) return absent;
  let value: u64 = 0;
  for (let i: u32 = 0; i < length; i++) {
    const digit = <u32>load<u8>(pointer + i) - 48;
    if (digit > 9) return absent;
    value = value * 10 + digit;
  }
  return value;
}

/** Everything below one path that a stage or a service tells, or does, through the door. */
export abstract class DoorKeeper {
  readonly prefix: Bytes;

  /** `prefix`: with slashes at both ends, `/limits/`. */
  constructor(prefix: string) {
    this.prefix = Bytes.from(prefix);
  }

  /**
   * Writes the answer, or refuses. Nothing may wait: what is not known at once is not told. False: it knows no such
   * path.
   */
  abstract attend(visit: Visit): bool;
}

const keepers: DoorKeeper[] = [];
const visit: Visit = new Visit();
const reply: Reply = new Reply();

/** Registers a keeper, at the start of the VM. */
export function keepDoor(keeper: DoorKeeper): void {
  if (!keepers.includes(keeper)) keepers.push(keeper);
}

/**
 * Answers a request of the door, whose headers are fetched. False: no keeper of this module knows the path, so that the
 * next filter may.
 */
export function answerDoor(exchange: Exchange, configuration: Configuration): bool {
  if (!visit.read(exchange, configuration)) return false;
  for (let i = 0; i < keepers.length; i++) {
    const keeper = unchecked(keepers[i]);
    const prefix = keeper.prefix;
    const length = <u32>prefix.length;
    if (visit.restLength < length || !prefix.equals(visit.restPointer, length)) continue;
    visit.restPointer += length;
    visit.restLength -= length;
    if (!keeper.attend(visit)) return false;
    send();
    return true;
  }
  return false;
}

function send(): void {
  if (visit.answer.overflowed) visit.refuse(ErrorId.FIM_RT_0006);
  if (visit.error != ErrorId.None) {
    reply.begin(visit.error);
    reply.compose(Bytes.EMPTY, 0);
    reply.send();
    return;
  }
  proxy_send_local_response(
    OK,
    0,
    0,
    visit.answer.pointer,
    visit.answer.length,
    JSON_TYPE.pointer,
    JSON_TYPE.length,
    GRPC_STATUS_NONE,
  );
}

function pairOf(name: string, value: string): Bytes {
  const head = '\x01\0\0\0' + lengthOf(name) + lengthOf(value);
  return Bytes.from(head + name + '\0' + value + '\0');
}

function lengthOf(text: string): string {
  return String.fromCharCode(text.length) + '\0\0\0';
}
