import { Link } from 'react-router';

import { LOGIN_PATH } from '../utils/navigation.js';

/** Says what failed. A 403 may be an expired session (the legacy backend's answer to one): signing in again may help. */
export function ErrorNote({ error }) {
  return (
    <div role="alert" className="error">
      <p>{error.message}</p>
      {error.status === 403 && window.location.pathname !== LOGIN_PATH && <Link to={LOGIN_PATH}>Sign in again</Link>}
    </div>
  );
}
