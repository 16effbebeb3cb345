import { useState } from 'preact/hooks';

import type { Wish } from '../api/control.ts';
import type { Status } from '../api/types.ts';
import { percent } from '../view/format.ts';
import { type Permitted, shareReasons } from '../view/permitted.ts';
import { bars, heldHome, routeShares, shareIn } from '../view/weights.ts';
import { Action, Card } from './parts.tsx';
import { SplitBar } from './SplitBar.tsx';

const STEPS = [0, 1, 5, 25, 50, 100];

interface Props {
  status: Status;
  permitted: Permitted | null;
  onWish: (wish: Wish) => void;
}

export function WeightCard({ status, permitted, onWish }: Props) {
  const { state, effective } = status;
  // What was typed holds for the share that it was typed over: nobody undoes by habit what the guard has just done.
  const [typed, setTyped] = useState({ text: '', over: NaN });
  const text = typed.over === state.share ? typed.text : String(state.share);
  const share = shareIn(text);
  const wish = () => share !== null && onWish({ verb: 'weight', share });
  return (
    <Card title="Reads">
      {bars(state, effective).map((bar) => (
        <SplitBar key={bar.label} {...bar} />
      ))}
      <Notes lines={[...heldHome(effective), ...routeShares(state), ...pinned(state.pins)]} />
      <Dial standby={state.standby} text={text} onText={(written) => setTyped({ text: written, over: state.share })} />
      <Action
        label={share === null ? 'Set the share…' : `Give ${state.standby} ${percent(share)}…`}
        reasons={shareReasons(share, status, permitted)}
        onPress={wish}
      />
    </Card>
  );
}

function pinned(pins: number): string[] {
  return pins === 0 ? [] : [`${pins} client${pins === 1 ? ' is' : 's are'} pinned, whatever the share`];
}

function Notes({ lines }: { lines: string[] }) {
  return (
    <ul class="notes">
      {lines.map((line) => (
        <li key={line}>{line}</li>
      ))}
    </ul>
  );
}

interface DialProps {
  standby: string;
  text: string;
  onText: (text: string) => void;
}

function Dial({ standby, text, onText }: DialProps) {
  const typed = (event: InputEvent) => onText((event.currentTarget as HTMLInputElement).value);
  return (
    <fieldset class="dial">
      <legend>Share of {standby}, in percent</legend>
      <input type="range" min="0" max="100" step="1" value={shareIn(text) ?? 0} aria-label="Share" onInput={typed} />
      <input type="number" min="0" max="100" step="any" value={text} aria-label="Share, exactly" onInput={typed} />
      <div class="steps">
        {STEPS.map((step) => (
          <button type="button" key={step} aria-pressed={Number(text) === step} onClick={() => onText(String(step))}>
            {step} %
          </button>
        ))}
      </div>
    </fieldset>
  );
}
