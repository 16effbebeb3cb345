import type { Numbers, Totals } from '../api/types.ts';
import type { Tone } from './tone.ts';

export interface Row {
  name: string;
  count: number;
  tone: Tone;
}

// In the order of a verdict's weight for the operator; verdicts that a newer control invents follow.
const VERDICTS: [string, string, Tone][] = [
  ['mismatched', 'mismatched', 'bad'],
  ['failed', 'no answer', 'bad'],
  ['matched', 'matched', 'good'],
  ['ignored', 'allowed by a rule', 'good'],
  ['noise', 'noise', 'plain'],
  ['moving', 'data moved in between', 'plain'],
  ['not_compared', 'not compared', 'warn'],
];

export function verdictRows(verdicts: Numbers): Row[] {
  const known = VERDICTS.map(([verdict, name, tone]) => ({ name, count: verdicts[verdict] ?? 0, tone }));
  const names = new Set(VERDICTS.map(([verdict]) => verdict));
  const others = Object.entries(verdicts).filter(([verdict]) => !names.has(verdict));
  const rest = others.map(([name, number]): Row => ({ name, count: number, tone: 'plain' }));
  return [...known, ...rest].filter((row) => row.count > 0);
}

export function mostFirst(numbers: Numbers): [string, number][] {
  return Object.entries(numbers).sort(([, one], [, other]) => other - one);
}

/** The worst routes first; those where nothing was compared last. */
export function worstFirst(routes: Totals[]): Totals[] {
  return [...routes].sort((one, other) => (one.match_rate ?? 2) - (other.match_rate ?? 2) || other.compared - one.compared);
}

export function rateTone(value: number | null): Tone {
  if (value === null) return 'plain';
  return value === 1 ? 'good' : 'warn';
}

