import { useChangePassword } from '../queries/settings.js';
import { ErrorNote } from './ErrorNote.jsx';
import { Field } from './Field.jsx';

export function PasswordForm() {
  const change = useChangePassword();
  function submit(event) {
    event.preventDefault();
    const form = event.currentTarget;
    change.mutate(Object.fromEntries(new FormData(form)), { onSuccess: () => form.reset() });
  }
  return (
    <form onSubmit={submit}>
      <fieldset className="card">
        <legend>Password</legend>
        <Field label="Current password" name="currentPassword" type="password" autoComplete="current-password" required />
        <Field label="New password" name="newPassword" type="password" autoComplete="new-password" minLength={6} required />
        {change.isError && <ErrorNote error={change.error} />}
        <div className="actions">
          <button type="submit" disabled={change.isPending}>
            Change password
          </button>
          <span role="status">{change.data?.message}</span>
        </div>
      </fieldset>
    </form>
  );
}
