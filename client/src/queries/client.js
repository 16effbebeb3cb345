import { QueryClient } from '@tanstack/react-query';

// An answer of the 400s stays the same when it is asked for again; a lost connection may come back.
function worthRetrying(failures, error) {
  return failures < 2 && !(error.status >= 400 && error.status < 500);
}

export function makeQueryClient() {
  return new QueryClient({
    defaultOptions: {
      queries: { retry: worthRetrying, staleTime: 10_000 },
      mutations: { retry: false },
    },
  });
}
