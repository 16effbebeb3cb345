import type { Status } from '../api/types.ts';
import { guardTone } from '../view/guard.ts';
import { phaseTone } from '../view/release.ts';
import { Badge } from './parts.tsx';

export function Header({ status, onLeave }: { status: Status | null; onLeave: () => void }) {
  return (
    <header>
      <h1>cutover</h1>
      {status && (
        <p class="summary" role="status">
          <Badge tone={phaseTone(status.state.phase)}>{status.state.phase}</Badge>
          <span>
            <b>{status.state.active}</b> is active
          </span>
          <Badge tone={guardTone(status.guard)}>guard {status.guard.state}</Badge>
        </p>
      )}
      <button type="button" class="quiet" onClick={onLeave}>
        Leave
      </button>
    </header>
  );
}
