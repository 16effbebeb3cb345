const GROUPS = new Intl.NumberFormat('en-US');

export function count(number: number): string {
  return GROUPS.format(number);
}

/** Percent of 0 to 100, with at most one decimal. */
export function percent(value: number): string {
  return `${trimmed(value, 1)} %`;
}

/** A rate of 0 to 1. Cut, not rounded: 99.999 % is not all, and one of a million is not none. */
export function rate(value: number | null): string {
  if (value === null) return '–';
  if (value > 0 && value < 0.0001) return '< 0.01 %';
  return `${trimmed(Math.floor(value * 10_000 + 1e-7) / 100, 2)} %`;
}

export function duration(seconds: number): string {
  const whole = Math.max(0, Math.floor(seconds));
  if (whole < 60) return `${whole} s`;
  if (whole < 3600) return `${Math.floor(whole / 60)} min`;
  if (whole < 172_800) return `${Math.floor(whole / 3600)} h`;
  return `${Math.floor(whole / 86_400)} d`;
}

const MOMENT = new Intl.DateTimeFormat(undefined, { dateStyle: 'medium', timeStyle: 'medium' });

export function moment(at: string | number): string {
  const date = typeof at === 'number' ? new Date(at * 1000) : new Date(at);
  return Number.isNaN(date.getTime()) ? String(at) : MOMENT.format(date);
}

/** JSON in several lines where it is JSON, else the text as it came. */
export function pretty(text: string): string {
  try {
    return JSON.stringify(JSON.parse(text), null, 2);
  } catch {
    return text;
  }
}

function trimmed(value: number, decimals: number): string {
  return String(Number(value.toFixed(decimals)));
}
