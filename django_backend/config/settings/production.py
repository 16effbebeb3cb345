"""Production: what has a harmless default elsewhere must be set here."""

from __future__ import annotations

from django.core.exceptions import ImproperlyConfigured

from common.faults import faults_watch
from config import environment
from config.settings.base import *  # noqa: F403
from config.settings.base import DEBUG, MIDDLEWARE, RELEASE_VERSION

if DEBUG:
    raise ImproperlyConfigured("DEBUG must be false in production")

# The platform's own name for the service comes on top of the names that people use.
ALLOWED_HOSTS = [
    *environment.items(environment.optional("ALLOWED_HOSTS", "")),
    *environment.items(environment.optional("RENDER_EXTERNAL_HOSTNAME", "")),
]
CORS_ALLOWED_ORIGINS = environment.items(environment.optional("CORS_ALLOWED_ORIGINS", ""))
# The defaults of other deployments would turn people away here, or let them in.
NEEDED_BY_WEB = ("JWT_SECRET", "ALLOWED_HOSTS", "CORS_ALLOWED_ORIGINS")
NEEDED_BY_SOCKETS = ("JWT_SECRET", "ALLOWED_HOSTS")

# Static files are those of the admin site only, collected when the service is built.
_security = MIDDLEWARE.index("django.middleware.security.SecurityMiddleware")
MIDDLEWARE = [
    *MIDDLEWARE[: _security + 1],
    "whitenoise.middleware.WhiteNoiseMiddleware",
    *MIDDLEWARE[_security + 1 :],
]
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {"BACKEND": "whitenoise.storage.CompressedStaticFilesStorage"},
}

# The balancer ends TLS and says so; the edge and the probes come in by plain HTTP, so nothing redirects.
SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")
SESSION_COOKIE_SECURE = True
CSRF_COOKIE_SECURE = True

# Without SENTRY_DSN nobody hears of faults but the log.
faults_watch(
    dsn=environment.optional("SENTRY_DSN", ""),
    environment=environment.optional("ENVIRONMENT", "production"),
    release=RELEASE_VERSION,
)
