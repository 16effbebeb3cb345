import { describe, expect, it } from 'vitest';

import type { GuardState, Phase, Totals } from '../src/api/types.ts';
import { changes, stateChanges } from '../src/view/changes.ts';
import { edgesView } from '../src/view/edges.ts';
import { guardSentence, guardTone } from '../src/view/guard.ts';
import { healthTone, healthWord } from '../src/view/health.ts';
import { rateTone, verdictRows, worstFirst } from '../src/view/mirror.ts';
import { questionOf } from '../src/view/questions.ts';
import { phaseSentence, phaseTone } from '../src/view/release.ts';
import { bars, heldHome, routeShares, shareIn } from '../src/view/weights.ts';
import { guardWith, stateWith, statusWith } from './support/fixtures.ts';

describe('the phase', () => {
  it.each<Phase>(['resting', 'shadowing', 'ramping', 'watching', 'complete', 'halted'])('%s names who answers', (phase) => {
    expect(phaseSentence(stateWith({ phase }))).toContain('node');
    expect(phaseTone(phase)).toBeTruthy();
  });

  it('says how far the ramp is, also by route', () => {
    expect(phaseSentence(stateWith({ share: 25 }))).toBe(
      'django answers the reads of 25 % of the clients. node answers the rest.',
    );
    expect(phaseSentence(stateWith({ share: 0, route_shares: { 'GET /cadets': 50 } }))).toBe(
      'django answers the reads of 0 % of the clients, and its own share of 1 route. node answers the rest.',
    );
  });
});

describe('the weights', () => {
  it('are shown as asked and as they were', () => {
    const { state, effective } = statusWith();
    expect(bars(state, effective)).toEqual([
      { label: 'Asked', standby: 5, text: 'django 5 % · node 95 %' },
      { label: 'Effective, 60 s', standby: 4.2, text: 'django 4.2 % · node 95.8 %' },
    ]);
  });

  it('say so where there was nothing to weigh', () => {
    const nothing = { seconds: 60, reads: 0, weights: null, held_home: {} };
    expect(bars(stateWith(), nothing)[1]).toMatchObject({ standby: null, text: 'no weighted reads' });
  });

  it('name why reads were held home, the most frequent first', () => {
    const held_home = { stale_tail: 2, pending_write: 1200, other: 0 };
    expect(heldHome({ seconds: 60, reads: 1, weights: null, held_home })).toEqual([
      '1,200 held home: pending write',
      '2 held home: stale tail',
    ]);
  });

  it('name the routes with a share of their own', () => {
    expect(routeShares(stateWith({ route_shares: { 'GET /cadets': 12.5 } }))).toEqual(['GET /cadets: 12.5 %']);
  });

  it.each([
    ['0', 0],
    ['12.5', 12.5],
    ['100', 100],
    ['', null],
    [' ', null],
    ['-1', null],
    ['101', null],
    ['x', null],
    ['Infinity', null],
  ])('%j typed is %s', (text, share) => {
    expect(shareIn(text)).toBe(share);
  });
});

describe('the guard', () => {
  it('speaks for itself', () => {
    expect(guardSentence(guardWith())).toBe(
      'Django failed 2 of 800 requests (0.25 %) in 120 s; that is not surely above 10 %.',
    );
  });

  it.each<GuardState>(['latched', 'frozen'])('that is %s says why it acted, not what it said last', (state) => {
    expect(guardSentence(guardWith({ state, reason: 'django failed 90 of 100 requests' }))).toBe(
      'Django failed 90 of 100 requests.',
    );
    expect(guardTone(guardWith({ state }))).toBe('bad');
  });

  it('that has fallen silent is no good sign', () => {
    const silent = guardWith({ looking: false });
    expect(guardSentence({ ...silent, last: silent.last && { ...silent.last, seconds_ago: 75 } })).toMatch(
      /^Nobody has looked for 1 min\. Then: django failed/,
    );
    expect(guardTone(silent)).toBe('warn');
    expect(guardSentence(guardWith({ last: null, looking: false }))).toBe('It has not looked yet.');
  });

  it('that is off is said to be off', () => {
    expect(guardSentence(guardWith({ state: 'off' }))).toContain('off in the configuration');
  });
});

describe('health', () => {
  it.each([
    [true, 'healthy', 'good'],
    [false, 'unhealthy', 'bad'],
    [null, 'unknown', 'warn'],
  ])('%s is told as %s', (healthy, word, tone) => {
    const health = { healthy, reason: '', since: '' };
    expect([healthWord(health), healthTone(health)]).toEqual([word, tone]);
  });
});

describe('the edges', () => {
  const edge = { id: 'a', alive: true, agrees: true, version: 1, seconds_ago: 0 };
  it.each([
    [[], 'bad', 'No edge is heard of.'],
    [[{ ...edge, alive: false }], 'bad', 'No edge is heard of.'],
    [[edge], 'good', '1 edge process alive, all on the newest state.'],
    [[edge, { ...edge, agrees: false }], 'warn', '2 edge processes alive, 1 not yet on the newest state.'],
  ])('%#', (edges, tone, text) => {
    expect(edgesView(edges)).toEqual({ tone, text });
  });
});

describe('the mirror', () => {
  it('shows the worst verdicts first, none that never happened, and those it does not know', () => {
    const rows = verdictRows({ matched: 5, mismatched: 1, moving: 0, novel: 2 });
    expect(rows.map(({ name, count }) => [name, count])).toEqual([
      ['mismatched', 1],
      ['matched', 5],
      ['novel', 2],
    ]);
  });

  it('shows the worst routes first', () => {
    const route = (name: string, match_rate: number | null, compared: number): Totals => ({
      route: name,
      compared,
      match_rate,
      verdicts: {},
      not_compared: {},
      rules: {},
    });
    const sorted = worstFirst([route('none', null, 0), route('all', 1, 5), route('more', 1, 9), route('bad', 0.5, 2)]);
    expect(sorted.map((totals) => totals.route)).toEqual(['bad', 'more', 'all', 'none']);
  });

  it('calls nothing good that is not all good', () => {
    expect([rateTone(null), rateTone(0.999999), rateTone(1)]).toEqual(['plain', 'warn', 'good']);
  });
});

describe('changes', () => {
  it('are told one by one', () => {
    const from = { phase: 'shadowing', share: 0, route_shares: {}, pins: { ann: null } };
    const to = { phase: 'ramping', share: 5, route_shares: { 'GET /cadets': 50 }, pins: { ann: 'django' } };
    expect(changes(from, to)).toEqual([
      'phase shadowing → ramping',
      'share 0 % → 5 %',
      'share of GET /cadets: none → 50 %',
      'pin ann: none → django',
    ]);
  });

  it('of the beginning have no before', () => {
    expect(changes({}, { active: 'node', share: 0 })).toEqual(['active node', 'share 0 %']);
  });

  it('between two states leave out what follows from them', () => {
    expect(stateChanges(stateWith({ share: 5 }), stateWith({ share: 25, version: 13 }))).toEqual(['share 5 % → 25 %']);
  });
});

describe('questions', () => {
  it('name what is about to happen', () => {
    expect(questionOf({ verb: 'weight', share: 25 }, stateWith()).title).toBe('Give django 25 % of the reads?');
    expect(questionOf({ verb: 'stop' }, stateWith()).title).toContain('node');
    expect(questionOf({ verb: 'rearm' }, stateWith()).claim).toBeNull();
  });

  it('to start need a word on the data', () => {
    expect(questionOf({ verb: 'start' }, stateWith()).claim).toContain('same data');
  });
});
