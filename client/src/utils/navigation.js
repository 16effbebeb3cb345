export const LOGIN_PATH = '/login';

// The router listens to popstate, so that code outside of React can go to a page without loading the whole app again.
export function goToLogin() {
  if (window.location.pathname === LOGIN_PATH) return;
  window.history.pushState(null, '', LOGIN_PATH);
  window.dispatchEvent(new PopStateEvent('popstate'));
}
