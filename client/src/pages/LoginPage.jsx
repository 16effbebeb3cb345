import { useNavigate } from 'react-router';

import { ErrorNote } from '../components/ErrorNote.jsx';
import { Field } from '../components/Field.jsx';
import { useLogin } from '../queries/auth.js';

export function LoginPage() {
  const login = useLogin();
  const navigate = useNavigate();
  function submit(event) {
    event.preventDefault();
    const credentials = Object.fromEntries(new FormData(event.currentTarget));
    login.mutate(credentials, { onSuccess: () => navigate('/', { replace: true }) });
  }
  return (
    <main className="login">
      <h1>ROTC Grading System</h1>
      <form onSubmit={submit} className="card">
        <Field label="Username, e-mail or student id" name="username" autoComplete="username" required autoFocus />
        <Field label="Password" name="password" type="password" autoComplete="current-password" required />
        {login.isError && <ErrorNote error={login.error} />}
        <button type="submit" className="primary" disabled={login.isPending}>
          {login.isPending ? 'Signing in…' : 'Sign in'}
        </button>
      </form>
    </main>
  );
}
