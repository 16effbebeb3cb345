import type { Identity } from './control.ts';

// Of this tab only, and gone with it: the token may move a live system.
const KEY = 'cutover';

export function remembered(): Identity | null {
  const kept = sessionStorage.getItem(KEY);
  return kept === null ? null : (JSON.parse(kept) as Identity);
}

export function remember(identity: Identity): void {
  sessionStorage.setItem(KEY, JSON.stringify(identity));
}

export function forget(): void {
  sessionStorage.removeItem(KEY);
}
