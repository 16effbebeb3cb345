import { useEffect, useState } from 'preact/hooks';

import type { Control, Wish } from '../api/control.ts';
import { Problem, told } from '../api/problem.ts';
import type { Status } from '../api/types.ts';
import { occasion, type Permitted, wishes } from '../view/permitted.ts';

const AGAIN_MS = 10_000; // some reasons pass without any change of the state

/** What the control would refuse now, and why, in its own words: it is asked, the rules are not repeated here. */
export function usePermitted(control: Control, status: Status): Permitted | null {
  const [permitted, setPermitted] = useState<Permitted | null>(null);
  const now = occasion(status);
  useEffect(() => {
    let current = true;
    const ask = async (): Promise<void> => {
      const found = await rehearsed(control, status);
      if (current) setPermitted(found);
    };
    void ask();
    const timer = setInterval(ask, AGAIN_MS);
    return () => {
      current = false;
      clearInterval(timer);
    };
  }, [control, now]);
  return permitted;
}

async function rehearsed(control: Control, status: Status): Promise<Permitted> {
  const asked = Object.entries(wishes(status)) as [keyof Permitted['refused'], Wish][];
  const errors = await Promise.all(asked.map(([, wish]) => refusal(control, wish)));
  const forbidden = errors.find((error) => error instanceof Problem && error.status === 403);
  return {
    forbidden: forbidden ? told(forbidden) : null,
    refused: Object.fromEntries(asked.map(([verb], place) => [verb, errors[place] ? told(errors[place]) : null])),
  };
}

async function refusal(control: Control, wish: Wish): Promise<unknown> {
  try {
    await control.rehearse(wish);
    return null;
  } catch (error) {
    return error;
  }
}
