import type { Health } from '../api/types.ts';
import type { Tone } from './tone.ts';

export function healthWord({ healthy }: Health): string {
  if (healthy === null) return 'unknown';
  return healthy ? 'healthy' : 'unhealthy';
}

export function healthTone({ healthy }: Health): Tone {
  if (healthy === null) return 'warn';
  return healthy ? 'good' : 'bad';
}
