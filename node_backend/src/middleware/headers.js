'use strict';

// Node writes the header of an answer at the last moment, which is when the time is known.
function responseTime(req, res, next) {
  const start = process.hrtime.bigint();
  const writeHead = res.writeHead;
  res.writeHead = function writeHeadWithTime(...args) {
    const ms = Number(process.hrtime.bigint() - start) / 1e6;
    res.setHeader('X-Response-Time', `${ms.toFixed(3)}ms`);
    return writeHead.apply(res, args);
  };
  next();
}

function cors(req, res, next) {
  res.set('Access-Control-Allow-Origin', '*');
  if (req.method !== 'OPTIONS') return next();
  res.set('Access-Control-Allow-Methods', 'GET,HEAD,PUT,PATCH,POST,DELETE');
  res.set('Access-Control-Allow-Headers', req.get('Access-Control-Request-Headers') || 'Authorization, Content-Type');
  res.status(204).end();
}

module.exports = { responseTime, cors };
