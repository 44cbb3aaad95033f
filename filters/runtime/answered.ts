// What became of a request that was sent, told to whoever waits for it: as soon as its answer begins, else at its end.
import { Bytes } from '../memory/bytes';
import { HeaderMap } from './abi';
import { readHeader, readProperty, resultLength, resultPointer } from './host';
import { STATUS } from './names';
import { Stream } from './stream';

const CODE_DETAILS: Bytes = Bytes.from('response\0code_details');
/** Beginnings of the details of what an upstream is to answer for. */
const OF_UPSTREAM: StaticArray<Bytes> = [
  Bytes.from('via_upstream'),
  Bytes.from('upstream'),
  Bytes.from('no_healthy_upstream'),
  Bytes.from('response_timeout'),
];
/** Beginnings of the details of a time that was over. */
const TIME_OVER: StaticArray<Bytes> = [Bytes.from('upstream_response_timeout'), Bytes.from('response_timeout')];
/** Digit five: a status from 500 on is a fault. */
const FIVE: u8 = 53;

/** An answer begins. */
export function noteAnswer(stream: Stream): void {
  const sent = stream.facts.sent;
  const watcher = sent.watcher;
  if (watcher == null) return;
  sent.watcher = null;
  const fault = readHeader(HeaderMap.ResponseHeaders, STATUS.pointer, STATUS.length) && isFault();
  if (fault && !isOfUpstream(sent.hurried)) watcher.onNoAnswer(sent);
  else watcher.onAnswer(sent, fault);
}

/** The stream is over. */
export function noteEnd(stream: Stream): void {
  const sent = stream.facts.sent;
  const watcher = sent.watcher;
  if (watcher == null) return;
  sent.watcher = null;
  watcher.onNoAnswer(sent);
}

function isFault(): bool {
  return resultLength() == 3 && load<u8>(resultPointer()) >= FIVE;
}

function isOfUpstream(hurried: bool): bool {
  if (!readProperty(CODE_DETAILS.pointer, CODE_DETAILS.length)) return true;
  return beginsWithOneOf(OF_UPSTREAM) && !(hurried && beginsWithOneOf(TIME_OVER));
}

function beginsWithOneOf(beginnings: StaticArray<Bytes>): bool {
  for (let i = 0; i < beginnings.length; i++) {
    const beginning = unchecked(beginnings[i]);
    if (resultLength() >= beginning.length && beginning.equals(resultPointer(), beginning.length)) return true;
  }
  return false;
}
