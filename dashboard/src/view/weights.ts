import type { Effective, State } from '../api/types.ts';
import { count, percent } from './format.ts';

export interface Bar {
  label: string;
  standby: number | null; // percent; null where nothing is known
  text: string;
}

/** The share that was asked for and the one that clients really got, on one scale. */
export function bars(state: State, effective: Effective): Bar[] {
  const got = effective.weights?.[state.standby] ?? null;
  return [
    { label: 'Asked', standby: state.share, text: split(state, state.share) },
    {
      label: `Effective, ${effective.seconds} s`,
      standby: got,
      text: got === null ? 'no weighted reads' : split(state, got),
    },
  ];
}

/** Why clients meant for the standby were answered by the active side, the most frequent first. */
export function heldHome({ held_home: held }: Effective): string[] {
  return Object.entries(held)
    .filter(([, reads]) => reads > 0)
    .sort(([, one], [, other]) => other - one)
    .map(([reason, reads]) => `${count(reads)} held home: ${reason.replaceAll('_', ' ')}`);
}

export function routeShares({ route_shares: routes }: State): string[] {
  return Object.entries(routes).map(([route, share]) => `${route}: ${percent(share)}`);
}

/** What was typed as a share, or null. */
export function shareIn(text: string): number | null {
  const value = Number(text);
  return text.trim() !== '' && value >= 0 && value <= 100 ? value : null;
}

function split({ active, standby }: State, share: number): string {
  return `${standby} ${percent(share)} · ${active} ${percent(100 - share)}`;
}
