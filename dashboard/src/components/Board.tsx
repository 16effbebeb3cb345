import { useState } from 'preact/hooks';

import type { Control, Wish } from '../api/control.ts';
import { NO_ANSWER } from '../api/problem.ts';
import type { Status } from '../api/types.ts';
import { usePermitted } from '../hooks/usePermitted.ts';
import { Confirm } from './Confirm.tsx';
import { Differences } from './Differences.tsx';
import { GuardCard } from './GuardCard.tsx';
import { HealthCard } from './HealthCard.tsx';
import { History } from './History.tsx';
import { JournalCard } from './JournalCard.tsx';
import { MirrorCard } from './MirrorCard.tsx';
import { ReleaseCard } from './ReleaseCard.tsx';
import { WeightCard } from './WeightCard.tsx';

interface Props {
  control: Control;
  status: Status;
  lost: boolean; // the control does not answer: nothing can be changed
  onChange: () => void;
}

export function Board({ control, status, lost, onChange }: Props) {
  const [wish, setWish] = useState<Wish | null>(null);
  const asked = usePermitted(control, status);
  const permitted = lost ? { forbidden: NO_ANSWER, refused: {} } : asked;
  const close = (changed: boolean) => {
    setWish(null);
    if (changed) onChange();
  };
  return (
    <div class="board">
      <div class="stack">
        <ReleaseCard status={status} permitted={permitted} onWish={setWish} />
        <HealthCard status={status} />
      </div>
      <WeightCard status={status} permitted={permitted} onWish={setWish} />
      <div class="stack">
        <GuardCard status={status} permitted={permitted} onWish={setWish} />
        <MirrorCard mirror={status.mirror} />
        <JournalCard control={control} journal={status.journal} />
      </div>
      <Differences control={control} state={status.state} />
      <History control={control} version={status.state.version} />
      {wish && <Confirm control={control} wish={wish} state={status.state} onClose={close} />}
    </div>
  );
}
