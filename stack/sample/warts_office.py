"""Warts of files, reports, messages, notices, subscriptions, the audit log and the settings."""

from __future__ import annotations

from stack.sample.wart import HOST, HOSTS, Held, Wart

GONE = 59_999_999  # the id of an account that there never was
_HOST_FILE = HOSTS["files"]["id"]


def _url(name: str, what: str, url: str | None, where: str) -> Wart:
    return Wart(f"url-{name}", "files", what, where, ({"url": url},))


def _metadata(name: str, what: str, text: str | None, where: str, held: Held = Held.AS_IS) -> Wart:
    return Wart(f"metadata-{name}", "files", what, where, ({"metadata": text},), held)


_FILES = (
    _url("cloudinary", "a file at Cloudinary", "https://res.cloudinary.com/rotc/raw/upload/odd%20one.pdf",
         "t.url LIKE 'https://res.cloudinary.com/%'"),
    _url("uploads", "a file of this server", "/uploads/odd.pdf", "t.url LIKE '/uploads/%'"),
    _url("absolute", "a path of a machine that is gone", "/opt/render/project/src/server/uploads/odd.pdf",
         "t.url LIKE '/opt/%'"),
    _url("data", "the file itself", "data:text/plain;base64,VGFuZ2xhdw==", "t.url LIKE 'data:%'"),
    _url("null", "a file that is nowhere", None, "t.url IS NULL"),
    _url("empty", "'' for a URL", "", "t.url = ''"),
    Wart("size-beyond-double", "files", "a BIGINT that JavaScript cannot count to", "t.size > 9007199254740992",
         ({"size": 9007199254740993}, {"size": 9223372036854775807})),
    Wart("size-zero", "files", "an empty file", "t.size = 0", ({"size": 0},)),
    Wart("size-null", "files", "nobody measured it", "t.size IS NULL", ({"size": None},)),
    Wart("size-negative", "files", "less than nothing", "t.size < 0", ({"size": -1},)),
    Wart("filename-path", "files", "a name that leads out of its directory", "t.filename LIKE '../%'",
         ({"filename": "../../etc/passwd"},)),
    Wart("filename-latin-1", "files", "UTF-8 that was read as Latin-1", "t.filename LIKE '%Ã±%'",
         ({"filename": "AÃ±o.pdf"},)),
    Wart("filename-quotes", "files", "a name with quotes and a line break", r"t.filename LIKE E'%\"%\n%'",
         ({"filename": 'a "b"\nc.pdf'},)),
    Wart("owner-gone", "files", "the owner's account was deleted", "t.owner_id IS NULL", ({"owner_id": None},)),
    _metadata("sql-null", "no JSON", None, "t.metadata IS NULL"),
    _metadata("json-null", "JSON that says null", "null", "t.metadata = 'null'"),
    _metadata("encoded-twice", "an object inside a JSON string", r'"{\"pages\": 3}"',
              "jsonb_typeof(t.metadata) = 'string'"),
    _metadata("number", "a number beyond every float", "1e400", "jsonb_typeof(t.metadata) = 'number'"),
    _metadata("digits", "more digits than a double has", '{"n": 12345678901234567890.123}',
              "(t.metadata ->> 'n') = '12345678901234567890.123'"),
    _metadata("empty-key", "a key without a letter", '{"": 1}', "t.metadata ? ''"),
    _metadata("deep", "arrays in arrays", "[" * 50 + "]" * 50, "t.metadata::text LIKE '[[[[%'"),
)  # fmt: skip


def _params(name: str, what: str, text: str | None, where: str, held: Held = Held.CHANGED) -> Wart:
    return Wart(f"params-{name}", "reports", what, where, ({"params": text},), held)


