"""Warts of users and their settings: names and addresses that almost agree, flags that are neither, odd passwords."""

from __future__ import annotations

from stack.sample.wart import HOST, Wart

CUT = "x" * 72
HALF = "y" * 71 + "ñ"
_LONG_HASH = "$2a$10$dJC9.kJ/W2mb5yISi/JLquQgFuFsBy55kt5RfZ66MKQa.RhlgymX2"
_HALF_HASH = "$2a$10$/0uos5osrIIm5ATIqr8CZeHbbHJCYDBOXI5LlYF/C3W1krXivXxja"

# Accounts with a hash of their own, by username: the password that opens it and the hash. Node lets in all of them.
# A password with half of a surrogate pair is not among them: hashing or comparing one ends the process of bcryptjs 2.4.
ODD_PASSWORDS: dict[str, tuple[str, str]] = {
    "odd-2b": ("Node 18 wrote this", "$2b$10$Mzlj840IgCXCUK41SzsoAOQVtWZFnn0ctP8pW5X/4GiBUWsYDATVy"),
    "odd-2y": ("PHP wrote this", "$2y$10$7DLWr4ayT0JDT3Esw7vcsuJbqVffExVSFqjU6L24662s/Ae9PBYnO"),
    "odd-cost-4": ("a hash in a hurry", "$2a$04$Zz8WEFUsOrt2WLXRro.CHOyeWJkPjXyun2K47bq6oaeK8xT4N6UnO"),
    "odd-cost-12": ("a hash that takes its time", "$2a$12$xV2gLoV6CYiMZgOVn3N39.hO5NQcFKcpf.x7FbVBeuHwEK7Tn0sEq"),
    "odd-long": (CUT + " and whatever follows", _LONG_HASH),
    "odd-half": (HALF, _HALF_HASH),
    "odd-emoji": ("🫡" * 20, "$2a$10$t7uI9cf/vkmbJJ5BYOhd5OYi3EtETcC2YFRuBTvbRCvsxCKhF3QQK"),
    "odd-nul": ("before\0after", "$2a$10$XkxGKga8D3B.wX5e26brF.NgqRe18958NFzUs.sKVkcAgvZNQPdmW"),
    "odd-nfd": ("n\u0303andu", "$2a$10$IKjlB3hL4HUFPciYdmDXL.ljhktOOKGDot/egJL22u9y9cVie4LfS"),
}
# Texts in the password column that no password opens, and that must not crash a login either.
NO_HASHES: dict[str, str] = {
    "odd-import": "VGhpcyBpcyBubyBoYXNoLCBidXQgaXQgaXMgNTYgbGV0dGVycyBsb24=",
    "odd-empty": "",
    "odd-plain": "password123",
    "odd-short": _LONG_HASH[:-1],
    "odd-prefix": f"bcrypt${_LONG_HASH}",
    "odd-sha": f"bcrypt_sha256${_LONG_HASH}",
}


def _opens(username: str) -> dict[str, object]:
    return {"username": username, "password": ODD_PASSWORDS[username][1], "cadet_id": HOST}


def _opens_not(username: str) -> dict[str, object]:
    return {"username": username, "password": NO_HASHES[username], "cadet_id": HOST}


def _other(condition: str) -> str:
    return f"EXISTS (SELECT FROM users o WHERE o.id <> t.id AND {condition})"


_FLAT = "lower(normalize({}, NFKC))"

_PASSWORDS = (
    Wart("hash-2b", "users", "a hash of newer libraries", "t.password LIKE '$2b$%'", (_opens("odd-2b"),)),
    Wart("hash-2y", "users", "a hash of PHP's; native bcrypt for Node refuses it, bcryptjs does not",
         "t.password LIKE '$2y$%'", (_opens("odd-2y"),)),
    Wart("hash-2a", "users", "the hash that bcryptjs 2 writes", "t.password LIKE '$2a$10$%' AND length(t.password)=60"),
    Wart("hash-cheap", "users", "a cost below 10", "t.password LIKE '$2_$04$%'", (_opens("odd-cost-4"),)),
    Wart("hash-dear", "users", "a cost above 10", "t.password LIKE '$2_$12$%'", (_opens("odd-cost-12"),)),
    Wart("password-long", "users", "the password has more than 72 bytes, of which bcrypt takes 72",
         f"t.password = '{_LONG_HASH}'", (_opens("odd-long"),)),
    Wart("password-cut-letter", "users", "the 72nd byte is the first of a letter's two", f"t.password = '{_HALF_HASH}'",
         (_opens("odd-half"),)),
    Wart("password-emoji", "users", "twenty emoji: 20 letters, 40 units of UTF-16, 80 bytes",
         "t.username = 'odd-emoji' AND t.password LIKE '$2a$%'", (_opens("odd-emoji"),)),
    Wart("password-nul", "users", "a NUL inside the password; what follows it counts",
         "t.username = 'odd-nul' AND t.password LIKE '$2a$%'", (_opens("odd-nul"),)),
    Wart("password-nfd", "users", "a password typed with a combining character; NFC of it is another password",
         "t.username = 'odd-nfd' AND t.password LIKE '$2a$%'", (_opens("odd-nfd"),)),
    Wart("password-import", "users", "56 letters from the importer that are no hash", "length(t.password) = 56",
         (_opens_not("odd-import"),)),
    Wart("password-empty", "users", "no password at all in a column that may not be NULL", "t.password = ''",
         (_opens_not("odd-empty"),)),
    Wart("password-plain", "users", "somebody's password as it was typed", "t.password = 'password123'",
         (_opens_not("odd-plain"),)),
    Wart("hash-short", "users", "a hash that lost its last letter", "t.password LIKE '$2_$%' AND length(t.password)=59",
         (_opens_not("odd-short"),)),
    Wart("hash-prefixed", "users", "a hash that came back from Django with the name of its hasher",
         "t.password LIKE 'bcrypt$$2%'", (_opens_not("odd-prefix"),)),
    Wart("hash-wrong-hasher", "users", "what the first migration attempt wrote: nobody can log in with it",
         "t.password LIKE 'bcrypt#_sha256$%' ESCAPE '#'", (_opens_not("odd-sha"),)),
)  # fmt: skip

