"""Settings of every deployment; what differs between two of them comes from the environment."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from corsheaders.defaults import default_headers

from config import environment
from config.settings.background import *  # noqa: F403
from config.settings.files import *  # noqa: F403
from config.settings.redis import *  # noqa: F403

BASE_DIR = Path(__file__).resolve().parents[2]

SECRET_KEY = environment.required("SECRET_KEY")
# Both backends sign with it, so that a flip logs nobody out. It is not SECRET_KEY, and it is read here only.
JWT_SECRET = environment.optional("JWT_SECRET", "")
# What only those need who answer requests; they refuse to start without it, and workers are not told of it at all.
NEEDED_BY_WEB: tuple[str, ...] = ("JWT_SECRET",)
NEEDED_BY_SOCKETS: tuple[str, ...] = ("JWT_SECRET",)
DEBUG = environment.flag("DEBUG")
ALLOWED_HOSTS = environment.items(environment.optional("ALLOWED_HOSTS", "localhost,127.0.0.1,[::1]"))
RELEASE_VERSION = environment.optional("RELEASE_VERSION", "1.0.0")

INSTALLED_APPS = [
    "django.contrib.admin",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "corsheaders",
    "rest_framework",
    "drf_spectacular",
    "apps.cadets",
    "apps.staff",
    "apps.authentication",
    "apps.activities",
    "apps.attendance",
    "apps.grading",
    "apps.files",
    "apps.reports",
    "apps.messaging",
    "apps.system",
    "common.copies",
]

MIDDLEWARE = [
    # Before everything that looks at the Host: a probe must get an answer whatever it calls us.
    "common.health.HealthMiddleware",
    "common.request_id.RequestIdMiddleware",
    "django.middleware.security.SecurityMiddleware",
    "corsheaders.middleware.CorsMiddleware",
    # Outside everything that writes: an answer is recorded in the transaction of its effect.
    "common.copies.middleware.CopiesMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
]

ROOT_URLCONF = "config.urls"
WSGI_APPLICATION = "config.wsgi.application"
ASGI_APPLICATION = "config.asgi.application"
# Paths match with and without the slash; a redirect would lose the body of a POST.
APPEND_SLASH = False

TEMPLATES: list[dict[str, Any]] = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
            ],
        },
    },
]

# Each thread of a worker keeps its connection, and looks whether it still lives before a request uses it.
DATABASES: dict[str, dict[str, Any]] = {
    "default": {
        **environment.database("DATABASE_URL"),
        "CONN_MAX_AGE": environment.number("CONN_MAX_AGE", default=600),
        "CONN_HEALTH_CHECKS": True,
    },
}
DEFAULT_AUTO_FIELD = "django.db.models.AutoField"

AUTH_USER_MODEL = "authentication.User"
# Only this one: a second hasher would rewrite hashes at login, and Node could not read them after a rollback.
PASSWORD_HASHERS = ["apps.authentication.hashers.NodeBcryptHasher"]

CORS_ALLOWED_ORIGINS = environment.items(environment.optional("CORS_ALLOWED_ORIGINS", ""))
CORS_ALLOW_HEADERS = [*default_headers, "idempotency-key"]
CORS_EXPOSE_HEADERS = ["X-Request-ID", "Idempotency-Replayed"]

REST_FRAMEWORK: dict[str, Any] = {
    "DEFAULT_AUTHENTICATION_CLASSES": ["common.authentication.JwtAuthentication"],
    "DEFAULT_PERMISSION_CLASSES": ["common.permissions.IsUser"],
    "DEFAULT_CONTENT_NEGOTIATION_CLASS": "common.json.OnlyJson",
    "DEFAULT_PARSER_CLASSES": ["common.json.JsonParser"],
    "DEFAULT_RENDERER_CLASSES": ["common.json.JsonRenderer"],
    "EXCEPTION_HANDLER": "common.errors.answer_for",
    "DEFAULT_SCHEMA_CLASS": "common.openapi.schema.OperationSchema",
    "UNAUTHENTICATED_USER": None,
}

# The description of the API, at /api/schema. The legacy has no such path, so it is not there unless somebody asks.
SERVE_OPENAPI = environment.flag("SERVE_OPENAPI", default=DEBUG)
SPECTACULAR_SETTINGS: dict[str, Any] = {
    "TITLE": "ROTC Grading System",
    "DESCRIPTION": (
        "The API of docs/api.md as this backend serves it, the newer of the two. Any write may carry an"
        " `Idempotency-Key`: the same write again gets the recorded answer, another one under the same key is a 422,"
        " and a 409 says that the first is still running."
    ),
    "VERSION": RELEASE_VERSION,
    "OAS_VERSION": "3.1.1",
    "DEFAULT_GENERATOR_CLASS": "common.openapi.generator.OperationGenerator",
    "SERVE_AUTHENTICATION": [],
    "SERVE_INCLUDE_SCHEMA": False,
    "APPEND_COMPONENTS": {
        "securitySchemes": {
            "bearerAuth": {"type": "http", "scheme": "bearer", "bearerFormat": "JWT"},
        },
    },
}

# Shared with cutover, which signs its copies with it. Without it nobody can prove that a request is a copy.
CUTOVER_SECRET = environment.optional("CUTOVER_SECRET", "")
CUTOVER_WHO = "common.authentication.who_asks"

# Both backends share this directory, so that a file is found whichever of them is asked.
UPLOAD_DIR = Path(environment.optional("UPLOAD_DIR", str(BASE_DIR / "uploads")))

LANGUAGE_CODE = "en-us"
USE_I18N = False
USE_TZ = True
TIME_ZONE = "UTC"

STATIC_URL = "/static/"
STATIC_ROOT = BASE_DIR / "staticfiles"
# A spreadsheet of the whole corps arrives in one request.
DATA_UPLOAD_MAX_MEMORY_SIZE = 50 * 1024 * 1024

LOGGING_CONFIG: str | None = "common.logs.configure_logs"
LOGGING = {"level": environment.optional("LOG_LEVEL", "info"), "pretty": DEBUG}
