import type { Mirror, Numbers, Totals } from '../api/types.ts';
import { count, rate } from '../view/format.ts';
import { mostFirst, rateTone, verdictRows } from '../view/mirror.ts';
import { Card } from './parts.tsx';

export function MirrorCard({ mirror }: { mirror: Mirror }) {
  return (
    <Card title="Mirror">{mirror.available ? <Sums totals={mirror} /> : <p class="trouble">{mirror.reason}</p>}</Card>
  );
}

function Sums({ totals }: { totals: Totals }) {
  return (
    <>
      <p>
        <b class={`figure ${rateTone(totals.match_rate)}`}>{rate(totals.match_rate)}</b> of{' '}
        {count(totals.compared)} compared answers agree
      </p>
      <dl>
        {verdictRows(totals.verdicts).map((row) => (
          <Line key={row.name} name={row.name} value={row.count} tone={row.tone} />
        ))}
      </dl>
      <Breakdown title="Why not compared" numbers={totals.not_compared} />
      <Breakdown title="Rules that allowed something" numbers={totals.rules} />
    </>
  );
}

function Line({ name, value, tone = 'plain' }: { name: string; value: number; tone?: string }) {
  return (
    <>
      <dt>{name}</dt>
      <dd class={tone}>{count(value)}</dd>
    </>
  );
}

function Breakdown({ title, numbers }: { title: string; numbers: Numbers }) {
  const rows = mostFirst(numbers);
  if (rows.length === 0) return null;
  return (
    <details>
      <summary>{title}</summary>
      <dl>
        {rows.map(([name, value]) => (
          <Line key={name} name={name.replaceAll('_', ' ')} value={value} />
        ))}
      </dl>
    </details>
  );
}
