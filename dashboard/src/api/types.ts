/** What the control API answers; docs of every field: GET /api/openapi.json. */

export type Phase = 'resting' | 'shadowing' | 'ramping' | 'watching' | 'complete' | 'halted';
export type GuardState = 'off' | 'armed' | 'inconclusive' | 'latched' | 'frozen';
export type Numbers = Record<string, number>;

export interface State {
  version: number;
  epoch: number;
  phase: Phase;
  active: string;
  standby: string;
  share: number;
  weights: Numbers;
  route_shares: Numbers;
  pins: number;
  guard: GuardState;
  guard_reason: string;
}

export interface Effective {
  seconds: number;
  reads: number;
  weights: Numbers | null;
  held_home: Numbers;
}

export interface Health {
  healthy: boolean | null;
  reason: string;
  since: string;
}

export interface Judgement {
  action: string;
  rule: string;
  reason: string;
  evidence: Record<string, unknown>;
  seconds_ago: number;
  by: string;
}

export interface Guard {
  state: GuardState;
  reason: string;
  since: string | null;
  looking: boolean;
  last: Judgement | null;
}

export interface Edge {
  id: string;
  alive: boolean;
  agrees: boolean;
  version: number;
  seconds_ago: number;
}

export interface Totals {
  route: string;
  compared: number;
  match_rate: number | null;
  verdicts: Numbers;
  not_compared: Numbers;
  rules: Numbers;
}

export type Mirror = ({ available: true } & Totals) | { available: false; reason: string };

/** What waits in one state of the journal of writes. */
export interface Waiting {
  count: number;
  oldest_seconds: number;
}

export interface Entry {
  number: number;
  state: string;
  route: string;
  lanes: string[];
  at: string;
  seconds_ago: number;
  reason: string;
}

export interface Backlog {
  alert: 'ok' | 'attention';
  reasons: string[]; // why a person should look
  lag_seconds: number;
  states: Record<string, Waiting>;
  replayer: { term: number; by: string } | null;
}

export type Journal = ({ available: true } & Backlog) | { available: false; reason: string };

export interface Status {
  version: string;
  data: 'separate' | 'shared';
  state: State;
  effective: Effective;
  health: Record<string, Health>;
  guard: Guard;
  edges: Edge[];
  mirror: Mirror;
  journal: Journal;
}

export interface Group {
  id: string;
  route: string;
  pattern: string;
  kind: string;
  count: number;
  first_seen: string;
  last_seen: string;
  status: string;
  rule: string | null;
}

export interface Example {
  at: number;
  request: string;
  method: string;
  target: string;
  path: string;
  active: string;
  standby: string;
  active_status: number;
  standby_status: number;
  active_body: string;
  standby_body: string;
}

export interface GroupDetail extends Group {
  examples: Example[];
}

export interface Noise {
  route: string;
  pattern: string;
  kind: string;
  rule: string;
  count: number;
}

export interface Diffs {
  diffs: Group[];
  routes: Totals[];
  noise: Noise[];
}

export type Values = Record<string, unknown>;

export interface HistoryEvent {
  id: number;
  at: string;
  version: number;
  epoch: number;
  kind: string;
  from: Values;
  to: Values;
  why: string;
  who: string;
  evidence: Values;
}

export interface Outcome {
  dry_run: boolean;
  changed: boolean;
  was: State;
  state: State;
  notes: string[];
}
