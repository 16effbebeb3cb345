import type { Status } from '../api/types.ts';
import { moment } from '../view/format.ts';
import { healthTone, healthWord } from '../view/health.ts';
import { Badge, Card } from './parts.tsx';

export function HealthCard({ status: { health, state } }: { status: Status }) {
  return (
    <Card title="Health">
      {[state.active, state.standby].map((name) => {
        const one = health[name];
        return (
          one && (
            <p key={name}>
              <b>{name}</b> <span class="muted">{name === state.active ? 'active' : 'standby'}</span>{' '}
              <Badge tone={healthTone(one)}>{healthWord(one)}</Badge>
              <br />
              <span class="muted">
                {one.reason}, since {moment(one.since)}
              </span>
            </p>
          )
        );
      })}
    </Card>
  );
}
