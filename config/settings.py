"""Django settings, all read from the environment; a missing one has a default that suits a private demo."""

from __future__ import annotations

from pathlib import Path
from urllib.parse import parse_qsl, unquote, urlsplit

from django.core.exceptions import ImproperlyConfigured
from environs import Env

from chipledger import clock
from config.celery import app as app  # whoever loads the settings sends its tasks to their broker
from config.redis_urls import celery_broker_url

env = Env()
BASE_DIR = Path(__file__).resolve().parent.parent
VAR_DIR = env.path("VAR_DIR", BASE_DIR / "var")
DEBUG = env.bool("DEBUG", False)
SECRET_KEY = env.str("SECRET_KEY", "insecure-and-only-for-the-demo")
# Earlier ones, while what they sealed (the signing secrets of webhooks) or signed (sessions) is still about.
SECRET_KEY_FALLBACKS: list[str] = env.list("SECRET_KEY_FALLBACKS", [])
ATTESTATION_CADENCE_HOURS = env.int("ATTESTATION_CADENCE_HOURS", 24)
ALLOWED_HOSTS = env.list("ALLOWED_HOSTS", ["localhost", "127.0.0.1", "[::1]", "testserver"])
PUBLIC_URL = env.str("PUBLIC_URL", "http://localhost:8000")

LOG_ORIGIN = env.str("LOG_ORIGIN", "demo.chipledger/1")
LOG_KEY_FILE = env.path("LOG_KEY_FILE", VAR_DIR / "log-key.pem")
CHECKPOINT_COPY = env.path("CHECKPOINT_COPY", VAR_DIR / "checkpoint")
IS_DEMO = LOG_ORIGIN.startswith("demo.")
if not IS_DEMO and SECRET_KEY.startswith("insecure"):
    raise ImproperlyConfigured("SECRET_KEY must be set for a log that is not a demo.")
# Lets webhooks go to this machine, over http as well: for trying them out.
WEBHOOKS_TO_LOOPBACK = env.bool("WEBHOOKS_TO_LOOPBACK", False)
if WEBHOOKS_TO_LOOPBACK and not (DEBUG or IS_DEMO):
    raise ImproperlyConfigured(
        "WEBHOOKS_TO_LOOPBACK is for demos and DEBUG; inside a house it opens what is shut."
    )

SIMULATED_CLOCK_FILE = env.path("SIMULATED_CLOCK_FILE", None)
if SIMULATED_CLOCK_FILE is not None:
    if not IS_DEMO:
        raise ImproperlyConfigured("A simulated clock runs only under a log origin that begins with 'demo.'.")
    clock.use(clock.SimulatedClock(SIMULATED_CLOCK_FILE))


def _database(url: str) -> dict[str, object]:
    parts = urlsplit(url)
    host = parts.netloc.rpartition("@")[2]
    socket_folder = unquote(host) if host.startswith("%2F") else ""
    return {
        "ENGINE": "django.db.backends.postgresql",
        "NAME": unquote(parts.path.lstrip("/")) or "chipledger",
        "USER": unquote(parts.username or ""),
        "PASSWORD": unquote(parts.password or ""),
        "HOST": socket_folder or parts.hostname or "",
        "PORT": "" if socket_folder else str(parts.port or ""),
        "OPTIONS": dict(parse_qsl(parts.query)),
        "CONN_MAX_AGE": 60,
        "CONN_HEALTH_CHECKS": True,
    }


DATABASES = {"default": _database(env.str("DATABASE_URL", "postgresql:///chipledger"))}
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
REDIS_URL = env.str("REDIS_URL", "redis://localhost:6379/0")
CACHES = {"default": {"BACKEND": "django.core.cache.backends.redis.RedisCache", "LOCATION": REDIS_URL}}

JOB_LEASE_SECONDS = env.float("JOB_LEASE_SECONDS", 60.0)
SWEEP_SECONDS = env.float("SWEEP_SECONDS", 3600.0)

CELERY_BROKER_URL = celery_broker_url(REDIS_URL)
CELERY_TASK_IGNORE_RESULT = True
CELERY_TASK_ACKS_LATE = True
CELERY_WORKER_PREFETCH_MULTIPLIER = 1
CELERY_WORKER_HIJACK_ROOT_LOGGER = False
CELERY_BROKER_CONNECTION_RETRY_ON_STARTUP = True
CELERY_TIMEZONE = "UTC"
# What waits for others' servers has a queue of its own; a worker that is not told which takes both.
CELERY_TASK_QUEUES = {name: {"routing_key": name} for name in ("celery", "notices")}
CELERY_TASK_ROUTES = {"notices.tasks.*": {"queue": "notices"}}
CELERY_TASK_CREATE_MISSING_QUEUES = False  # a misspelt one would be made, and no worker take it
CELERY_BEAT_SCHEDULE = {
    "wake waiting jobs": {"task": "jobs.tasks.wake_waiting", "schedule": 5.0},
    "start the sweep": {"task": "audits.tasks.start_sweep", "schedule": SWEEP_SECONDS},
    "watch the sweep's lag": {"task": "audits.tasks.watch_lag", "schedule": 300.0},
    "watch for what is new": {
        "task": "notices.tasks.watch",
        "schedule": 15.0,
        "options": {"expires": 15.0},
    },
    "send mail": {"task": "notices.tasks.mail", "schedule": 60.0, "options": {"expires": 60.0}},
    "post to webhooks": {"task": "notices.tasks.deliver", "schedule": 5.0, "options": {"expires": 5.0}},
    "forget what no paper names": {"task": "ledger.tasks.forget_attachments", "schedule": 24 * 3600.0},
    "forget what was sent long ago": {"task": "notices.tasks.forget", "schedule": 24 * 3600.0},
}

