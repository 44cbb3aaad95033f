// `node services/limits/main.ts [--listen HOST:PORT] [--metrics HOST:PORT] [--store URL]`: the program of the image, as
// `fim limits serve`. Everyone who reaches its ports may ask.
import { parseArgs } from 'node:util';
import { CodedError } from '../../envoy/standalone/coded-error.ts';
import { serve } from './serve.ts';

const OPTIONS = {
  listen: { type: 'string', default: '0.0.0.0:8081' },
  metrics: { type: 'string', default: '0.0.0.0:9465' },
  store: { type: 'string' },
} as const;

try {
  const { values } = parseArgs({ options: OPTIONS });
  await serve(values, (line) => process.stderr.write(`${line}\n`));
  process.exit(0);
} catch (error) {
  process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`);
  process.exit(error instanceof CodedError || error instanceof TypeError ? 2 : 1);
}
