import { useCallback, useState } from 'preact/hooks';

import type { Control } from '../api/control.ts';
import { told } from '../api/problem.ts';
import type { HistoryEvent } from '../api/types.ts';
import { usePolled } from '../hooks/usePolled.ts';
import { changes } from '../view/changes.ts';
import { moment } from '../view/format.ts';
import { Evidence } from './Evidence.tsx';
import { Card } from './parts.tsx';

const EVERY_MS = 30_000; // and at once with each new version of the state
const PAGE = 10;
const MOST = 500;

export function History({ control, version }: { control: Control; version: number }) {
  const [limit, setLimit] = useState(PAGE);
  const load = useCallback((signal: AbortSignal) => control.history(limit, signal), [control, limit, version]);
  const { data, error } = usePolled(load, EVERY_MS);
  const more = data !== null && data.length >= limit && limit < MOST;
  return (
    <Card title="History" wide>
      {error !== null && <p class="trouble">{told(error)}</p>}
      <ol class="history">{data?.map((event) => <Row key={event.id} event={event} />)}</ol>
      {more && (
        <button type="button" onClick={() => setLimit(Math.min(MOST, limit * 2))}>
          Older
        </button>
      )}
    </Card>
  );
}

function Row({ event }: { event: HistoryEvent }) {
  return (
    <li>
      <p>
        <b>{event.kind}</b> <span class="muted">by {event.who}, </span>
        <time class="muted" dateTime={event.at}>
          {moment(event.at)}
        </time>
      </p>
      <p>{event.why}</p>
      <ul class="notes">
        {changes(event.from, event.to).map((line) => (
          <li key={line}>{line}</li>
        ))}
      </ul>
      <Evidence values={event.evidence} />
    </li>
  );
}
