/** Why the control did not do what it was asked; `status` 0 means that it did not answer at all. */
export class Problem extends Error {
  readonly status: number;

  constructor(status: number, message: string) {
    super(message);
    this.name = 'Problem';
    this.status = status;
  }
}

export const NO_ANSWER = 'The control does not answer.';

export async function problemOf(response: Response): Promise<Problem> {
  const body: unknown = await response.json().catch(() => null);
  return new Problem(response.status, messageIn(body) ?? `The control answered ${response.status}.`);
}

/** What to tell a person about anything that was thrown. */
export function told(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

function messageIn(body: unknown): string | null {
  const message = typeof body === 'object' && body !== null && 'message' in body ? body.message : null;
  return typeof message === 'string' && message !== '' ? message : null;
}
