import { ErrorNote } from './ErrorNote.jsx';

/** What a query found, or why there is nothing to see yet. */
export function Answer({ query, children }) {
  if (query.isPending) return <p role="status">Loading…</p>;
  if (query.isError) return <ErrorNote error={query.error} />;
  return children(query.data);
}
