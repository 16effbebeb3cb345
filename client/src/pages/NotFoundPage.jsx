import { Link } from 'react-router';

export function NotFoundPage() {
  return (
    <>
      <h1>There is no such page</h1>
      <Link to="/">Back to the start</Link>
    </>
  );
}