INSTALLED_APPS = [
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "django.contrib.postgres",
    "django.contrib.humanize",
    "pgtrigger",
    "rest_framework",
    "drf_spectacular",
    "django_htmx",
    "django_structlog",
    "django_prometheus",
    "csp",
    "web",  # before allauth, whose templates it replaces
    "allauth",
    "allauth.account",
    "allauth.mfa",
    "jobs",
    "ledger",
    "registry",
    "tracking",
    "attestations",
    "audits",
    "portal",
    "notices",
    "simulator",
]

MIDDLEWARE = [
    "django_prometheus.middleware.PrometheusBeforeMiddleware",
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "csp.middleware.CSPMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "django_htmx.middleware.HtmxMiddleware",
    "allauth.account.middleware.AccountMiddleware",
    "django_structlog.middlewares.RequestMiddleware",
    "registry.middleware.ReadLog",
    "web.refusals.RefusalMiddleware",
    "portal.uploads.WholeForms",
    "django_prometheus.middleware.PrometheusAfterMiddleware",
]

ROOT_URLCONF = "config.urls"
WSGI_APPLICATION = "config.wsgi.application"
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
                "web.context.face",
                "portal.context.whose",
                "notices.context.bell",
            ],
        },
    }
]

RAIL_ROLE = "portal.doorway.rail_role"
SEARCH_URL_NAME = "search"
GLOSSARY_URL_NAME = "glossary"
_COMMON_RAIL = [
    ("Organisations", "organisations", "organisations"),
    ("Papers to sign", "inspections", "drafts"),
    ("Keys", "key", "keys"),
    ("Log", "log", "log"),
]
RAILS = {
    "regulator": [
        ("Overview", "overview", "overview"),
        ("Monday's list", "inbox", "monday"),
        ("Findings", "findings", "findings"),
        ("Report", "batches", "report"),
        ("Chips", "chips", "chips"),
        ("Transfers", "transfers", "transfers"),
        ("Sites", "sites", "sites"),
        ("Stock-takes", "inspections", "stock-takes"),
        ("Clusters", "clusters", "clusters"),
        ("Balances", "balances", "balances"),
        *_COMMON_RAIL,
    ],
    "operator": [
        ("Inbox", "inbox", "overview"),
        ("Transfers", "transfers", "transfers"),
        ("Chips", "chips", "chips"),
        ("Sites", "sites", "sites"),
        ("Stock-takes", "inspections", "stock-takes"),
        ("Balances", "balances", "balances"),
        ("Findings", "findings", "findings"),
        ("Jobs", "stock", "jobs"),
        *_COMMON_RAIL,
    ],
    "maker": [
        ("Overview", "overview", "overview"),
        ("Batches", "batches", "batches"),
        ("Models", "chips", "chip-models"),
        ("Stock", "stock", "chips"),
        ("Transfers", "transfers", "transfers"),
        ("Sites", "sites", "sites"),
        ("Stock-takes", "inspections", "stock-takes"),
        ("Findings", "findings", "findings"),
        ("Jobs", "inbox", "jobs"),
        *_COMMON_RAIL,
    ],
}

