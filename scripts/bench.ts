// npm run bench -- AREA [--json FILE]: runs bench/AREA/index.ts, whose `main` gets the arguments after the area.
import { readdirSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

const FOLDER = fileURLToPath(new URL('../bench', import.meta.url));
const areas = readdirSync(FOLDER, { withFileTypes: true })
  .filter((entry) => entry.isDirectory())
  .map((entry) => entry.name)
  .sort();

const [area, ...args] = process.argv.slice(2);
if (area === undefined || !areas.includes(area)) {
  console.error(`usage: npm run bench -- AREA [--json FILE]\nareas: ${areas.join(' ')}`);
  process.exit(2);
}
const bench = (await import(`../bench/${area}/index.ts`)) as { main: (args: string[]) => Promise<void> };
await bench.main(args);
