import { ErrorNote } from './ErrorNote.jsx';

/** What a query found, or why there is nothing to see yet. Asking again in vain takes away nothing that is there. */
export function Answer({ query, children }) {
  if (query.isPending) return <p role="status">Loading…</p>;
  return (
    <>
      {query.isError && <ErrorNote error={query.error} />}
      {query.data && children(query.data)}
    </>
  );
}
