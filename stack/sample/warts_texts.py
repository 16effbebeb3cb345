"""Warts of text: what can be in any unbounded text column, shown in cadets.address, and in names where it matters."""

from __future__ import annotations

from stack.sample.wart import Wart

LONG = 1_000_000


def _text(name: str, what: str, text: str, where: str) -> Wart:
    return Wart(f"text-{name}", "cadets", what, where, ({"address": text},))


_ADDRESSES = (
    _text("empty", "'' where another row has NULL", "", "t.address = ''"),
    _text("spaces", "nothing but spaces", "   ", "t.address <> '' AND btrim(t.address) = ''"),
    _text("trailing", "a space behind it", "Sogod ", "t.address LIKE '% '"),
    _text("nbsp", "a no-break space behind it, which trim() leaves", "Sogod\u00a0", r"t.address LIKE E'%\u00a0'"),
    _text("newlines", "line feeds of both kinds", "Purok 3,\r\nSogod\nLeyte", r"t.address LIKE E'%\r\n%'"),
    _text("tab", "a tab", "Bontoc\tSo. Leyte", r"t.address LIKE E'%\t%'"),
    _text("copy-null", "the letters that COPY takes for NULL", r"\N", r"t.address = E'\\N'"),
    _text("copy-end", "the letters that ended COPY", "a\n\\.\nb", r"t.address LIKE E'%\n\\\\.\n%'"),
    _text("backslash", "a backslash at the end", "C:\\homes\\", r"right(t.address, 1) = E'\\'"),
    _text("like", "every letter that LIKE gives a meaning to", "100%_\\", r"position(E'%_\\' in t.address) > 0"),
    _text("quotes", "quotation marks and SQL", "Robert'); DROP TABLE \"cadets\";--", "t.address LIKE '%'');%'"),
    _text("markup", "a script", "<script>alert('ñ')</script>&amp;", "t.address LIKE '%<script>%'"),
    _text("formula", "a formula for spreadsheets that open the CSV", "=1+1,\"x\"", "t.address LIKE '=%'"),
    _text("control", "control characters", "\u0001\u001f\u007f", r"t.address ~ E'[\u0001-\u0008]'"),
    _text("separator", "a line separator, which ended lines of JavaScript", "a\u2028b", r"t.address LIKE E'%\u2028%'"),
    _text("bom", "a byte order mark in front", "\ufeffSogod", r"t.address LIKE E'\uFEFF%'"),
    _text("zero-width", "letters without width", "So\u200bgod\u200d", r"t.address LIKE E'%\u200b%'"),
    _text("emoji", "emoji outside the first plane, joined and coloured", "🏠 👍🏽 🇵🇭 \U0001f468\u200d\U0001f467",
          r"t.address ~ E'[\U0001F300-\U0001FAFF]'"),
    _text("rtl", "right to left, with an override", "\u0634\u0627\u0631\u0639 \u202e\u0645\u062f\u0631\u0633\u0629",
          r"t.address LIKE E'%\u202e%'"),
    _text("last-letter", "the last code point and a non-character", "\U0010ffff\uffff",
          r"t.address LIKE E'%\U0010FFFF%'"),
    _text("replacement", "a letter that was lost before it came here", "Pe\ufffdaflor", r"t.address LIKE E'%\uFFFD%'"),
    _text("mojibake", "UTF-8 that was read as Latin-1", "PeÃ±aflor", "t.address LIKE '%Ã±%'"),
    _text("case", "letters whose case changes their number", "İstanbul ẞtraße ŉ", "t.address LIKE 'İ%'"),
    _text("javascript", "what JavaScript made of a missing object", "[object Object]", "t.address = '[object Object]'"),
    _text("undefined", "what JavaScript made of nothing", "undefined", "t.address IN ('undefined', 'null', 'NaN')"),
    _text("long", "a million letters, of which each takes two bytes", "ñ" * LONG, f"length(t.address) >= {LONG}"),
)  # fmt: skip

_SAME = "EXISTS (SELECT FROM cadets o WHERE o.id <> t.id AND {})"
_NAMES = (
    Wart("name-nfd", "cadets", "a name with a combining character", "t.first_name IS NOT NFC NORMALIZED",
         ({"first_name": "Jose\u0301"},)),
    Wart("name-nfc-and-nfd", "cadets", "two people whose names look alike and are not equal",
         _SAME.format("o.first_name <> t.first_name AND normalize(o.first_name) = normalize(t.first_name)"),
         ({"first_name": "Ibañez"}, {"first_name": "Iban\u0303ez"})),
    Wart("namesakes", "cadets", "the same last and first name: ties in the order of the list",
         _SAME.format("(o.last_name, o.first_name) = (t.last_name, t.first_name)"),
         ({"first_name": "Juan", "last_name": "Odd-Cruz"}, {"first_name": "Juan", "last_name": "Odd-Cruz"})),
    Wart("name-empty", "cadets", "'' for a first name that may not be NULL", "t.first_name = ''",
         ({"first_name": ""},)),
    Wart("name-case", "cadets", "names that order differently by bytes and by a dictionary", "t.last_name ~ '^[a-z]'",
         ({"last_name": "de la Odd"}, {"last_name": "ÑODD"})),
    Wart("student-id-case", "cadets", "student ids that differ in case only",
         _SAME.format("o.student_id <> t.student_id AND lower(o.student_id) = lower(t.student_id)"),
         ({"student_id": "W-2024-A1"}, {"student_id": "w-2024-a1"})),
    Wart("student-id-space", "cadets", "a student id with a space behind it, and the same without",
         _SAME.format("o.student_id = rtrim(t.student_id) AND o.student_id <> t.student_id"),
         ({"student_id": "W-space "}, {"student_id": "W-space"})),
    Wart("student-id-empty", "cadets", "'' for a student id", "t.student_id = ''", ({"student_id": ""},)),
)  # fmt: skip

WARTS = (*_ADDRESSES, *_NAMES)
