import type { Backlog, Guard, Journal, State, Status } from '../../src/api/types.ts';

export function stateWith(change: Partial<State> = {}): State {
  const share = change.share ?? 5;
  return {
    version: 12,
    epoch: 1,
    phase: 'ramping',
    active: 'node',
    standby: 'django',
    share,
    weights: { node: 100 - share, django: share },
    route_shares: {},
    pins: 0,
    guard: 'armed',
    guard_reason: '',
    ...change,
  };
}

export function guardWith(change: Partial<Guard> = {}): Guard {
  return {
    state: 'armed',
    reason: '',
    since: null,
    looking: true,
    last: {
      action: 'hold',
      rule: 'error_rate>0.1',
      reason: 'django failed 2 of 800 requests (0.25 %) in 120 s; that is not surely above 10 %',
      evidence: { requests: 800, failed: 2 },
      seconds_ago: 0.4,
      by: 'host:1',
    },
    ...change,
  };
}

export function journalWith(change: Partial<Backlog> = {}): Journal {
  return {
    available: true,
    alert: 'ok',
    reasons: [],
    lag_seconds: 0,
    states: {},
    replayer: { term: 3, by: 'host:7' },
    ...change,
  };
}

export function statusWith(change: Partial<Status> = {}): Status {
  const state = change.state ?? stateWith();
  return {
    version: '0.1.0',
    data: 'separate',
    state,
    effective: { seconds: 60, reads: 1000, weights: { node: 95.8, django: 4.2 }, held_home: { pending_write: 8 } },
    health: {
      node: { healthy: true, reason: 'answers', since: '2024-08-05T01:00:00Z' },
      django: { healthy: true, reason: 'answers', since: '2024-08-05T01:00:00Z' },
    },
    guard: guardWith(),
    edges: [{ id: 'edge-1', alive: true, agrees: true, version: state.version, seconds_ago: 0.2 }],
    mirror: {
      available: true,
      route: '*',
      compared: 1000,
      match_rate: 0.998,
      verdicts: { matched: 900, ignored: 98, mismatched: 2 },
      not_compared: {},
      rules: { 'numeric totals': 98 },
    },
    journal: journalWith(),
    ...change,
  };
}
