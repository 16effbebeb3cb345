import { Link, useSearchParams } from 'react-router';

import { Answer } from '../components/Answer.jsx';
import { Pager } from '../components/Pager.jsx';
import { useCadets } from '../queries/cadets.js';
import { fullName } from '../utils/cadet.js';

/** Page and search live in the address, so that going back and sharing a link work. */
export function CadetsPage() {
  const [params, setParams] = useSearchParams();
  const search = params.get('search') ?? '';
  const page = Math.max(1, Number.parseInt(params.get('page'), 10) || 1);
  const show = (wanted) => setParams({ ...(search && { search }), ...wanted });
  const cadets = useCadets({ page, search });
  return (
    <>
      <h1>Cadets</h1>
      <Search key={search} value={search} onSearch={(text) => setParams(text ? { search: text } : {})} />
      <Answer query={cadets}>
        {(found) => (
          <>
            <CadetTable cadets={found.data} stale={cadets.isPlaceholderData} />
            <Pager {...found} onPage={(number) => show({ page: String(number) })} />
          </>
        )}
      </Answer>
    </>
  );
}

function Search({ value, onSearch }) {
  function submit(event) {
    event.preventDefault();
    onSearch(new FormData(event.currentTarget).get('search').trim());
  }
  return (
    <form role="search" className="search" onSubmit={submit}>
      <input
        type="search"
        name="search"
        defaultValue={value}
        placeholder="First name, last name or student id"
        aria-label="Search cadets"
      />
      <button type="submit">Search</button>
    </form>
  );
}

function CadetTable({ cadets, stale }) {
  if (cadets.length === 0) return <p>No cadet matches.</p>;
  return (
    <div className="scroll" aria-busy={stale}>
      <table>
        <thead>
          <tr>
            <th scope="col">Name</th>
            <th scope="col">Student id</th>
            <th scope="col">Company</th>
            <th scope="col">Course</th>
            <th scope="col">Status</th>
          </tr>
        </thead>
        <tbody>{cadets.map(row)}</tbody>
      </table>
    </div>
  );
}

function row(cadet) {
  return (
    <tr key={cadet.id}>
      <td>
        <Link to={`/cadets/${cadet.id}`}>{fullName(cadet)}</Link>
      </td>
      <td>{cadet.student_id}</td>
      <td>{cadet.company}</td>
      <td>{cadet.course}</td>
      <td>{cadet.status}</td>
    </tr>
  );
}
