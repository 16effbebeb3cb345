import type { Noise } from '../api/types.ts';
import { count } from '../view/format.ts';

/** Places where the active backend disagrees with itself, each with the rule that would allow it. */
export function ProposedRules({ noise }: { noise: Noise[] }) {
  if (noise.length === 0) return null;
  return (
    <details>
      <summary>Proposed rules ({count(noise.length)}): where the active backend disagrees with itself</summary>
      {noise.map((one) => (
        <article class="example" key={one.route + one.pattern}>
          <p>
            <b>{count(one.count)}</b> <code>{one.route}</code> <code>{one.pattern}</code>{' '}
            <span class="muted">{one.kind}; for compare.rules:</span>
          </p>
          <pre>{one.rule}</pre>
        </article>
      ))}
    </details>
  );
}