_NAMES = (
    Wart("email-null", "users", "no address", "t.email IS NULL", ({"email": None},)),
    Wart("email-empty", "users", "'' for an address, many times", f"t.email = '' AND {_other('o.email = t.email')}",
         ({"email": ""}, {"email": ""})),
    Wart("email-twice", "users", "two accounts share an address", f"t.email <> '' AND {_other('o.email = t.email')}",
         ({"email": "twins@odd.example"}, {"email": "twins@odd.example"})),
    Wart("email-case", "users", "addresses that differ in case only",
         f"t.email <> '' AND {_other('o.email <> t.email AND lower(o.email) = lower(t.email)')}",
         ({"email": "A@x"}, {"email": "a@x"})),
    Wart("email-spaces", "users", "a space behind the address", "t.email <> btrim(t.email)",
         ({"email": "trailing@odd.example "},)),
    Wart("email-of-another", "users", "an address that is somebody else's username",
         _other("o.username = t.email"), ({"username": "odd-a@x"}, {"email": "odd-a@x"})),
    Wart("username-case", "users", "usernames that differ in case only",
         _other("o.username <> t.username AND lower(o.username) = lower(t.username)"),
         ({"username": "Odd.Case"}, {"username": "odd.case"})),
    Wart("username-space", "users", "a username with a space behind it, and the same without",
         _other("o.username = rtrim(t.username) AND o.username <> t.username"),
         ({"username": "odd.space "}, {"username": "odd.space"})),
    Wart("username-nfd", "users", "one name composed, one with a combining character: two usernames",
         _other("o.username <> t.username AND normalize(o.username, NFC) = normalize(t.username, NFC)"),
         ({"username": "odd.ñ"}, {"username": "odd.n\u0303"})),
    Wart("username-wide", "users", "full-width letters that look like another username",
         _other(f"o.username <> t.username AND {_FLAT.format('o.username')} = {_FLAT.format('t.username')} "
                "AND normalize(t.username, NFC) <> normalize(t.username, NFKC)"),
         ({"username": "odd.wide"}, {"username": "ｏｄｄ.wide"})),
    Wart("username-student-id", "users", "a username that is another cadet's student id",
         "EXISTS (SELECT FROM cadets c WHERE c.student_id = t.username AND c.id IS DISTINCT FROM t.cadet_id)",
         ({"username": "W-HOST"},)),
)  # fmt: skip

_FLAGS = (
    Wart("approved-0", "users", "waits for approval", "t.is_approved = 0", ({"is_approved": 0},)),
    Wart("approved-1", "users", "approved", "t.is_approved = 1", ({"is_approved": 1},)),
    Wart("approved-null", "users", "from before there was an approval", "t.is_approved IS NULL",
         ({"is_approved": None},)),
    Wart("approved-2", "users", "an INTEGER used as a flag holds a 2", "t.is_approved NOT IN (0, 1)",
         ({"is_approved": 2},)),
    Wart("active-null", "users", "neither active nor not: Node lets it in", "t.is_active IS NULL",
         ({"is_active": None},)),
    Wart("inactive", "users", "deactivated", "NOT t.is_active", ({"is_active": False},)),
    Wart("staff-flag-of-cadet", "users", "is_staff disagrees with the role", "t.is_staff AND t.role = 'cadet'",
         ({"is_staff": True},)),
    Wart("cadet-without-cadet", "users", "the role says cadet, and there is none",
         "t.role = 'cadet' AND t.cadet_id IS NULL", ({"cadet_id": None},)),
    Wart("cadet-and-staff", "users", "an account of a cadet and of a member of staff",
         "t.cadet_id IS NOT NULL AND t.staff_id IS NOT NULL", ({"cadet_id": HOST, "staff_id": HOST},)),
    Wart("accounts-of-one-cadet", "users", "two accounts for one cadet", _other("o.cadet_id = t.cadet_id"),
         ({"cadet_id": HOST},)),
    Wart("id-of-another-table", "users", "the id of an account is the id of somebody else's cadet row",
         "EXISTS (SELECT FROM cadets c WHERE c.id = t.id AND c.id <> t.cadet_id)"),
    Wart("no-settings", "users", "no row of settings: the defaults hold",
         "NOT EXISTS (SELECT FROM user_settings s WHERE s.user_id = t.id)"),
    Wart("settings-null", "user_settings", "a row of settings that says nothing", "t.dark_mode IS NULL",
         ({"user_id": HOST, **dict.fromkeys(("email_alerts", "push_notifications", "activity_updates", "dark_mode",
           "compact_mode", "primary_color"))},)),
)  # fmt: skip

WARTS = (*_PASSWORDS, *_NAMES, *_FLAGS)
