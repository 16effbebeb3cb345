import { useCallback, useEffect } from 'preact/hooks';

import type { Control } from '../api/control.ts';
import { Problem, told } from '../api/problem.ts';
import { usePolled } from '../hooks/usePolled.ts';
import { Board } from './Board.tsx';
import { Header } from './Header.tsx';

const EVERY_MS = 1_000;

interface Props {
  control: Control;
  onLeave: (why: string | null) => void;
}

export function Dashboard({ control, onLeave }: Props) {
  const load = useCallback((signal: AbortSignal) => control.status(signal), [control]);
  const polled = usePolled(load, EVERY_MS);
  const refused = polled.error instanceof Problem && polled.error.status === 401;
  useEffect(() => {
    if (refused) onLeave('The control does not accept this token.');
  }, [refused]);
  return (
    <>
      <Header status={polled.data} onLeave={() => onLeave(null)} />
      <main>
        <Lost error={polled.error} since={polled.data ? polled.since : null} />
        {polled.data ? (
          <Board control={control} status={polled.data} lost={polled.error !== null} onChange={polled.again} />
        ) : (
          !polled.error && <p role="status">Loading…</p>
        )}
      </main>
    </>
  );
}

/** What is shown below it is old, and says since when. */
function Lost({ error, since }: { error: unknown; since: number | null }) {
  return (
    <div role="alert">
      {error !== null && (
        <p class="trouble">
          {told(error)} {since !== null && `What you see is of ${new Date(since).toLocaleTimeString()}.`}
        </p>
      )}
    </div>
  );
}
