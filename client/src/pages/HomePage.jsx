import { Navigate } from 'react-router';

import { Answer } from '../components/Answer.jsx';
import { useMe } from '../queries/auth.js';
import { isStaff } from '../utils/roles.js';

export function HomePage() {
  return <Answer query={useMe()}>{(me) => <Navigate to={isStaff(me) ? '/cadets' : '/cadets/me'} replace />}</Answer>;
}
