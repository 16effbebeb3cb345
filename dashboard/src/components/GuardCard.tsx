import type { Wish } from '../api/control.ts';
import type { Status } from '../api/types.ts';
import { duration } from '../view/format.ts';
import { guardSentence, guardTone } from '../view/guard.ts';
import { type Permitted, reasons } from '../view/permitted.ts';
import { Evidence } from './Evidence.tsx';
import { Action, Badge, Card } from './parts.tsx';

interface Props {
  status: Status;
  permitted: Permitted | null;
  onWish: (wish: Wish) => void;
}

export function GuardCard({ status: { guard }, permitted, onWish }: Props) {
  return (
    <Card title="Guard">
      <p>
        <Badge tone={guardTone(guard)}>{guard.state}</Badge> {guardSentence(guard)}
      </p>
      {guard.last && (
        <>
          <p class="muted">
            Looked {duration(guard.last.seconds_ago)} ago: {guard.last.action.replaceAll('_', ' ')}
            {guard.last.rule !== 'none' && `, by the rule ${guard.last.rule}`}.
          </p>
          <Evidence values={guard.last.evidence} />
        </>
      )}
      <Action label="Arm again…" reasons={reasons('rearm', permitted)} onPress={() => onWish({ verb: 'rearm' })} />
    </Card>
  );
}
