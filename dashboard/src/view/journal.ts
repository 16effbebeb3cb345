import type { Entry, Waiting } from '../api/types.ts';
import { count, duration } from './format.ts';
import type { Tone } from './tone.ts';

export interface WaitingRow {
  name: string;
  text: string;
  tone: Tone;
}

// What needs a person comes first; states that a newer control invents follow.
const STATES: [string, Tone][] = [
  ['parked', 'bad'],
  ['diverged', 'bad'],
  ['abandoned', 'bad'],
  ['unknown', 'warn'],
  ['done', 'plain'],
  ['intent', 'plain'],
];
const NAMES: Record<string, string> = { done: 'to be replayed', intent: 'under way' };

export function waitingRows(states: Record<string, Waiting>): WaitingRow[] {
  const known = STATES.map(([state]) => state);
  const others = Object.keys(states).filter((state) => !known.includes(state));
  const tones = new Map(STATES);
  return [...known, ...others].flatMap((state) => {
    const found = states[state];
    if (!found) return [];
    const text = `${count(found.count)}, for ${duration(found.oldest_seconds)}`;
    return [{ name: NAMES[state] ?? state, text, tone: tones.get(state) ?? 'plain' }];
  });
}

/** The empty lane is everything. */
export function lanesOf(entry: Entry): string {
  return entry.lanes.map((lane) => lane || 'everything').join(', ');
}
