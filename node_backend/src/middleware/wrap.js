'use strict';

// Express 4 does not wait for a promise: without this a failed query would leave the client without an answer.
function wrap(handler) {
  return (req, res, next) => handler(req, res, next).catch(next);
}

module.exports = { wrap };
