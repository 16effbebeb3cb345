import type { Values } from '../api/types.ts';

export function Evidence({ values }: { values: Values }) {
  if (Object.keys(values).length === 0) return null;
  return (
    <details>
      <summary>Evidence</summary>
      <pre>{JSON.stringify(values, null, 2)}</pre>
    </details>
  );
}