_REPORTS = (
    # Only asked of what PostgreSQL can read the keys of: the escapes further down make it give up.
    _params("duplicate-keys", "one key twice", '{"a": 1, "a": 2}',
            "(SELECT count(*) > count(DISTINCT k) FROM json_object_keys(CASE WHEN json_typeof(t.params) = 'object' "
            r"AND t.params::text !~* E'\\\\u(0000|d[89a-f])' THEN t.params ELSE '{}' END) k)"),
    _params("order", "an order of keys that matters to nobody", '{"z": 1, "a": 2}',
            "t.params::text = '{\"z\": 1, \"a\": 2}'"),
    _params("spaces", "spaces between the words", '{ "a" : 1 }', "t.params::text LIKE '{ %'"),
    _params("exponent", "a number as JavaScript prints large ones", '{"a": 1e3}', "t.params::text LIKE '%1e3%'"),
    _params("nul", "an escaped NUL, which jsonb refuses", r'{"a": "x\u0000y"}', r"t.params::text LIKE E'%\\u0000%'",
            Held.REFUSED),
    _params("surrogate", "half of a surrogate pair, which jsonb refuses", r'{"a": "\ud83d"}',
            r"t.params::text ~ E'\\\\ud83d[^\\\\]'", Held.REFUSED),
    _params("sql-null", "no JSON", None, "t.params IS NULL", Held.AS_IS),
    _params("json-null", "JSON that says null", "null", "t.params::text = 'null'", Held.AS_IS),
    _params("encoded-twice", "an object inside a JSON string", r'"{\"term\": \"final\"}"',
            "json_typeof(t.params) = 'string'", Held.AS_IS),
    _params("array", "an array where an object was meant", "[1, 2]", "json_typeof(t.params) = 'array'", Held.AS_IS),
    Wart("report-pending-for-ever", "reports", "its job died with its process",
         "t.status = 'pending' AND t.created_at < '2024-01-01' AND t.completed_at IS NULL",
         ({"status": "pending", "created_at": "2023-06-01 00:00:00"},)),
    Wart("report-without-file", "reports", "done, and its file was deleted",
         "t.status = 'completed' AND t.file_id IS NULL", ({"status": "completed"},)),
    Wart("report-file-without-url", "reports", "done, and its file is nowhere",
         "EXISTS (SELECT FROM files f WHERE f.id = t.file_id AND f.url IS NULL)",
         ({"status": "completed", "file_id": _HOST_FILE},)),
    Wart("report-status", "reports", "a status outside the list",
         "t.status NOT IN ('pending', 'completed', 'failed')", ({"status": "processing"},)),
    Wart("report-before-asked", "reports", "done before it was asked for", "t.completed_at < t.created_at",
         ({"created_at": "2024-09-01 08:00:00", "completed_at": "2024-09-01 00:00:05"},)),
)  # fmt: skip

_MESSAGES = (
    Wart("room-case", "messages", "rooms that differ in case only",
         "EXISTS (SELECT FROM messages o WHERE o.room <> t.room AND lower(o.room) = lower(t.room))",
         ({"room": "Odd"}, {"room": "odd"})),
    Wart("room-path", "messages", "a room that a URL must escape", "t.room LIKE '%/%'", ({"room": "a/b c?ñ%"},)),
    Wart("room-empty", "messages", "'' for a room", "t.room = ''", ({"room": ""},)),
    Wart("sender-gone", "messages", "nobody said it", "t.sender_id IS NULL", ({"sender_id": None},)),
    Wart("content-empty", "messages", "nothing was said", "t.content = ''", ({"content": ""},)),
    Wart("to-oneself", "messages", "from and to one person", "t.sender_id = t.recipient_id",
         ({"sender_id": HOST, "recipient_id": HOST},)),
    Wart("read-null", "messages", "neither read nor not", "t.is_read IS NULL", ({"is_read": None},)),
    Wart("content-long", "messages", "a message of a hundred thousand letters", "length(t.content) >= 100000",
         ({"content": "Opo! " * 20_000},)),
)  # fmt: skip

