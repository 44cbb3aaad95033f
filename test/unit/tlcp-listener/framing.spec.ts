import { MAX_TLCP_HEAD_BYTES } from '../../../filters/limits';
import { Refusal, RequestFraming } from '../../../filters/tlcp-listener/framing';

/** Ends of the requests in a text, by the bytes that go on; `!`: refused, `~`: nothing else may come behind. */
function read(text: string, step: i32): string {
  const bytes = Uint8Array.wrap(String.UTF8.encode(text));
  const framing = new RequestFraming();
  let out = '';
  let from = 0;
  let passed = 0;
  for (let to = min(step, bytes.length); ; to = min(to + step, bytes.length)) {
    while (from < to) {
      const taken = framing.take(bytes.dataStart + from, to - from);
      if (framing.refusal != Refusal.None) return out + (framing.refusal == Refusal.TooLong ? '!!' : '!');
      if (taken == 0) break;
      from += taken;
      passed += taken - framing.skipped;
      if (framing.isBetween && taken > framing.skipped) {
        out += passed.toString() + ' ';
        passed = 0;
      }
    }
    if (to == bytes.length) break;
  }
  return framing.isBetween ? out : out + '~';
}

/** The same in pieces of every size. */
function same(text: string): string {
  const whole = read(text, text.length + 1);
  for (let step = 1; step <= text.length; step++) expect<string>(read(text, step)).toBe(whole, step.toString());
  return whole;
}

function head(fields: string): string {
  return 'POST /a HTTP/1.1\r\nhost: a\r\n' + fields + '\r\n\r\n';
}

const GET = 'GET / HTTP/1.1\r\nhost: a\r\n\r\n';
const CHUNKED = 'Transfer-Encoding: chunked';

describe('RequestFraming', () => {
  it('ends requests one by one, in whatever pieces they come, and drops empty lines before them', () => {
    expect<string>(same(GET + '\r\n\r\n' + GET)).toBe('27 27 ');
    expect<string>(same(head('Content-Length: 3') + 'abc' + GET)).toBe('51 27 ');
    expect<string>(same(head('Content-Length:' + ' '.repeat(60) + '3 \t') + '\r\n\r' + GET)).toBe('112 27 ');
    expect<string>(same(head('content-length: 000000000000000003') + 'abc' + GET)).toBe('68 27 ');
    expect<string>(same(head('Content-Length: 0') + GET)).toBe('48 27 ');
    expect<string>(same(head('X-Content-Length: 5') + GET)).toBe('50 27 ');
    expect<string>(same('GET / HTTP/1.0\r\n\r\n' + GET)).toBe('18 27 ');
  });

  it('ends chunked requests behind their trailers', () => {
    const start = head(CHUNKED);
    expect<string>(same(start + '3\r\nabc\r\n00A\r\n\r\n0\r\n\r\n123\r\n0\r\n\r\n' + GET)).toBe('87 27 ');
    expect<string>(same(start + '0\r\nx-a: b\r\ny: c\r\n\r\n' + GET)).toBe('76 27 ');
    expect<string>(same(start + '3\r\nab')).toBe('~');
  });

  it('refuses what parsers may read in two ways', () => {
    const fields: string[] = [
      'Content-Length:\r\n 3',
      'Content-Length: ' + '0'.repeat(60) + '3',
      'Content-Length: 3\r\nContent-Length: 3',
      'Content-Length: 3\r\n' + CHUNKED,
      CHUNKED + '\r\nContent-Length: 3',
      CHUNKED + '\r\n' + CHUNKED,
      'Transfer-Encoding: identity',
      'Transfer-Encoding: chunked, chunked',
      'Transfer-Encoding: \x0bchunked',
      'Content-Length: 3, 3',
      'Content-Length: +3',
      'Content-Length: 0x3',
      'Content-Length: 3 3',
      'Content-Length:',
      'Content-Length : 3',
      ' Content-Length: 3',
      ': 3',
      'no colon',
      'X: a\nY: b',
      'X: a\rY: b',
      'X: \x01',
      'X: \x7f',
      'X\xa0: a',
      'Connection: upgrade\r\nUpgrade: websocket\r\nContent-Length: 0',
      'Upgrade: websocket, h2c',
      'Upgrade: h2c\r\nUpgrade: websocket',
    ];
    for (let i = 0; i < fields.length; i++) expect<string>(same(head(fields[i]))).toBe('!', fields[i]);
    const lines: string[] = [
      'CONNECT a:1 HTTP/1.1',
      'GET  / HTTP/1.1',
      'GET / HTTP/1.1 ',
      'GET / a HTTP/1.1',
      'GET / HTTP/2.0',
      'GET / http/1.1',
      'GET /',
      ' GET / HTTP/1.1',
      'GET\t/ HTTP/1.1',
      'G(T / HTTP/1.1',
    ];
    for (let i = 0; i < lines.length; i++) expect<string>(same(lines[i] + '\r\n\r\n')).toBe('!', lines[i]);
    expect<string>(same('GET / HTTP/1.1\nhost: a\n\n')).toBe('!');
    expect<string>(same('\n' + GET)).toBe('!');
    expect<string>(same('GET / HTTP/1.0\r\n' + CHUNKED + '\r\n\r\n')).toBe('!');
    const sizes: string[] = ['', ' 3', '3 ', '3;a=b', '0x3', '-3', '3g', '1'.repeat(16)];
    for (let i = 0; i < sizes.length; i++) {
      const text = read(head(CHUNKED) + sizes[i] + '\r\n', 1);
      expect<string>(text).toBe('!', sizes[i]);
    }
    expect<string>(same(head(CHUNKED) + '3\r\nabcd\r\n')).toBe('!');
    expect<string>(same(head(CHUNKED) + '3\nabc\r\n')).toBe('!');
    expect<string>(same(head(CHUNKED) + '0\r\nno colon\r\n\r\n')).toBe('!');
    expect<string>(same(head(CHUNKED) + '0\r\nx: a\r\n y\r\n\r\n')).toBe('!');
  });

  it('holds no more than a bound', () => {
    const long = head('x: ' + 'a'.repeat(<i32>MAX_TLCP_HEAD_BYTES));
    expect<string>(read(long, 1000)).toBe('!!');
    expect<string>(read(head(CHUNKED) + '0\r\nx: ' + 'a'.repeat(<i32>MAX_TLCP_HEAD_BYTES), 1000)).toBe('!!');
  });

  it('stands between requests until one goes on, and never again behind an upgrade', () => {
    expect<string>(same('GET / HTTP/1.1\r\nx')).toBe('');
    expect<string>(same(head('Content-Length: 9'))).toBe('~');
    expect<string>(same(head('Connection: keep-alive ,\tUPGRADE\r\nUpgrade: WebSocket') + GET)).toBe('~');
    expect<string>(same(head('Upgrade: websocket\r\nConnection: a\r\nConnection: upgrade') + GET)).toBe('~');
    expect<string>(same(head('Upgrade: h2c') + GET)).toBe('43 27 ');
    expect<string>(same(head('Upgrade: websocket') + GET)).toBe('49 27 ', 'Connection does not name it');
    expect<string>(same(head('Upgrade: websocket\r\nConnection: upgraded') + GET)).toBe('71 27 ');
  });
});
