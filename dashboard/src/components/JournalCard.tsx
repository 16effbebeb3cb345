import { useCallback } from 'preact/hooks';

import type { Control } from '../api/control.ts';
import { told } from '../api/problem.ts';
import type { Backlog, Entry, Journal } from '../api/types.ts';
import { usePolled } from '../hooks/usePolled.ts';
import { duration } from '../view/format.ts';
import { lanesOf, type WaitingRow, waitingRows } from '../view/journal.ts';
import { Badge, Card } from './parts.tsx';

const EVERY_MS = 5_000;

export function JournalCard({ control, journal }: { control: Control; journal: Journal }) {
  return (
    <Card title="Writes">
      {journal.available ? <Waits control={control} backlog={journal} /> : <p class="muted">{journal.reason}</p>}
    </Card>
  );
}

function Waits({ control, backlog }: { control: Control; backlog: Backlog }) {
  const calm = backlog.alert === 'ok';
  return (
    <>
      <p>
        <b class={`figure ${calm ? 'good' : 'bad'}`}>{duration(backlog.lag_seconds)}</b> behind{' '}
        <Badge tone={calm ? 'good' : 'bad'}>{backlog.alert}</Badge>
      </p>
      <ul class="notes">
        {backlog.reasons.map((reason) => (
          <li key={reason}>{reason}</li>
        ))}
      </ul>
      <dl>
        {waitingRows(backlog.states).map((row) => (
          <State key={row.name} row={row} />
        ))}
      </dl>
      {!calm && <Needing control={control} />}
    </>
  );
}

function State({ row }: { row: WaitingRow }) {
  return (
    <>
      <dt>{row.name}</dt>
      <dd class={row.tone}>{row.text}</dd>
    </>
  );
}

function Needing({ control }: { control: Control }) {
  const load = useCallback((signal: AbortSignal) => control.needing(signal), [control]);
  const { data, error } = usePolled(load, EVERY_MS);
  return (
    <>
      {error !== null && <p class="trouble">{told(error)}</p>}
      <ol class="history">{data?.map((entry) => <Line key={entry.number} entry={entry} />)}</ol>
    </>
  );
}

function Line({ entry }: { entry: Entry }) {
  return (
    <li>
      <p>
        {entry.number} <b>{entry.state}</b> for {duration(entry.seconds_ago)}: {entry.route} ({lanesOf(entry)})
      </p>
      <p class="muted">{entry.reason}</p>
    </li>
  );
}
