import type { Guard, GuardState } from '../api/types.ts';
import { duration } from './format.ts';
import type { Tone } from './tone.ts';

const TONES: Record<GuardState, Tone> = {
  off: 'warn',
  armed: 'good',
  inconclusive: 'warn',
  latched: 'bad',
  frozen: 'bad',
};

export function guardTone(guard: Guard): Tone {
  return guard.state === 'armed' && !guard.looking ? 'warn' : TONES[guard.state];
}

/** The guard's own words: why it acted, else what it said last. */
export function guardSentence({ state, reason, looking, last }: Guard): string {
  const acted = state === 'latched' || state === 'frozen';
  if (acted && reason) return sentence(reason);
  if (state === 'off') return 'Nobody watches: the guard is off in the configuration.';
  if (!last) return 'It has not looked yet.';
  if (!looking) return `Nobody has looked for ${duration(last.seconds_ago)}. Then: ${last.reason}.`;
  return sentence(last.reason);
}

function sentence(text: string): string {
  const ended = /[.!?]$/.test(text) ? text : `${text}.`;
  return ended.charAt(0).toUpperCase() + ended.slice(1);
}
