import { WS_BASE_URL } from './api.js';
import { getToken } from './token.js';

export const MAX_RECONNECTS = 5;
const STEP_MS = 1000;
const REFUSED = 4001; // the token is missing, bad or expired: asking again with it is in vain

/** Milliseconds until the given attempt: about a second for each, spread, since a flip disconnects everybody at once. */
export function reconnectDelay(attempt, random = Math.random) {
  return STEP_MS * attempt * (0.5 + random());
}

/** One WebSocket that comes back by itself after a loss, at most five times in a row. */
class WebSocketService {
  #socket = null;
  #timer = null;
  #attempts = 0;

  connect(endpoint, onMessage, onError = () => {}) {
    this.disconnect();
    this.#attempts = 0;
    this.#open({ endpoint, onMessage, onError });
  }

  /** Whether it was sent: what is said while there is no connection is lost, not kept. */
  send(data) {
    if (this.#socket?.readyState !== WebSocket.OPEN) return false;
    this.#socket.send(JSON.stringify(data));
    return true;
  }

  disconnect() {
    clearTimeout(this.#timer);
    const socket = this.#socket;
    this.#socket = null; // before it closes: a socket that is not ours any more does not reconnect
    socket?.close();
  }

  #open(call) {
    const socket = new WebSocket(address(call.endpoint));
    const ours = (handle) => (event) => {
      if (socket === this.#socket) handle(event);
    };
    this.#socket = socket;
    socket.onopen = ours(() => (this.#attempts = 0));
    socket.onmessage = ours((event) => receive(event, call));
    socket.onerror = ours((event) => call.onError(event));
    socket.onclose = ours((event) => this.#lost(event, call));
  }

  #lost(event, call) {
    this.#socket = null;
    if (event.code === REFUSED) call.onError(event);
    if (event.code === REFUSED || this.#attempts >= MAX_RECONNECTS) return;
    this.#attempts += 1;
    this.#timer = setTimeout(() => this.#open(call), reconnectDelay(this.#attempts));
  }
}

// The token is read at every attempt: it may be a new one by then.
function address(endpoint) {
  return `${WS_BASE_URL}${endpoint}?token=${encodeURIComponent(getToken() ?? '')}`;
}

function receive(event, { onMessage, onError }) {
  let message;
  try {
    message = JSON.parse(event.data);
  } catch (error) {
    onError(error);
    return;
  }
  onMessage(message);
}

export default new WebSocketService();
