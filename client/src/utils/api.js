import axios from 'axios';

import { withDates } from './dates.js';
import { errorFrom, noAnswer } from './errors.js';
import { goToLogin } from './navigation.js';
import { getToken, removeToken } from './token.js';

export { extractPaginationData } from './pagination.js';

export const WS_BASE_URL = import.meta.env.VITE_WS_URL;

const api = axios.create({
  baseURL: `${import.meta.env.VITE_API_URL}/api/v1`,
  timeout: 30_000,
  headers: { 'Content-Type': 'application/json' },
});

function authenticate(config) {
  const token = getToken();
  if (token) config.headers.Authorization = `Bearer ${token}`;
  return config;
}

function fail(error) {
  if (axios.isCancel(error)) throw error;
  if (!error.response) throw noAnswer();
  const { status, data } = error.response;
  if (status === 401) signOut();
  if (status === 403 || status >= 500) console.error(`The server answered ${status}`, data);
  throw errorFrom(status, data);
}

function signOut() {
  removeToken();
  goToLogin();
}

api.interceptors.request.use(authenticate);
api.interceptors.response.use((response) => withDates(response.data), fail);

export default api;
