import { useCallback, useState } from 'preact/hooks';

import type { Control } from '../api/control.ts';
import { told } from '../api/problem.ts';
import type { Group, State } from '../api/types.ts';
import { usePolled } from '../hooks/usePolled.ts';
import { count, moment } from '../view/format.ts';
import { ExamplePair } from './ExamplePair.tsx';
import { Badge } from './parts.tsx';

const EVERY_MS = 10_000;

interface Props {
  control: Control;
  state: State;
  group: Group;
}

/** One group; its examples are fetched when it is opened. */
export function DifferenceGroup({ control, state, group }: Props) {
  const [open, setOpen] = useState(false);
  const toggled = (event: Event) => setOpen((event.currentTarget as HTMLDetailsElement).open);
  return (
    <details class="group" onToggle={toggled}>
      <summary>
        <b>{count(group.count)}</b>
        <code>{group.route}</code>
        <code>{group.pattern}</code>
        <span>{group.kind.replaceAll('_', ' ')}</span>
        <Badge tone={group.status === 'open' ? 'bad' : 'plain'}>{group.status}</Badge>
      </summary>
      <p class="muted">
        First seen {moment(group.first_seen)}, last {moment(group.last_seen)}.
        {group.rule && ` Allowed by the rule ${group.rule}.`}
      </p>
      {open && <Examples control={control} state={state} id={group.id} />}
    </details>
  );
}

function Examples({ control, state, id }: { control: Control; state: State; id: string }) {
  const load = useCallback((signal: AbortSignal) => control.diff(id, signal), [control, id]);
  const { data, error } = usePolled(load, EVERY_MS);
  if (error !== null) return <p class="trouble">{told(error)}</p>;
  if (!data) return <p role="status">Loading…</p>;
  if (data.examples.length === 0) return <p>No example is kept.</p>;
  return (
    <>
      {data.examples.map((example) => (
        <ExamplePair key={example.request + example.path} example={example} state={state} />
      ))}
    </>
  );
}
