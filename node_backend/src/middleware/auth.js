'use strict';

const jwt = require('jsonwebtoken');

const STAFF = ['admin', 'training_staff'];

function signToken(user) {
  const claims = { id: user.id, role: user.role, cadetId: user.cadet_id, staffId: user.staff_id };
  return jwt.sign(claims, process.env.JWT_SECRET, { algorithm: 'HS256', expiresIn: '7d' });
}

function verifyToken(token) {
  return jwt.verify(token, process.env.JWT_SECRET, { algorithms: ['HS256'] });
}

// The token is believed until it expires: users are not looked up, so one who was deactivated keeps working.
function authenticate(req, res, next) {
  const header = req.get('Authorization') || '';
  const token = header.startsWith('Bearer ') ? header.slice(7).trim() : '';
  if (!token) {
    return res.status(401).json({ message: 'No token provided' });
  }
  try {
    req.user = verifyToken(token);
  } catch (err) {
    return res.status(403).json({ message: 'Session expired or invalid token' });
  }
  next();
}

function allowIf(test) {
  return (req, res, next) => {
    if (!test(req)) return res.status(403).json({ message: 'Access denied' });
    next();
  };
}

const isStaff = (req) => STAFF.includes(req.user.role);
const isSelf = (req) => req.user.cadetId === parseInt(req.params.id);
const isOwnStaff = (req) => req.user.staffId === parseInt(req.params.id);

module.exports = {
  signToken,
  verifyToken,
  authenticate,
  isStaff,
  adminOnly: [authenticate, allowIf((req) => req.user.role === 'admin')],
  staffOnly: [authenticate, allowIf(isStaff)],
  staffOrSelf: [authenticate, allowIf((req) => isStaff(req) || isSelf(req))],
  adminOrOwnStaff: [authenticate, allowIf((req) => req.user.role === 'admin' || isOwnStaff(req))],
};
