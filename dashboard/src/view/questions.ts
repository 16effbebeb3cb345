import type { Wish } from '../api/control.ts';
import type { State } from '../api/types.ts';
import { percent } from './format.ts';

export interface Question {
  title: string;
  claim: string | null; // what the operator has to vouch for
}

export function questionOf(wish: Wish, { active, standby }: State): Question {
  if (wish.verb === 'weight') return { title: `Give ${standby} ${percent(wish.share)} of the reads?`, claim: null };
  if (wish.verb === 'stop') return { title: `Stop copying, and let ${active} answer everything?`, claim: null };
  if (wish.verb === 'rearm') return { title: 'Let the guard act again?', claim: null };
  return {
    title: `Start to copy requests to ${standby}?`,
    claim: `Both sides hold the same data: both are empty, or ${active}’s has been copied to ${standby}.`,
  };
}
