import { useCallback } from 'preact/hooks';

import type { Control } from '../api/control.ts';
import { told } from '../api/problem.ts';
import type { Diffs, State } from '../api/types.ts';
import { usePolled } from '../hooks/usePolled.ts';
import { DifferenceGroup } from './DifferenceGroup.tsx';
import { Card } from './parts.tsx';
import { ProposedRules } from './ProposedRules.tsx';
import { RouteTable } from './RouteTable.tsx';

const EVERY_MS = 5_000;

export function Differences({ control, state }: { control: Control; state: State }) {
  const load = useCallback((signal: AbortSignal) => control.diffs(signal), [control]);
  const { data, error } = usePolled(load, EVERY_MS);
  return (
    <Card title="Differences" wide>
      {error !== null && <p class="trouble">{told(error)}</p>}
      {data && <Groups control={control} state={state} diffs={data} />}
    </Card>
  );
}

function Groups({ control, state, diffs }: { control: Control; state: State; diffs: Diffs }) {
  return (
    <>
      {diffs.diffs.length === 0 && <p>No difference has been found.</p>}
      {diffs.diffs.map((group) => (
        <DifferenceGroup key={group.id} control={control} state={state} group={group} />
      ))}
      <RouteTable routes={diffs.routes} />
      <ProposedRules noise={diffs.noise} />
    </>
  );
}
