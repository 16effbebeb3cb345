'use strict';

// The smallest PDF that shows lines of text: Courier on A4 in landscape, one font, nothing compressed.

const LINES_PER_PAGE = 48;

// The standard fonts know Latin-1; other letters become question marks.
function literal(text) {
  return `(${text.replace(/[^\x20-\x7e\xa0-\xff]/g, '?').replace(/[\\()]/g, '\\$&')})`;
}

function pageText(lines) {
  return `BT /F1 9 Tf 11 TL 36 560 Td ${lines.map((line) => `${literal(line)} Tj T*`).join('\n')} ET`;
}

function pages(lines) {
  const found = [];
  for (let i = 0; i < lines.length; i += LINES_PER_PAGE) found.push(lines.slice(i, i + LINES_PER_PAGE));
  return found;
}

function toPdf(lines) {
  // Object 1 is the catalogue, 2 the list of pages, 3 the font; then each page and its text.
  const kids = pages(lines).map((page, i) => ({ number: 4 + 2 * i, text: pageText(page) }));
  const objects = [
    '<< /Type /Catalog /Pages 2 0 R >>',
    `<< /Type /Pages /Kids [${kids.map((kid) => `${kid.number} 0 R`).join(' ')}] /Count ${kids.length} >>`,
    '<< /Type /Font /Subtype /Type1 /BaseFont /Courier /Encoding /WinAnsiEncoding >>',
    ...kids.flatMap(({ number, text }) => [
      `<< /Type /Page /Parent 2 0 R /MediaBox [0 0 842 595] /Resources << /Font << /F1 3 0 R >> >> `
        + `/Contents ${number + 1} 0 R >>`,
      `<< /Length ${text.length} >>\nstream\n${text}\nendstream`,
    ]),
  ];
  let out = '%PDF-1.4\n';
  const offsets = objects.map((object, i) => {
    const at = out.length;
    out += `${i + 1} 0 obj\n${object}\nendobj\n`;
    return `${String(at).padStart(10, '0')} 00000 n \n`;
  });
  const table = `xref\n0 ${objects.length + 1}\n0000000000 65535 f \n${offsets.join('')}`;
  const trailer = `trailer\n<< /Size ${objects.length + 1} /Root 1 0 R >>\nstartxref\n${out.length}\n%%EOF\n`;
  return Buffer.from(out + table + trailer, 'latin1');
}

module.exports = { toPdf };
