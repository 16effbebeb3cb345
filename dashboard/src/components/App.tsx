import { useMemo, useState } from 'preact/hooks';

import { connect, type Control, type Identity } from '../api/control.ts';
import { forget, remember, remembered } from '../api/identity.ts';
import { Dashboard } from './Dashboard.tsx';
import { SignIn } from './SignIn.tsx';

export function App({ open = connect }: { open?: (identity: Identity) => Control }) {
  const [identity, setIdentity] = useState(remembered);
  const [problem, setProblem] = useState<string | null>(null);
  const control = useMemo(() => identity && open(identity), [identity]);
  const enter = (entered: Identity) => {
    remember(entered);
    setProblem(null);
    setIdentity(entered);
  };
  const leave = (why: string | null) => {
    forget();
    setProblem(why);
    setIdentity(null);
  };
  if (!control) return <SignIn problem={problem} onIdentity={enter} />;
  return <Dashboard control={control} onLeave={leave} />;
}
