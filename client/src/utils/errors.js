const FALLBACK_MESSAGE = 'An error occurred';

const NO_ANSWER = {
  status: 0,
  code: 'NETWORK_ERROR',
  message: 'Unable to connect to server. Please check your internet connection.',
};

/** What every failed request rejects with: `status`, `message`, `code` and `details`, whoever answered. */
export class ApiError extends Error {
  constructor({ status, message, code, details }) {
    super(message);
    this.name = 'ApiError';
    this.status = status;
    this.code = code;
    this.details = details;
  }
}

export function noAnswer() {
  return new ApiError({ ...NO_ANSWER, details: {} });
}

// The legacy backend sends a bare `message`, a balancer in front of it perhaps a page of HTML.
export function errorFrom(status, body) {
  const { message, code, details } = isObject(body) ? body : {};
  return new ApiError({
    status,
    message: textOr(message, FALLBACK_MESSAGE),
    code: textOr(code, `HTTP_${status}`),
    details: isObject(details) ? details : {},
  });
}

function isObject(value) {
  return typeof value === 'object' && value !== null;
}

function textOr(value, fallback) {
  return typeof value === 'string' && value !== '' ? value : fallback;
}
