import type { ComponentChildren } from 'preact';
import { useId } from 'preact/hooks';

import type { Tone } from '../view/tone.ts';

export function Badge({ tone, children }: { tone: Tone; children: ComponentChildren }) {
  return <span class={`badge ${tone}`}>{children}</span>;
}

interface CardProps {
  title: string;
  wide?: boolean;
  children: ComponentChildren;
}

export function Card({ title, wide = false, children }: CardProps) {
  const id = useId();
  return (
    <section class={wide ? 'card wide' : 'card'} aria-labelledby={id}>
      <h2 id={id}>{title}</h2>
      {children}
    </section>
  );
}

interface ActionProps {
  label: string;
  reasons: string[]; // why not; empty where it is possible
  onPress: () => void;
}

/** A button that says beside itself why it cannot be pressed. */
export function Action({ label, reasons, onPress }: ActionProps) {
  const id = useId();
  return (
    <div class="action">
      <button type="button" disabled={reasons.length > 0} aria-describedby={id} onClick={onPress}>
        {label}
      </button>
      <Reasons id={id} reasons={reasons} />
    </div>
  );
}

export function Reasons({ id, reasons }: { id: string; reasons: string[] }) {
  return (
    <ul id={id} class="reasons">
      {reasons.map((reason) => (
        <li key={reason}>{reason}</li>
      ))}
    </ul>
  );
}
