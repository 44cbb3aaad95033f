// Express with its defaults: what it runs for a request, it says in the answer. Ends when its input ends.
// node express-upstream.mjs FOLDER-WITH-EXPRESS express|express4
import { createRequire } from 'node:module';

const express = createRequire(`${process.argv[2]}/`)(process.argv[3]);
const app = express();
const run = (name) => (request, response) => {
  const chunks = [];
  request.on('data', (chunk) => chunks.push(chunk));
  request.on('end', () => response.set('x-executed', name).send(Buffer.concat(chunks)));
};
app.post('/v1/accounts\\:transfer', run('transfer'));
// Express compares paths as they arrive.
app.all(encodeURI('/支付/转账'), run('chinese'));
app.post('/v1/pay', run('pay'));
app.get('/v1/query', run('query'));
const fund = express.Router();
fund.all(/.*/, run('fund'));
app.use('/v1/fund', fund);
app.all('/v1/vault', (request, response, next) =>
  request.hostname === 'pay.bank.test' ? run('vault')(request, response) : next(),
);
app.all('/v1/role', (request, response, next) =>
  request.get('x-role') === 'user' ? run('role')(request, response) : next(),
);
app.use((_request, response) => response.status(404).send());
const server = app.listen(0, '127.0.0.1', () => console.log(server.address().port));
process.stdin.on('end', () => process.exit(0)).resume();