_NOTICES = (
    Wart("broadcast", "notifications", "no user: for everybody", "t.user_id IS NULL", ({"user_id": None},)),
    Wart("broadcast-read", "notifications", "read for everybody by one", "t.user_id IS NULL AND t.is_read",
         ({"user_id": None, "is_read": True},)),
    Wart("priority-null", "notifications", "no priority, in spite of the default", "t.priority IS NULL",
         ({"priority": None},)),
    Wart("notice-read-null", "notifications", "neither read nor not", "t.is_read IS NULL", ({"is_read": None},)),
    Wart("subscription-orphan", "push_subscriptions", "its account is gone: there is no foreign key",
         "t.user_id IS NOT NULL AND NOT EXISTS (SELECT FROM users u WHERE u.id = t.user_id)", ({"user_id": GONE},)),
    Wart("subscription-nobodys", "push_subscriptions", "no account at all", "t.user_id IS NULL", ({"user_id": None},)),
    Wart("keys-json", "push_subscriptions", "JSON in a text", "t.keys LIKE '{\"p256dh\"%'",
         ({"keys": '{"p256dh": "B1", "auth": "c2"}'},)),
    Wart("keys-twice", "push_subscriptions", "JSON that was encoded twice", "t.keys LIKE '\"{%'",
         ({"keys": r'"{\"auth\": \"c2\"}"'},)),
    Wart("keys-broken", "push_subscriptions", "no JSON in a column that may not be NULL", "t.keys = ''",
         ({"keys": ""},)),
    Wart("endpoint-long", "push_subscriptions", "as long as a unique index takes", "length(t.endpoint) > 2000",
         ({"endpoint": "https://push.example/" + "".join(f"{n:04d}" for n in range(500))},)),
)  # fmt: skip

_SYSTEM = (
    Wart("audit-id-beyond-int", "audit_logs", "an id that 32 bits do not hold", "t.id > 2147483647",
         ({"id": 3_000_000_000},)),
    Wart("audit-of-nothing", "audit_logs", "about a row that is gone",
         "t.table_name = 'cadets' AND NOT EXISTS (SELECT FROM cadets c WHERE c.id::text = t.record_id)",
         ({"operation": "DELETE", "record_id": str(GONE)},)),
    Wart("audit-user-gone", "audit_logs", "by an account that is gone: there is no foreign key",
         "NOT EXISTS (SELECT FROM users u WHERE u.id = t.user_id) AND t.user_id IS NOT NULL", ({"user_id": GONE},)),
    Wart("payload-sql-null", "audit_logs", "no payload", "t.payload IS NULL", ({"payload": None},)),
    Wart("payload-json-null", "audit_logs", "a payload that says null", "t.payload = 'null'", ({"payload": "null"},)),
    Wart("payload-twice", "audit_logs", "an object inside a JSON string", "jsonb_typeof(t.payload) = 'string'",
         ({"payload": r'"{\"id\": 1}"'},)),
    Wart("setting-null", "settings", "no value", "t.value IS NULL", ({"value": None},)),
    Wart("setting-empty", "settings", "'' for a value", "t.value = ''", ({"value": ""},)),
    Wart("setting-flag", "settings", "a boolean as '1' or '0'", "t.value IN ('0', '1')",
         ({"value": "1"}, {"value": "0"})),
    Wart("setting-word", "settings", "a boolean in words", "lower(t.value) IN ('true', 'false')", ({"value": "TRUE"},)),
    Wart("setting-json", "settings", "JSON in a text", "t.value LIKE '{%'", ({"value": '{"primary": null}'},)),
    Wart("setting-key-case", "settings", "keys that differ in case only",
         "EXISTS (SELECT FROM settings o WHERE o.key <> t.key AND lower(o.key) = lower(t.key))",
         ({"key": "Odd_Key"}, {"key": "odd_key"})),
    Wart("setting-proto", "settings", "a key that means something to a JavaScript object", "t.key = '__proto__'",
         ({"key": "__proto__", "value": "1"},)),
)  # fmt: skip

WARTS = (*_FILES, *_REPORTS, *_MESSAGES, *_NOTICES, *_SYSTEM)
