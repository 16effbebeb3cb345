import type { Totals } from '../api/types.ts';
import { count, rate } from '../view/format.ts';
import { rateTone, worstFirst } from '../view/mirror.ts';

export function RouteTable({ routes }: { routes: Totals[] }) {
  if (routes.length === 0) return null;
  return (
    <details>
      <summary>Match rate of each route</summary>
      <div class="scroll">
        <table>
          <thead>
            <tr>
              <th scope="col">Route</th>
              <th scope="col">Match rate</th>
              <th scope="col">Compared</th>
              <th scope="col">Mismatched</th>
            </tr>
          </thead>
          <tbody>{worstFirst(routes).map(row)}</tbody>
        </table>
      </div>
    </details>
  );
}

function row(totals: Totals) {
  return (
    <tr key={totals.route}>
      <th scope="row">
        <code>{totals.route}</code>
      </th>
      <td class={rateTone(totals.match_rate)}>{rate(totals.match_rate)}</td>
      <td>{count(totals.compared)}</td>
      <td>{count(totals.verdicts.mismatched ?? 0)}</td>
    </tr>
  );
}
