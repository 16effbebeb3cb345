'use strict';

// Collects the conditions of a list. A `?` stands for the value that comes with its condition.
function conditions() {
  const where = [];
  const params = [];
  function add(condition, value) {
    params.push(value);
    where.push(condition.replaceAll('?', `$${params.length}`));
  }
  return { where, params, add };
}

// What LIKE needs to look for the text as it stands: % and _ are letters. It regards case, and always has.
function containing(text) {
  return `%${String(text).replace(/[\\%_]/g, '\\$&')}%`;
}

module.exports = { conditions, containing };
