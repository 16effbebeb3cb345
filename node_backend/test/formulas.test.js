'use strict';

const assert = require('node:assert/strict');
const { test } = require('node:test');
const { grade, scores, transmute } = require('../src/grades');

const NOTHING = { present: 0, trainingDays: 0, merits: 0, demerits: 0, prelim: 0, midterm: 0, final: 0 };
const ROW = {
  present: '15', training_days: '15', merits: '0', demerits: '0', prelim: '100.00', midterm: '100.00', final: '100.00',
  prelim_status: 'active', midterm_status: 'active', final_status: 'active',
};

test('a cadet who was always there and knows everything has 100', () => {
  assert.deepEqual(grade(ROW), {
    attendanceScore: 30, aptitudeScore: 30, subjectScore: 40, finalGrade: 100, transmutedGrade: '1.00',
  });
});

test('a semester without training days has no attendance, and everybody starts with the whole aptitude', () => {
  assert.deepEqual(scores(NOTHING), { attendanceScore: 0, aptitudeScore: 30, subjectScore: 0, finalGrade: 30 });
});

test('the aptitude never leaves 0 to 100, and points may be negative', () => {
  const aptitude = (merits, demerits) => scores({ ...NOTHING, merits, demerits }).aptitudeScore;
  assert.equal(aptitude(50, 0), 30);
  assert.equal(aptitude(0, 250), 0);
  assert.equal(aptitude(-3, 7), 27);
  assert.equal(aptitude(0, -5), 30);
});

test('the operations have an order, down to the last digit', () => {
  const { subjectScore } = scores({ ...NOTHING, prelim: 55.7, midterm: 56.3, final: 57.9 });
  assert.equal(subjectScore, 22.653333333333336);
  assert.notEqual(subjectScore, ((55.7 + 56.3 + 57.9) * 40) / 300);
  assert.notEqual(subjectScore, ((57.9 + 56.3 + 55.7) / 300) * 40);
  const terms = { prelim: 80.1, midterm: 77.7, final: 90.3 };
  const all = scores({ present: 3, trainingDays: 15, merits: 0, demerits: 9, ...terms });
  assert.equal(all.finalGrade, 66.38);
  assert.notEqual(all.finalGrade, all.subjectScore + all.aptitudeScore + all.attendanceScore);
});

test('each band begins exactly at its floor and nothing is rounded into it', () => {
  const bands = [[98, '1.00'], [95, '1.25'], [92, '1.50'], [89, '1.75'], [86, '2.00'], [83, '2.25'], [80, '2.50'],
    [77, '2.75'], [75, '3.00']];
  let above = '1.00';
  for (const [floor, shown] of bands) {
    assert.equal(transmute(floor, []), shown);
    assert.equal(transmute(floor + 0.999, []), shown);
    if (floor < 98) assert.notEqual(transmute(floor, []), above);
    above = shown;
  }
  assert.equal(transmute(74.999, []), '5.00');
  assert.equal(transmute(97.99999999999999, []), '1.25');
  assert.equal(transmute(0, []), '5.00');
});

test('INC, DO and T are shown in place of a band, the latest term first', () => {
  for (const status of ['INC', 'DO', 'T']) {
    assert.equal(grade({ ...ROW, midterm_status: status }).transmutedGrade, status);
  }
  assert.equal(grade({ ...ROW, prelim_status: 'INC', final_status: 'DO' }).transmutedGrade, 'DO');
  assert.equal(grade({ ...ROW, final_status: 'Verified', midterm_status: null }).transmutedGrade, '1.00');
});

test('a term without a score counts as nothing', () => {
  assert.equal(grade({ ...ROW, midterm: null, final: null }).subjectScore, (100 / 300) * 40);
});
