'use strict';

// One match is one cell and what ends it: a quoted cell (doubled quotes inside) or a plain one, then comma, line end or
// the end of the text.
const CELL = /(?:"((?:[^"]|"")*)"|([^,\r\n]*))(,|\r\n|\n|\r|$)/g;

function parseLines(text) {
  const lines = [];
  let line = [];
  for (const [, quoted, plain, end] of text.matchAll(CELL)) {
    line.push(quoted === undefined ? plain : quoted.replace(/""/g, '"'));
    if (end === ',') continue;
    lines.push(line);
    line = [];
  }
  return lines;
}

// Objects keyed by the header row. An empty cell is left out, so that the default of its column applies.
function parseCsv(text) {
  const [header, ...lines] = parseLines(text.replace(/^\uFEFF/, ''));
  const names = header.map((name) => name.trim());
  return lines
    .filter((line) => line.some((cell) => cell !== ''))
    .map((line) => Object.fromEntries(names.map((name, i) => [name, line[i]]).filter(([, cell]) => cell)));
}

function cell(value) {
  const text = value === null || value === undefined ? '' : String(value);
  return /[",\r\n]/.test(text) ? `"${text.replace(/"/g, '""')}"` : text;
}

function toCsv(lines) {
  return lines.map((line) => `${line.map(cell).join(',')}\r\n`).join('');
}

module.exports = { parseCsv, toCsv };
