import type { Wish } from '../api/control.ts';
import type { Status } from '../api/types.ts';
import { edgesView } from '../view/edges.ts';
import { type Permitted, reasons } from '../view/permitted.ts';
import { phaseSentence, phaseTone } from '../view/release.ts';
import { Action, Badge, Card } from './parts.tsx';

interface Props {
  status: Status;
  permitted: Permitted | null;
  onWish: (wish: Wish) => void;
}

export function ReleaseCard({ status, permitted, onWish }: Props) {
  const { state } = status;
  const edges = edgesView(status.edges);
  return (
    <Card title="Release">
      <p>
        <Badge tone={phaseTone(state.phase)}>{state.phase}</Badge> {phaseSentence(state)}
      </p>
      <dl>
        <dt>Active</dt>
        <dd>{state.active}</dd>
        <dt>Standby</dt>
        <dd>{state.standby}</dd>
        <dt>Databases</dt>
        <dd>{status.data}</dd>
        <dt>Epoch</dt>
        <dd>{state.epoch}</dd>
        <dt>Edges</dt>
        <dd class={edges.tone}>{edges.text}</dd>
      </dl>
      <div class="actions">
        <Action label="Start…" reasons={reasons('start', permitted)} onPress={() => onWish({ verb: 'start' })} />
        <Action label="Stop…" reasons={reasons('stop', permitted)} onPress={() => onWish({ verb: 'stop' })} />
      </div>
    </Card>
  );
}
