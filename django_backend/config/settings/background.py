"""Settings of what runs behind the answers: the queue, its worker, the schedule, and who is active."""

from __future__ import annotations

from typing import Any

from celery.schedules import crontab

from config import environment

# Cutover's own database, where it is written down which backend is active; and what this one is called there.
CUTOVER_DATABASE_URL = environment.optional("CUTOVER_DATABASE_URL", "")
CUTOVER_BACKEND = environment.optional("CUTOVER_BACKEND", "django")

_REDIS_URL = environment.required("REDIS_URL")
CELERY_BROKER_URL = environment.optional("CELERY_BROKER_URL", _REDIS_URL)
CELERY_RESULT_BACKEND = environment.optional("CELERY_RESULT_BACKEND", _REDIS_URL)

CELERY_ACCEPT_CONTENT = ["json"]
CELERY_TASK_SERIALIZER = "json"
CELERY_RESULT_SERIALIZER = "json"
CELERY_RESULT_EXPIRES = 24 * 60 * 60
CELERY_TIMEZONE = "UTC"
CELERY_ENABLE_UTC = True
CELERY_TASK_TRACK_STARTED = True
CELERY_TASK_TIME_LIMIT = 30 * 60
CELERY_WORKER_MAX_TASKS_PER_CHILD = 1000
CELERY_WORKER_PREFETCH_MULTIPLIER = 4
CELERY_WORKER_CONCURRENCY = 2
# The logs are set up by this backend, as in every other process of it.
CELERY_WORKER_HIJACK_ROOT_LOGGER = False
CELERY_BROKER_CONNECTION_RETRY_ON_STARTUP = True
# No number of attempts: a worker outlives the loss of Redis, however long it takes.
CELERY_BROKER_CONNECTION_MAX_RETRIES = None
# A job that is not confirmed within it goes to another worker; it must be longer than a job may take.
CELERY_BROKER_TRANSPORT_OPTIONS = {"visibility_timeout": 60 * 60, "socket_connect_timeout": 3}

CELERY_BEAT_SCHEDULE: dict[str, dict[str, Any]] = {
    "cleanup-old-sessions": {
        "task": "apps.authentication.tasks.cleanup_sessions",
        "schedule": crontab(hour=2, minute=0),
    },
    "generate-daily-reports": {
        "task": "apps.reports.tasks.generate_daily_reports",
        "schedule": crontab(hour=6, minute=0),
    },
    "sync-attendance": {
        "task": "apps.attendance.tasks.sync_attendance",
        "schedule": crontab(minute="*/15"),
    },
    "resume-reports": {
        "task": "apps.reports.tasks.resume_reports",
        "schedule": crontab(minute="*/5"),
    },
}

# Without a server for mail none is sent, and no job is queued for it.
EMAIL_HOST = environment.optional("EMAIL_HOST", "")
EMAIL_PORT = environment.number("EMAIL_PORT", default=587)
EMAIL_HOST_USER = environment.optional("EMAIL_HOST_USER", "")
EMAIL_HOST_PASSWORD = environment.optional("EMAIL_HOST_PASSWORD", "")
EMAIL_USE_TLS = environment.flag("EMAIL_USE_TLS", default=True)
EMAIL_TIMEOUT = 20
DEFAULT_FROM_EMAIL = environment.optional("DEFAULT_FROM_EMAIL", "noreply@rotc-grading.com")
