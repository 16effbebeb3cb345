import type { Identity } from '../api/control.ts';

interface Props {
  problem: string | null;
  onIdentity: (identity: Identity) => void;
}

export function SignIn({ problem, onIdentity }: Props) {
  function submit(event: SubmitEvent) {
    event.preventDefault();
    const form = new FormData(event.currentTarget as HTMLFormElement);
    onIdentity({ token: String(form.get('token')).trim(), name: String(form.get('name')).trim() });
  }
  return (
    <main class="sign-in">
      <h1>cutover</h1>
      <form class="card" onSubmit={submit}>
        {problem && <p role="alert" class="trouble">{problem}</p>}
        <label>
          Token
          <input name="token" type="password" autocomplete="off" spellcheck={false} required autofocus />
        </label>
        <label>
          Your name, for the history
          <input name="name" maxLength={64} autocomplete="name" placeholder="optional" />
        </label>
        <button type="submit" class="primary">Continue</button>
        <p class="muted">The token stays in this tab and is gone when you close it.</p>
      </form>
    </main>
  );
}
