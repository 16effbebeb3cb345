import type { Example, State } from '../api/types.ts';
import { moment, pretty } from '../view/format.ts';

/** One request with both answers, side by side. */
export function ExamplePair({ example, state }: { example: Example; state: State }) {
  return (
    <article class="example">
      <p>
        <code>
          {example.method} {example.target}
        </code>{' '}
        <span class="muted">
          at <code>{example.path}</code>, {moment(example.at)}
        </span>
      </p>
      <div class="pair">
        <Side name={state.active} status={example.active_status} value={example.active} body={example.active_body} />
        <Side name={state.standby} status={example.standby_status} value={example.standby} body={example.standby_body} />
      </div>
    </article>
  );
}

interface SideProps {
  name: string;
  status: number;
  value: string;
  body: string;
}

function Side({ name, status, value, body }: SideProps) {
  return (
    <section aria-label={name}>
      <h3>
        {name} <span class="muted">{status}</span>
      </h3>
      <pre class="value">{pretty(value)}</pre>
      <details>
        <summary>Body</summary>
        <pre>{pretty(body)}</pre>
      </details>
    </section>
  );
}
