import type { Edge } from '../api/types.ts';
import type { Tone } from './tone.ts';

export interface EdgesView {
  tone: Tone;
  text: string;
}

/** One line about all edges: how many live, and whether they route by the newest state. */
export function edgesView(edges: Edge[]): EdgesView {
  const alive = edges.filter((edge) => edge.alive);
  const behind = alive.filter((edge) => !edge.agrees).length;
  if (alive.length === 0) return { tone: 'bad', text: 'No edge is heard of.' };
  const living = `${alive.length} edge process${alive.length === 1 ? '' : 'es'} alive`;
  if (behind > 0) return { tone: 'warn', text: `${living}, ${behind} not yet on the newest state.` };
  return { tone: 'good', text: `${living}, all on the newest state.` };
}
