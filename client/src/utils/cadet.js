import { toDay } from './dates.js';

/** The fields of the form, in its groups: column, label and, where it is no text, the input's type. */
export const FIELD_GROUPS = [
  {
    title: 'Person',
    fields: [
      ['first_name', 'First name'],
      ['middle_name', 'Middle name'],
      ['last_name', 'Last name'],
      ['suffix_name', 'Suffix'],
      ['birthdate', 'Date of birth', 'date'],
      ['gender', 'Gender'],
      ['religion', 'Religion'],
    ],
  },
  {
    title: 'Contact',
    fields: [
      ['email', 'E-mail', 'email'],
      ['contact_number', 'Phone', 'tel'],
      ['address', 'Address'],
    ],
  },
  {
    title: 'Studies',
    fields: [
      ['student_id', 'Student id'],
      ['course', 'Course'],
      ['year_level', 'Year level'],
      ['school_year', 'School year'],
      ['semester', 'Semester'],
    ],
  },
  {
    title: 'Corps',
    fields: [
      ['rank', 'Rank'],
      ['battalion', 'Battalion'],
      ['company', 'Company'],
      ['platoon', 'Platoon'],
      ['cadet_course', 'Cadet course'],
      ['corp_position', 'Position'],
      ['status', 'Status'],
    ],
  },
];

export const REQUIRED = ['first_name', 'last_name', 'student_id'];

export function fullName({ last_name: last, first_name: first, middle_name: middle, suffix_name: suffix }) {
  return `${last}, ${[first, middle, suffix].filter(Boolean).join(' ')}`;
}

/** What the form shows of a column. */
export function shown(cadet, name) {
  return name === 'birthdate' ? toDay(cadet.birthdate) : (cadet[name] ?? '');
}

/** Only what was changed, so that nobody else's change of another field is overwritten. An emptied field is NULL. */
export function changesOf(cadet, form) {
  const changed = Object.entries(form).filter(([name, value]) => value !== shown(cadet, name));
  return Object.fromEntries(changed.map(([name, value]) => [name, value === '' ? null : value]));
}
