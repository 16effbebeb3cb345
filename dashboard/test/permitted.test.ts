import { describe, expect, it } from 'vitest';

import { occasion, reasons, shareReasons, wishes } from '../src/view/permitted.ts';
import { guardWith, stateWith, statusWith } from './support/fixtures.ts';

const ALLOWED = { forbidden: null, refused: {} };
const LATCHED = { forbidden: null, refused: { raise: 'the guard is latched' } };
const VIEWER = { forbidden: 'this token may look, but not change anything', refused: {} };

describe('a share', () => {
  const status = statusWith({ state: stateWith({ share: 25 }) });

  it.each([
    ['may be raised where the control allows it', 50, ALLOWED, []],
    ['may not where it refuses, and says why', 50, LATCHED, ['the guard is latched']],
    ['may always be lowered', 5, LATCHED, []],
    ['may not be changed by a viewer at all', 5, VIEWER, [VIEWER.forbidden]],
    ['has to differ', 25, ALLOWED, ['django has this share already.']],
    ['has to be a number', null, ALLOWED, ['A share is a number from 0 to 100.']],
    ['may not be raised on a guess', 50, null, ['Asking whether it is possible…']],
  ])('%s', (_, draft, permitted, expected) => {
    expect(shareReasons(draft, status, permitted)).toEqual(expected);
  });
});

describe('a verb', () => {
  it('is possible where nothing speaks against it', () => {
    expect(reasons('stop', { forbidden: null, refused: { stop: null } })).toEqual([]);
  });

  it('gives the reason of the control, before all that the token may change nothing', () => {
    expect(reasons('stop', { forbidden: null, refused: { stop: 'cannot stop' } })).toEqual(['cannot stop']);
    expect(reasons('stop', { ...VIEWER, refused: { stop: 'cannot stop' } })).toEqual([VIEWER.forbidden]);
  });
});

describe('what is asked ahead', () => {
  it('is one step up, never above all', () => {
    expect(wishes(statusWith({ state: stateWith({ share: 5 }) })).raise).toEqual({ verb: 'weight', share: 6 });
    expect(wishes(statusWith({ state: stateWith({ share: 99.5 }) })).raise).toEqual({ verb: 'weight', share: 100 });
    expect(wishes(statusWith({ state: stateWith({ share: 100 }) }))).not.toHaveProperty('raise');
  });

  it('is asked again with every new state, guard and health', () => {
    const { health } = statusWith();
    const node = { healthy: false, reason: 'refused', since: '' };
    const seen = [
      statusWith(),
      statusWith({ state: stateWith({ version: 13 }) }),
      statusWith({ guard: guardWith({ state: 'latched' }) }),
      statusWith({ health: { ...health, node } }),
    ];
    expect(new Set(seen.map(occasion)).size).toBe(4);
    expect(occasion(statusWith({ edges: [] }))).toBe(occasion(statusWith()));
  });
});
