import type { Control, Wish } from '../../src/api/control.ts';
import { Problem } from '../../src/api/problem.ts';
import type { Diffs, Entry, GroupDetail, HistoryEvent, Outcome, Status } from '../../src/api/types.ts';
import { statusWith } from './fixtures.ts';

export interface Change {
  wish: Wish;
  reason: string;
  version: number;
}

/** A control in memory: what it answers can be set, what it was asked to change is kept. */
export class FakeControl implements Control {
  now: Status = statusWith();
  found: Diffs = { diffs: [], routes: [], noise: [] };
  past: HistoryEvent[] = [];
  stuck: Entry[] = [];
  details: Record<string, GroupDetail> = {};
  refusals: Partial<Record<Wish['verb'], Problem>> = {};
  down: Problem | null = null;
  changes: Change[] = [];

  async status(): Promise<Status> {
    if (this.down) throw this.down;
    return this.now;
  }

  async diffs(): Promise<Diffs> {
    return this.found;
  }

  async diff(id: string): Promise<GroupDetail> {
    const detail = this.details[id];
    if (!detail) throw new Problem(404, `there is no difference with the id ${id}`);
    return detail;
  }

  async history(limit: number): Promise<HistoryEvent[]> {
    return this.past.slice(0, limit);
  }

  async needing(): Promise<Entry[]> {
    return this.stuck;
  }

  async rehearse(wish: Wish): Promise<Outcome> {
    const refusal = this.refusals[wish.verb];
    if (refusal) throw refusal;
    return this.outcome(wish, true);
  }

  async change(wish: Wish, reason: string, version: number): Promise<Outcome> {
    this.changes.push({ wish, reason, version });
    return this.outcome(wish, false);
  }

  private outcome(wish: Wish, dryRun: boolean): Outcome {
    const was = this.now.state;
    const state = wish.verb === 'weight' ? { ...was, share: wish.share } : was;
    return { dry_run: dryRun, changed: true, was, state, notes: [] };
  }
}
