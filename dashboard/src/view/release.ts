import type { Phase, State } from '../api/types.ts';
import { percent } from './format.ts';
import type { Tone } from './tone.ts';

const TONES: Record<Phase, Tone> = {
  resting: 'plain',
  shadowing: 'good',
  ramping: 'good',
  watching: 'warn',
  complete: 'good',
  halted: 'bad',
};

export function phaseTone(phase: Phase): Tone {
  return TONES[phase];
}

/** What the phase means now, for the two backends at hand. */
export function phaseSentence(state: State): string {
  const { active, standby } = state;
  const sentences: Record<Phase, string> = {
    resting: `${active} answers everything. Nothing is copied to ${standby}.`,
    shadowing: `${active} answers everything. ${standby} gets copies, and nobody sees its answers.`,
    ramping: `${ramped(state)} ${active} answers the rest.`,
    watching: `The roles have just been swapped: ${active} answers everything, ${standby} stands by.`,
    complete: `The release is complete: ${active} answers everything.`,
    halted: `Both backends look unwell. ${active} owns the writes; a person decides what happens now.`,
  };
  return sentences[state.phase];
}

function ramped({ standby, share, route_shares: routes }: State): string {
  const own = Object.keys(routes).length;
  const besides = own === 0 ? '' : `, and its own share of ${own} route${own === 1 ? '' : 's'}`;
  return `${standby} answers the reads of ${percent(share)} of the clients${besides}.`;
}
