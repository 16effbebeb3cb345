import { QueryClientProvider } from '@tanstack/react-query';
import { fireEvent, render, screen } from '@testing-library/react';
import { BrowserRouter } from 'react-router';
import { afterAll, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';

import { loadFor } from './support/modules.js';
import { startServer } from './support/server.js';

const CADET = {
  id: 57,
  first_name: 'Ana',
  middle_name: null,
  last_name: 'Reyes',
  student_id: '2021-0042',
  company: 'Alpha',
  course: 'BSIT',
  status: 'Ongoing',
  birthdate: '2003-04-05T00:00:00.000Z',
  updated_at: '2024-08-05T01:00:00.000Z',
};
const ANSWERS = {
  'POST /auth/login': { token: 'a.b.c', role: 'admin' },
  'GET /auth/me': { id: 1, username: 'admin', role: 'admin' },
  'GET /auth/settings': { emailAlerts: true, darkMode: false, compactMode: false, primaryColor: 'teal' },
  'GET /cadets': { page: 1, limit: 20, total: '45', data: [CADET] },
  'GET /cadets/57': CADET,
  'PATCH /cadets/57': { ...CADET, company: 'Bravo' },
  'PUT /auth/settings': { emailAlerts: false, darkMode: true, compactMode: false, primaryColor: 'teal' },
};

let server;
let answers;
beforeAll(async () => (server = await startServer()));
afterAll(() => server.stop());
beforeEach(() => {
  vi.stubGlobal('WebSocket', class { close() {} });
  answers = { ...ANSWERS };
  server.requests.length = 0;
  server.reply = ({ method, path }) => {
    const body = answers[`${method} ${path.replace('/api/v1', '')}`];
    return body?.status > 0 ? body : { body };
  };
});

async function show(path, token = 'a.b.c') {
  if (token) localStorage.setItem('authToken', token);
  window.history.replaceState(null, '', path);
  const { App } = await loadFor(server.url, '../../src/App.jsx');
  const { makeQueryClient } = await import('../src/queries/client.js');
  render(
    <QueryClientProvider client={makeQueryClient()}>
      <BrowserRouter>
        <App />
      </BrowserRouter>
    </QueryClientProvider>,
  );
}

const asked = (method, path) =>
  server.requests.filter((request) => request.method === method && request.path === `/api/v1${path}`);

describe('signing in', () => {
  it('is asked of everybody without a token, and leads to the cadets', async () => {
    await show('/cadets', null);
    fireEvent.change(await screen.findByLabelText(/Username/), { target: { value: 'admin' } });
    fireEvent.change(screen.getByLabelText('Password'), { target: { value: 'secret' } });
    fireEvent.click(screen.getByRole('button', { name: 'Sign in' }));
    await screen.findByRole('link', { name: 'Reyes, Ana' });
    expect(asked('POST', '/auth/login')[0].body).toEqual({ username: 'admin', password: 'secret' });
    expect(asked('GET', '/cadets')[0].headers.authorization).toBe('Bearer a.b.c');
  });

  it('says why it failed', async () => {
    answers['POST /auth/login'] = { status: 401, body: { message: 'Invalid credentials' } };
    await show('/login', null);
    fireEvent.change(screen.getByLabelText(/Username/), { target: { value: 'admin' } });
    fireEvent.change(screen.getByLabelText('Password'), { target: { value: 'wrong' } });
    fireEvent.click(screen.getByRole('button', { name: 'Sign in' }));
    expect((await screen.findByRole('alert')).textContent).toBe('Invalid credentials');
  });

  it('is asked again when the server refuses the token', async () => {
    answers['GET /cadets'] = { status: 401, body: { message: 'Session expired' } };
    await show('/cadets');
    await screen.findByRole('button', { name: 'Sign in' });
    expect(localStorage.getItem('authToken')).toBeNull();
  });
});

describe('the cadets', () => {
  it('are listed by page, and the total may be a string', async () => {
    await show('/cadets');
    await screen.findByText('Page 1 of 3 · 45 in all');
    fireEvent.click(screen.getByRole('button', { name: 'Next' }));
    await vi.waitFor(() => expect(asked('GET', '/cadets').at(-1).query).toEqual({ page: '2', limit: '20' }));
  });

  it('are searched from the first page', async () => {
    await show('/cadets?page=3');
    fireEvent.change(await screen.findByRole('searchbox'), { target: { value: 'Reyes' } });
    fireEvent.click(screen.getByRole('button', { name: 'Search' }));
    await vi.waitFor(() =>
      expect(asked('GET', '/cadets').at(-1).query).toEqual({ page: '1', limit: '20', search: 'Reyes' }),
    );
  });

  it('send what was changed, and nothing else', async () => {
    await show('/cadets/57');
    fireEvent.change(await screen.findByLabelText('Company'), { target: { value: 'Bravo' } });
    fireEvent.click(screen.getByRole('button', { name: 'Save' }));
    await screen.findByText('Saved.');
    expect(asked('PATCH', '/cadets/57').map(({ body }) => body)).toEqual([{ company: 'Bravo' }]);
  });

  it('that have gone meanwhile are told of, though the legacy backend says 200', async () => {
    await show('/cadets/57');
    fireEvent.change(await screen.findByLabelText('Company'), { target: { value: 'Bravo' } });
    answers['PATCH /cadets/57'] = {};
    answers['GET /cadets/57'] = { status: 404, body: { message: 'Cadet not found' } };
    fireEvent.click(screen.getByRole('button', { name: 'Save' }));
    expect((await screen.findByRole('alert')).textContent).toContain('Cadet not found');
  });

  it('that are missing are told of', async () => {
    answers['GET /cadets/58'] = { status: 404, body: { message: 'Cadet not found' } };
    await show('/cadets/58');
    expect((await screen.findByRole('alert')).textContent).toContain('Cadet not found');
  });
});

describe('the settings', () => {
  it('are saved one by one', async () => {
    await show('/settings');
    fireEvent.click(await screen.findByLabelText('Dark mode'));
    await vi.waitFor(() => expect(document.documentElement.dataset.theme).toBe('dark'));
    expect(asked('PUT', '/auth/settings')[0].body).toEqual({ darkMode: true });
  });

  it('keep a colour that the page does not know', async () => {
    await show('/settings');
    expect((await screen.findByLabelText('Colour')).value).toBe('teal');
  });
});
