import { vi } from 'vitest';

/** The modules as a build for this edge has them: the addresses are read when a module is loaded. */
export async function loadFor(edge, path) {
  vi.resetModules();
  vi.stubEnv('VITE_API_URL', edge);
  vi.stubEnv('VITE_WS_URL', edge.replace(/^http/, 'ws'));
  return import(path);
}

export async function loadApi(edge) {
  return loadFor(edge, '../../src/utils/api.js');
}
