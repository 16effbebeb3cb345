import { useCallback, useEffect, useState } from 'preact/hooks';

export interface Polled<T> {
  data: T | null; // the newest there is, also while asking fails
  error: unknown; // of the last time; null if it worked
  since: number; // when `data` came, in milliseconds
  again: () => void;
}

/** Asks at once, again whenever `load` is another one, and then `every` milliseconds after each answer. */
export function usePolled<T>(load: (signal: AbortSignal) => Promise<T>, every: number): Polled<T> {
  const [answer, setAnswer] = useState<Omit<Polled<T>, 'again'>>({ data: null, error: null, since: Date.now() });
  const [turn, setTurn] = useState(0);
  useEffect(() => {
    const stop = new AbortController();
    let timer: ReturnType<typeof setTimeout>;
    const ask = async (): Promise<void> => {
      const change = await outcome(load, stop.signal);
      if (stop.signal.aborted) return;
      setAnswer((before) => ({ ...before, ...change }));
      timer = setTimeout(ask, every);
    };
    void ask();
    return () => {
      stop.abort();
      clearTimeout(timer);
    };
  }, [load, every, turn]);
  return { ...answer, again: useCallback(() => setTurn((number) => number + 1), []) };
}

async function outcome<T>(load: (signal: AbortSignal) => Promise<T>, signal: AbortSignal) {
  try {
    return { data: await load(signal), error: null, since: Date.now() };
  } catch (error) {
    return { error };
  }
}
