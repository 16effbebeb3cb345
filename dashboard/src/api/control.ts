import { NO_ANSWER, Problem, problemOf } from './problem.ts';
import type { Diffs, Entry, GroupDetail, HistoryEvent, Outcome, Status } from './types.ts';

/** A change that the operator may want. */
export type Wish =
  | { verb: 'weight'; share: number }
  | { verb: 'start' }
  | { verb: 'stop' }
  | { verb: 'rearm' };

export interface Identity {
  token: string;
  name: string;
}

export interface Control {
  status(signal: AbortSignal): Promise<Status>;
  diffs(signal: AbortSignal): Promise<Diffs>;
  diff(id: string, signal: AbortSignal): Promise<GroupDetail>;
  /** Writes that need a person, the oldest first. */
  needing(signal: AbortSignal): Promise<Entry[]>;
  history(limit: number, signal: AbortSignal): Promise<HistoryEvent[]>;
  /** What would happen. Rejects with the reason where it is refused. */
  rehearse(wish: Wish): Promise<Outcome>;
  /** Do it, if the state is still the one that the operator saw. */
  change(wish: Wish, reason: string, version: number): Promise<Outcome>;
}

const PATIENCE_MS = 5_000;
const UNREASONED = 'is it possible?'; // a rehearsal leaves no trace, but one verb insists on a reason

export function connect(identity: Identity, base = ''): Control {
  const ask = <T>(path: string, options: RequestInit = {}) => send<T>(`${base}${path}`, identity, options);
  const make = (wish: Wish, reason: string, query: string, headers: HeadersInit) =>
    ask<Outcome>(`/api/${wish.verb}${query}`, { method: methodOf(wish), headers, body: bodyOf(wish, reason) });
  return {
    status: (signal) => ask('/api/status', { signal }),
    diffs: (signal) => ask('/api/diffs', { signal }),
    diff: (id, signal) => ask(`/api/diffs/${encodeURIComponent(id)}`, { signal }),
    needing: async (signal) => (await ask<{ entries: Entry[] }>('/api/journal/entries?limit=10', { signal })).entries,
    history: async (limit, signal) => (await ask<{ history: HistoryEvent[] }>(`/api/history?limit=${limit}`, { signal })).history,
    rehearse: (wish) => make(wish, UNREASONED, '?dry_run=1', {}),
    change: (wish, reason, version) => make(wish, reason, '', { 'If-Match': `"${version}"` }),
  };
}

function methodOf(wish: Wish): string {
  return wish.verb === 'weight' ? 'PUT' : 'POST';
}

function bodyOf(wish: Wish, reason: string): string {
  if (wish.verb === 'weight') return JSON.stringify({ share: wish.share, reason });
  return JSON.stringify(wish.verb === 'start' ? { empty: true, reason } : { reason });
}

async function send<T>(url: string, { token, name }: Identity, options: RequestInit): Promise<T> {
  const headers = {
    Authorization: `Bearer ${token}`,
    'Content-Type': 'application/json',
    ...(name && { 'X-Cutover-Who': name }),
    ...options.headers,
  };
  const response = await answered(url, { ...options, headers, signal: patient(options.signal) });
  if (!response.ok) throw await problemOf(response);
  return (await response.json().catch(() => {
    throw new Problem(response.status, 'The answer is not JSON: is this the control?');
  })) as T;
}

async function answered(url: string, options: RequestInit): Promise<Response> {
  try {
    return await fetch(url, options);
  } catch {
    throw new Problem(0, NO_ANSWER);
  }
}

function patient(signal: AbortSignal | null | undefined): AbortSignal {
  const enough = AbortSignal.timeout(PATIENCE_MS);
  return signal ? AbortSignal.any([signal, enough]) : enough;
}
