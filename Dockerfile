# One image for web, the workers, beat, integrator and migrate. The builder has Node; the runtime has not, and no development packages.
FROM python:3.11-slim-bookworm AS builder
RUN apt-get update \
 && apt-get install --yes --no-install-recommends nodejs npm \
 && rm -rf /var/lib/apt/lists/*
WORKDIR /app
RUN python -m venv /app/.venv
COPY requirements/server.txt requirements/server.txt
RUN .venv/bin/pip install --no-cache-dir --require-hashes --requirement requirements/server.txt
COPY . .
RUN .venv/bin/python -m web.build_assets
# Addresses of servers that are not there: collecting files opens no connection.
RUN DATABASE_URL=postgresql://nobody@localhost/none REDIS_URL=redis://localhost:6379/0 STATIC_ROOT=/app/static \
    .venv/bin/python manage.py collectstatic --noinput \
 && rm -rf node_modules

FROM python:3.11-slim-bookworm AS runtime
RUN groupadd --gid 10001 chipledger \
 && useradd --uid 10001 --gid 10001 --no-create-home --shell /usr/sbin/nologin chipledger \
 && install --directory --owner=10001 --group=10001 --mode=0750 /app/var
WORKDIR /app
COPY --from=builder /app /app
ENV PATH=/app/.venv/bin:$PATH PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1 VAR_DIR=/app/var STATIC_ROOT=/app/static
USER 10001:10001
EXPOSE 8000
