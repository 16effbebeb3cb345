import { NavLink, Outlet, useNavigate } from 'react-router';

import { useLogout, useMe } from '../queries/auth.js';
import { LOGIN_PATH } from '../utils/navigation.js';
import { isStaff } from '../utils/roles.js';
import { Notice } from './Notice.jsx';
import { useAppearance } from './useAppearance.js';

export function Layout() {
  useAppearance();
  const { data: me } = useMe();
  return (
    <>
      <header className="bar">
        <strong className="brand">ROTC Grading</strong>
        <nav aria-label="Main">
          {me && <NavLink to={isStaff(me) ? '/cadets' : '/cadets/me'}>{isStaff(me) ? 'Cadets' : 'My record'}</NavLink>}
          <NavLink to="/settings">Settings</NavLink>
        </nav>
        <SignOut name={me?.username} />
      </header>
      <Notice />
      <main>
        <Outlet />
      </main>
    </>
  );
}

function SignOut({ name }) {
  const logout = useLogout();
  const navigate = useNavigate();
  const signOut = () => logout.mutate(undefined, { onSettled: () => navigate(LOGIN_PATH) });
  return (
    <div className="who">
      <span>{name}</span>
      <button type="button" className="quiet" onClick={signOut} disabled={logout.isPending}>
        Sign out
      </button>
    </div>
  );
}
