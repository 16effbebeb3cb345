import { useEffect, useId, useRef, useState } from 'preact/hooks';

import type { Control, Wish } from '../api/control.ts';
import { told } from '../api/problem.ts';
import type { Outcome, State } from '../api/types.ts';
import { stateChanges } from '../view/changes.ts';
import { questionOf } from '../view/questions.ts';

interface Props {
  control: Control;
  wish: Wish;
  state: State;
  onClose: (changed: boolean) => void;
}

/** Shows what would happen, asks for the reason, and does it to exactly the state that was shown. */
export function Confirm({ control, wish, state, onClose }: Props) {
  const dialog = useRef<HTMLDialogElement>(null);
  const title = useId();
  const [plan, setPlan] = useState<Outcome | null>(null);
  const [problem, setProblem] = useState<string | null>(null);
  const [busy, setBusy] = useState(false);
  const fail = (error: unknown) => setProblem(told(error));
  useEffect(() => {
    dialog.current?.showModal();
    control.rehearse(wish).then(setPlan, fail);
  }, []);
  async function submit(event: SubmitEvent) {
    event.preventDefault();
    if (!plan) return;
    const reason = String(new FormData(event.currentTarget as HTMLFormElement).get('reason')).trim();
    setBusy(true);
    await control.change(wish, reason, plan.was.version).then(() => onClose(true), fail);
    setBusy(false);
  }
  const question = questionOf(wish, state);
  return (
    <dialog ref={dialog} aria-labelledby={title} onClose={() => onClose(false)}>
      <form onSubmit={submit}>
        <h2 id={title}>{question.title}</h2>
        <Plan plan={plan} />
        {question.claim && <Claim text={question.claim} />}
        <Reason />
        <div role="alert">{problem && <p class="trouble">{problem}</p>}</div>
        <div class="buttons">
          <button type="button" onClick={() => onClose(false)}>Cancel</button>
          <button type="submit" class="primary" disabled={!plan || busy || problem !== null}>
            Confirm
          </button>
        </div>
      </form>
    </dialog>
  );
}

function Plan({ plan }: { plan: Outcome | null }) {
  if (!plan) return <p class="muted">Asking what would happen…</p>;
  const lines = [...stateChanges(plan.was, plan.state), ...plan.notes];
  return (
    <ul class="notes">
      {lines.length === 0 && <li>Nothing would change.</li>}
      {lines.map((line) => (
        <li key={line}>{line}</li>
      ))}
    </ul>
  );
}

function Claim({ text }: { text: string }) {
  return (
    <label class="claim">
      <input type="checkbox" required />
      {text}
    </label>
  );
}

function Reason() {
  return (
    <label>
      Reason, for the history
      <input name="reason" maxLength={500} pattern=".*\S.*" title="A few words" required autofocus autocomplete="off" />
    </label>
  );
}
