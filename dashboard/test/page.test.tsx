// @vitest-environment jsdom
import { findByRole, findByText, fireEvent, getByLabelText, getByRole, queryByText, waitFor } from '@testing-library/dom';
import { render } from 'preact';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';

import { Problem } from '../src/api/problem.ts';
import { App } from '../src/components/App.tsx';
import { FakeControl } from './support/fake.ts';
import { guardWith, journalWith, stateWith, statusWith } from './support/fixtures.ts';

let control: FakeControl;
let page: HTMLElement;

beforeEach(() => {
  control = new FakeControl();
  page = document.body.appendChild(document.createElement('div'));
  // The DOM under test knows dialogs, but not how to open them.
  HTMLDialogElement.prototype.showModal = function showModal() {
    this.setAttribute('open', '');
  };
});

afterEach(() => {
  render(null, page);
  page.remove();
  sessionStorage.clear();
});

function show(signedIn = true) {
  if (signedIn) sessionStorage.setItem('cutover', JSON.stringify({ token: 'secret', name: '' }));
  render(<App open={() => control} />, page);
}

const button = (name: RegExp) => getByRole<HTMLButtonElement>(page, 'button', { name });

describe('the token', () => {
  it('is asked for, kept in this tab only, and shown nowhere', async () => {
    show(false);
    fireEvent.input(getByLabelText(page, 'Token'), { target: { value: 'secret' } });
    fireEvent.submit(page.querySelector('form')!);
    await findByText(page, 'is active');
    expect(sessionStorage.getItem('cutover')).toContain('secret');
    expect(localStorage.length).toBe(0);
    expect(page.innerHTML).not.toContain('secret');
  });

  it('that is refused is forgotten', async () => {
    control.down = new Problem(401, 'a valid token is needed');
    show();
    await findByText(page, 'The control does not accept this token.');
    expect(sessionStorage.getItem('cutover')).toBeNull();
  });
});

describe('the board', () => {
  it('shows the state, and each new one', async () => {
    show();
    await findByText(page, 'django 5 % · node 95 %');
    control.now = statusWith({ state: stateWith({ share: 25, version: 13 }) });
    await findByText(page, 'django 25 % · node 75 %', {}, { timeout: 3000 });
  });

  it('keeps what it knows while the control is away, and lets nothing be changed', async () => {
    show();
    await findByText(page, 'django 5 % · node 95 %');
    control.down = new Problem(0, 'The control does not answer.');
    await waitFor(() => expect(getByRole(page, 'alert').textContent).toContain('does not answer'), { timeout: 3000 });
    expect(queryByText(page, 'django 5 % · node 95 %')).not.toBeNull();
    expect(button(/^Stop/).disabled).toBe(true);
  });

  it('names the reason beside each control that is not possible', async () => {
    control.refusals = { rearm: new Problem(409, 'the guard is armed already') };
    show();
    await findByText(page, 'the guard is armed already');
    expect(button(/^Arm again/).disabled).toBe(true);
    expect(button(/^Stop/).disabled).toBe(false);
  });

  it('drops what was typed when the share is changed by somebody else', async () => {
    show();
    fireEvent.click(await findByRole(page, 'button', { name: '50 %' }));
    control.now = statusWith({ state: stateWith({ share: 0, version: 13 }) });
    await findByRole(page, 'button', { name: /^Give django 0 %/ }, { timeout: 3000 });
  });

  it('lets a latched guard forbid the raise, not the way home', async () => {
    control.now = statusWith({ guard: guardWith({ state: 'latched', reason: 'django failed' }) });
    control.refusals = { weight: new Problem(409, 'the guard is latched') };
    show();
    fireEvent.click(await findByRole(page, 'button', { name: '50 %' }));
    await waitFor(() => expect(button(/^Give django 50 %/).disabled).toBe(true));
    fireEvent.click(button(/^0 %/));
    await waitFor(() => expect(button(/^Give django 0 %/).disabled).toBe(false));
  });
});

describe('the journal', () => {
  it('says how far the standby is behind while nobody is needed', async () => {
    control.now = statusWith({
      journal: journalWith({ lag_seconds: 4.2, states: { done: { count: 1200, oldest_seconds: 4.2 } } }),
    });
    show();
    await findByText(page, '4 s');
    expect(queryByText(page, '1,200, for 4 s')).not.toBeNull();
    expect(queryByText(page, 'attention')).toBeNull();
  });

  it('lists what needs a person, and why', async () => {
    const parked = { parked: { count: 1, oldest_seconds: 200 } };
    control.now = statusWith({ journal: journalWith({ alert: 'attention', reasons: ['1 parked'], states: parked }) });
    control.stuck = [
      { number: 57, state: 'parked', route: 'POST /grades', lanes: ['cadets/9', ''], at: '', seconds_ago: 200, reason: 'answered 422' },
    ];
    show();
    await findByText(page, 'attention');
    await findByText(page, 'answered 422');
    expect(page.textContent).toContain('57 parked for 3 min: POST /grades (cadets/9, everything)');
  });

  it('that is off says so', async () => {
    control.now = statusWith({ journal: { available: false, reason: 'the journal is off' } });
    show();
    await findByText(page, 'the journal is off');
  });
});

describe('a change', () => {
  it('is shown before it is made, and made with its reason on the state that was shown', async () => {
    show();
    fireEvent.click(await findByRole(page, 'button', { name: '25 %' }));
    await waitFor(() => expect(button(/^Give django 25 %/).disabled).toBe(false));
    fireEvent.click(button(/^Give django 25 %/));
    await findByText(page, 'share 5 % → 25 %');
    fireEvent.input(getByLabelText(page, /^Reason/), { target: { value: ' next step ' } });
    fireEvent.submit(page.querySelector('dialog form')!);
    await waitFor(() =>
      expect(control.changes).toEqual([{ wish: { verb: 'weight', share: 25 }, reason: 'next step', version: 12 }]),
    );
    await waitFor(() => expect(page.querySelector('dialog')).toBeNull());
  });

  it('that came too late is told, and stays undone', async () => {
    show();
    await waitFor(() => expect(button(/^Stop/).disabled).toBe(false));
    control.change = () => Promise.reject(new Problem(412, 'the state is at version 13, not 12'));
    fireEvent.click(button(/^Stop/));
    await waitFor(() => expect(button(/^Confirm/).disabled).toBe(false));
    fireEvent.submit(page.querySelector('dialog form')!);
    await findByText(page, 'the state is at version 13, not 12');
  });
});
