/** How something is coloured; the words beside it always say the same. */
export type Tone = 'good' | 'warn' | 'bad' | 'plain';
