import { execFile } from 'node:child_process';
import { access, readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { expect, it } from 'vitest';

const CLIENT = join(import.meta.dirname, '..');
const DIST = join(CLIENT, 'dist');
const run = promisify(execFile);

async function build() {
  const { NODE_ENV, VITE_API_URL, VITE_WS_URL, ...env } = process.env; // those of the test are not the build's
  await run('npm', ['run', 'build'], { cwd: CLIENT, env });
  return readFile(join(DIST, 'index.html'), 'utf8');
}

it('npm run build makes a page whose files exist and that talks to the edge', { timeout: 120_000 }, async () => {
  await rm(DIST, { recursive: true, force: true });
  const page = await build();
  const files = [...page.matchAll(/(?:src|href)="\/([^"]+)"/g)].map(([, file]) => file);
  await Promise.all(files.map((file) => access(join(DIST, file))));
  const script = await readFile(join(DIST, files.find((file) => file.endsWith('.js'))), 'utf8');
  expect(script).toContain('https://rotc-edge.onrender.com');
  expect(script).toContain('wss://rotc-edge.onrender.com');
});
