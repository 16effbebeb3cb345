// The legacy frontend's key: people who are logged in stay so when this frontend replaces it.
const KEY = 'authToken';

export function getToken() {
  return localStorage.getItem(KEY);
}

export function setToken(token) {
  localStorage.setItem(KEY, token);
}

export function removeToken() {
  localStorage.removeItem(KEY);
}
