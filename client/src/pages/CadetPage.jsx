import { useParams } from 'react-router';

import { Answer } from '../components/Answer.jsx';
import { CadetForm } from '../components/CadetForm.jsx';
import { useCadet, useSaveCadet } from '../queries/cadets.js';
import { fullName } from '../utils/cadet.js';
import { formatDate } from '../utils/dates.js';

export function CadetPage() {
  const { id } = useParams();
  const save = useSaveCadet(id);
  return (
    <Answer query={useCadet(id)}>
      {(cadet) => (
        <>
          <h1>{fullName(cadet)}</h1>
          <p className="muted">Last changed {formatDate(cadet.updated_at)}</p>
          <CadetForm key={id} cadet={cadet} save={save} />
        </>
      )}
    </Answer>
  );
}
