'use strict';

// Everything that a grade is made of, for the cadets in the last condition. SUM and COUNT are BIGINTs, so strings.
const STANDING = `
  SELECT c.id, c.student_id, c.last_name, c.first_name, c.company,
    COALESCE(a.present, 0) AS present, COALESCE(a.late, 0) AS late, COALESCE(a.absent, 0) AS absent,
    COALESCE(a.excused, 0) AS excused, (SELECT COUNT(*) FROM training_days) AS training_days,
    COALESCE(m.merits, 0) AS merits, COALESCE(m.demerits, 0) AS demerits, g.*
  FROM cadets c
  LEFT JOIN (SELECT cadet_id, COUNT(*) FILTER (WHERE status = 'present') AS present,
      COUNT(*) FILTER (WHERE status = 'late') AS late, COUNT(*) FILTER (WHERE status = 'absent') AS absent,
      COUNT(*) FILTER (WHERE status = 'excused') AS excused
    FROM attendance GROUP BY cadet_id) a ON a.cadet_id = c.id
  LEFT JOIN (SELECT cadet_id, SUM(points) FILTER (WHERE type = 'merit') AS merits,
      SUM(points) FILTER (WHERE type = 'demerit') AS demerits
    FROM merit_demerit_logs GROUP BY cadet_id) m ON m.cadet_id = c.id
  LEFT JOIN (SELECT s.cadet_id, MAX(s.score) FILTER (WHERE s.term = 'prelim') AS prelim,
      MAX(s.score) FILTER (WHERE s.term = 'midterm') AS midterm, MAX(s.score) FILTER (WHERE s.term = 'final') AS final,
      MAX(s.status) FILTER (WHERE s.term = 'prelim') AS prelim_status,
      MAX(s.status) FILTER (WHERE s.term = 'midterm') AS midterm_status,
      MAX(s.status) FILTER (WHERE s.term = 'final') AS final_status
    FROM grades s JOIN grade_categories k ON k.id = s.category_id
    WHERE k.name = 'Subject proficiency' GROUP BY s.cadet_id) g ON g.cadet_id = c.id
  WHERE `;

const BANDS = [
  [98, '1.00'], [95, '1.25'], [92, '1.50'], [89, '1.75'], [86, '2.00'], [83, '2.25'], [80, '2.50'], [77, '2.75'],
  [75, '3.00'],
];
const SHOWN_INSTEAD = ['INC', 'DO', 'T'];

// No rounding before the bands: 74.999 fails.
function transmute(final, statuses) {
  const shown = statuses.find((status) => SHOWN_INSTEAD.includes(status));
  if (shown) return shown;
  const band = BANDS.find(([floor]) => final >= floor);
  return band ? band[1] : '5.00';
}

// The order of the operations is part of the contract: another one gives another last digit.
function scores({ present, trainingDays, merits, demerits, prelim, midterm, final }) {
  const attendanceScore = trainingDays === 0 ? 0 : (present / trainingDays) * 30;
  const aptitudeScore = Math.max(0, Math.min(100, 100 + merits - demerits)) * 0.3;
  const subjectScore = ((prelim + midterm + final) / 300) * 40;
  return { attendanceScore, aptitudeScore, subjectScore, finalGrade: attendanceScore + aptitudeScore + subjectScore };
}

// Out of a row of STANDING. Number(null) is 0: a term without a score counts as nothing.
function grade(row) {
  const result = scores({
    present: Number(row.present), trainingDays: Number(row.training_days),
    merits: Number(row.merits), demerits: Number(row.demerits),
    prelim: Number(row.prelim), midterm: Number(row.midterm), final: Number(row.final),
  });
  const statuses = [row.final_status, row.midterm_status, row.prelim_status];
  return { ...result, transmutedGrade: transmute(result.finalGrade, statuses) };
}

module.exports = { STANDING, grade, scores, transmute };
