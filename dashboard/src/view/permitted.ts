import type { Wish } from '../api/control.ts';
import type { Status } from '../api/types.ts';

/** The wishes whose possibility is asked for ahead, so that a button that would be refused says so before it is pressed. */
export type Verb = 'raise' | 'start' | 'stop' | 'rearm';

/** Why not, by verb; null where it is possible. `forbidden`: why this token may change nothing at all. */
export interface Permitted {
  forbidden: string | null;
  refused: Partial<Record<Verb, string | null>>;
}

export function wishes({ state }: Status): Partial<Record<Verb, Wish>> {
  return {
    ...(state.share < 100 && { raise: { verb: 'weight', share: Math.min(100, state.share + 1) } as const }),
    start: { verb: 'start' },
    stop: { verb: 'stop' },
    rearm: { verb: 'rearm' },
  };
}

/** Changes whenever an answer to a wish may have changed. */
export function occasion({ state, guard, health }: Status): string {
  const known = Object.entries(health).map(([name, { healthy }]) => `${name}=${healthy}`);
  return [state.version, guard.state, ...known].join(' ');
}

/** Why a share cannot be asked for now: empty where it can. */
export function shareReasons(draft: number | null, { state }: Status, permitted: Permitted | null): string[] {
  if (permitted?.forbidden) return [permitted.forbidden];
  if (draft === null) return ['A share is a number from 0 to 100.'];
  if (draft === state.share) return [`${state.standby} has this share already.`];
  return draft < state.share ? [] : reasons('raise', permitted);
}

export function reasons(verb: Verb, permitted: Permitted | null): string[] {
  if (permitted === null) return ['Asking whether it is possible…'];
  const refusal = permitted.forbidden ?? permitted.refused[verb];
  return refusal ? [refusal] : [];
}
