import { changesOf, FIELD_GROUPS, REQUIRED, shown } from '../utils/cadet.js';
import { ErrorNote } from './ErrorNote.jsx';
import { Field } from './Field.jsx';

export function CadetForm({ cadet, save }) {
  function submit(event) {
    event.preventDefault();
    const changes = changesOf(cadet, Object.fromEntries(new FormData(event.currentTarget)));
    if (Object.keys(changes).length > 0) save.mutate({ cadet, changes });
  }
  return (
    <form onSubmit={submit}>
      {FIELD_GROUPS.map(({ title, fields }) => (
        <fieldset key={title} className="card">
          <legend>{title}</legend>
          {fields.map((field) => input(cadet, field))}
        </fieldset>
      ))}
      {save.isError && <ErrorNote error={save.error} />}
      <div className="actions">
        <button type="submit" className="primary" disabled={save.isPending}>
          {save.isPending ? 'Saving…' : 'Save'}
        </button>
        <span role="status">{save.isSuccess && 'Saved.'}</span>
      </div>
    </form>
  );
}

function input(cadet, [name, label, type = 'text']) {
  const required = REQUIRED.includes(name);
  return <Field key={name} name={name} label={label} type={type} defaultValue={shown(cadet, name)} required={required} />;
}
