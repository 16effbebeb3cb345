import { describe, expect, it } from 'vitest';

import { count, duration, moment, percent, pretty, rate } from '../src/view/format.ts';

describe('a rate', () => {
  it.each([
    [null, '–'],
    [0, '0 %'],
    [0.00001, '< 0.01 %'],
    [0.29, '29 %'],
    [0.998, '99.8 %'],
    [0.9999, '99.99 %'],
    [0.99999, '99.99 %'],
    [0.999999, '99.99 %'],
    [1, '100 %'],
  ])('of %s is told as %s', (value, text) => {
    expect(rate(value)).toBe(text);
  });

  it('is never told as all when it is not', () => {
    for (let missing = 1; missing < 1_000_000; missing *= 3) {
      expect(rate(1 - missing / 1_000_000)).not.toBe('100 %');
    }
  });
});

it.each([
  [0, '0 %'],
  [4.2, '4.2 %'],
  [33.333, '33.3 %'],
  [100, '100 %'],
])('%d percent are %s', (value, text) => {
  expect(percent(value)).toBe(text);
});

it.each([
  [-1, '0 s'],
  [0.4, '0 s'],
  [59.9, '59 s'],
  [60, '1 min'],
  [7199, '1 h'],
  [172_800, '2 d'],
])('%d seconds are %s', (seconds, text) => {
  expect(duration(seconds)).toBe(text);
});

it('counts are grouped', () => {
  expect(count(1234567)).toBe('1,234,567');
});

it('a moment that is none is shown as it came', () => {
  expect(moment('never')).toBe('never');
  expect(moment(0)).toContain('1970');
});

it('JSON is shown in lines, all else as it is', () => {
  expect(pretty('{"a":[1]}')).toBe('{\n  "a": [\n    1\n  ]\n}');
  expect(pretty('<h1>')).toBe('<h1>');
});
