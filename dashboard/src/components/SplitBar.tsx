import type { Bar } from '../view/weights.ts';

/** How the reads are divided: the standby's part is filled. Both bars of the card have the same scale. */
export function SplitBar({ label, standby, text }: Bar) {
  return (
    <div class="split">
      <span>{label}</span>
      <span>{text}</span>
      <div class="track" aria-hidden="true">
        {standby !== null && <div class="fill" style={{ width: `${standby}%` }} />}
      </div>
    </div>
  );
}