AUTH_USER_MODEL = "registry.Person"
AUTHENTICATION_BACKENDS = ["allauth.account.auth_backends.AuthenticationBackend"]
PASSWORD_HASHERS = ["django.contrib.auth.hashers.Argon2PasswordHasher"]
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": "django.contrib.auth.password_validation.MinimumLengthValidator", "OPTIONS": {"min_length": 12}},
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
]
ACCOUNT_LOGIN_METHODS = {"email"}
ACCOUNT_SIGNUP_FIELDS = ["email*", "password1*", "password2*"]
ACCOUNT_USER_MODEL_USERNAME_FIELD = None
ACCOUNT_EMAIL_VERIFICATION = "none"
ACCOUNT_ADAPTER = "registry.adapters.InvitedOnly"
MFA_SUPPORTED_TYPES = ["totp", "webauthn", "recovery_codes"]
MFA_PASSKEY_LOGIN_ENABLED = True
MFA_WEBAUTHN_ALLOW_INSECURE_ORIGIN = DEBUG or IS_DEMO
CSRF_FAILURE_VIEW = "web.refusals.stale_form"
# Limits of sign-in count addresses: how many proxies of ours stand before the server and name the client's.
ALLAUTH_TRUSTED_PROXY_COUNT = env.int("TRUSTED_PROXIES", 0)
# How long the records of somebody who signed statements are kept after they have left, in days; 0 for no longer.
PERSONAL_RECORDS_DAYS = env.int("PERSONAL_RECORDS_DAYS", 365)
LOGIN_URL = "account_login"
LOGIN_REDIRECT_URL = "/"
EMAIL_BACKEND = env.str("EMAIL_BACKEND", "django.core.mail.backends.console.EmailBackend")
EMAIL_HOST = env.str("EMAIL_HOST", "localhost")
EMAIL_PORT = env.int("EMAIL_PORT", 25)
EMAIL_HOST_USER = env.str("EMAIL_HOST_USER", "")
EMAIL_HOST_PASSWORD = env.str("EMAIL_HOST_PASSWORD", "")
EMAIL_USE_TLS = env.bool("EMAIL_USE_TLS", False)
EMAIL_USE_SSL = env.bool("EMAIL_USE_SSL", False)
EMAIL_TIMEOUT = env.int("EMAIL_TIMEOUT", 20)
DEFAULT_FROM_EMAIL = env.str("DEFAULT_FROM_EMAIL", f"Chipledger <chipledger@{urlsplit(PUBLIC_URL).hostname}>")

PASSKEY_RP_ID = env.str("PASSKEY_RP_ID", urlsplit(PUBLIC_URL).hostname or "localhost")
PASSKEY_ORIGINS = env.list("PASSKEY_ORIGINS", [PUBLIC_URL])

REST_FRAMEWORK = {
    "DEFAULT_AUTHENTICATION_CLASSES": [
        "registry.tokens.TokenAuthentication",
        "registry.tokens.PageAuthentication",
    ],
    "DEFAULT_PERMISSION_CLASSES": ["rest_framework.permissions.IsAuthenticated"],
    "DEFAULT_RENDERER_CLASSES": ["rest_framework.renderers.JSONRenderer"],
    "DEFAULT_PARSER_CLASSES": ["web.bodies.StrictJSONParser"],
    "DEFAULT_CONTENT_NEGOTIATION_CLASS": "web.bodies.OneFormat",
    "DEFAULT_SCHEMA_CLASS": "drf_spectacular.openapi.AutoSchema",
    "EXCEPTION_HANDLER": "web.refusals.problem_handler",
    "DEFAULT_VERSIONING_CLASS": None,
    "UNAUTHENTICATED_USER": "django.contrib.auth.models.AnonymousUser",
}
SPECTACULAR_SETTINGS = {
    "TITLE": "Chipledger",
    "DESCRIPTION": "The registry and custody ledger for AI accelerator chips.",
    "VERSION": "1",
    "SERVE_INCLUDE_SCHEMA": False,
    "ENUM_NAME_OVERRIDES": {
        "AccountKind": "tracking.models.AccountKind",
        "MovementKind": "tracking.models.MovementKind",
        "TransferState": "tracking.models.TransferState",
    },
    "POSTPROCESSING_HOOKS": [
        "drf_spectacular.hooks.postprocess_schema_enums",
        "web.schema.close_requests",
        "web.schema.add_problems",
    ],
}

LANGUAGE_CODE = "en-gb"
TIME_ZONE = "UTC"
USE_TZ = True
USE_I18N = False
STATIC_URL = "static/"
STATIC_ROOT = env.path("STATIC_ROOT", VAR_DIR / "static")
SESSION_COOKIE_HTTPONLY = True
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = env.bool("HTTPS", not (DEBUG or IS_DEMO))
SECURE_REFERRER_POLICY = "same-origin"
X_FRAME_OPTIONS = "DENY"
DATA_UPLOAD_MAX_MEMORY_SIZE = 3 * 1024 * 1024
FILE_UPLOAD_MAX_MEMORY_SIZE = 1024 * 1024
FILE_UPLOAD_HANDLERS = [
    "portal.uploads.Limit",
    "django.core.files.uploadhandler.MemoryFileUploadHandler",
    "django.core.files.uploadhandler.TemporaryFileUploadHandler",
]
CONTENT_SECURITY_POLICY = {
    "DIRECTIVES": {
        "default-src": ["'none'"],
        "script-src": ["'self'"],
        "style-src": ["'self'"],
        "img-src": ["'self'", "data:"],
        "font-src": ["'self'"],
        "connect-src": ["'self'"],
        "form-action": ["'self'"],
        "base-uri": ["'none'"],
        "frame-ancestors": ["'none'"],
    }
}

LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "handlers": {"console": {"class": "logging.StreamHandler"}},
    "root": {"handlers": ["console"], "level": env.str("LOG_LEVEL", "WARNING")},
}
