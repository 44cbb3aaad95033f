// An upstream in a process of its own, that prints when it got each request.
import { writeSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';

const STDOUT = 1;
const server = createServer((request, response) => {
  writeSync(STDOUT, `${request.url} ${process.hrtime.bigint()}\n`);
  request.resume();
  response.end();
});
server.listen(0, '127.0.0.1', () => writeSync(STDOUT, `port ${(server.address() as AddressInfo).port}\n`));
