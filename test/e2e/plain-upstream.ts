// Node's own server, as scripts use it: it compares the decoded path. What it runs for a request, it says in the
// answer.
import type { IncomingMessage, Server } from 'node:http';
import { createServer } from 'node:http';

function codeFor({ method, headers }: IncomingMessage, path: string): string | undefined {
  if (path === '/v1/accounts:transfer' && method === 'POST') return 'transfer';
  if (path === '/支付/转账') return 'chinese';
  if (path === '/v1/pay' && method?.toUpperCase() === 'POST') return 'pay';
  if (path === '/v1/query' && (method === 'GET' || method === 'HEAD')) return 'query';
  if (path === '/v1/fund' || path.startsWith('/v1/fund/')) return 'fund';
  if (path === '/v1/vault' && headers.host?.toLowerCase().replace(/:.*$/, '').replace(/\.$/, '') === 'pay.bank.test')
    return 'vault';
  return path === '/v1/role' && headers['x-role'] === 'user' ? 'role' : undefined;
}

function decodedPath(url: string): string {
  try {
    return decodeURIComponent(new URL(url, 'http://x').pathname);
  } catch {
    return '';
  }
}

/** A server that is not listening yet. */
export function plainUpstream(): Server {
  return createServer((request, response) => {
    request.resume().on('end', () => {
      const code = codeFor(request, decodedPath(request.url ?? ''));
      response.writeHead(code === undefined ? 404 : 200, code === undefined ? {} : { 'x-executed': code }).end();
    });
  });
}
