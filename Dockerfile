# The two containers: `docker buildx build --target app .` and `--target worker .`; `docker compose build` builds both.
# The base is named by version. A digest pins it to the byte: --build-arg PYTHON_DIGEST=sha256:…
ARG PYTHON_VERSION=3.13
ARG PYTHON_DIGEST=

FROM python:${PYTHON_VERSION}-slim${PYTHON_DIGEST:+@${PYTHON_DIGEST}} AS base

# ---- what is built here stays here: the images below take only its results

FROM base AS worker-packages
ENV PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_ROOT_USER_ACTION=ignore
WORKDIR /build
RUN python -m venv --without-pip /opt/venv
COPY infra/requirements/worker.txt ./
RUN --mount=type=cache,target=/root/.cache/pip \
    pip --python /opt/venv/bin/python install --no-deps --require-hashes --only-binary=:all: --no-compile -r worker.txt
# botocore describes some 400 services. Kept: ours, and those that credentials may come from.
RUN find /opt/venv/lib/python3*/site-packages/botocore/data -mindepth 1 -maxdepth 1 -type d \
    ! -name dynamodb ! -name sqs ! -name kms ! -name sts ! -name sso ! -name sso-oidc -exec rm -r {} + \
    && python -m compileall -q --invalidation-mode unchecked-hash /opt/venv

# The locks agree on every version, so that this adds only what `app` needs besides.
FROM worker-packages AS app-packages
COPY infra/requirements/app.txt ./
RUN --mount=type=cache,target=/root/.cache/pip \
    pip --python /opt/venv/bin/python install --no-deps --require-hashes --only-binary=:all: --no-compile -r app.txt
# Source maps are for who debugs the libraries of the pages.
RUN find /opt/venv -name '*.map' -delete \
    && python -m compileall -q --invalidation-mode unchecked-hash /opt/venv

FROM base AS code
WORKDIR /build
COPY triggers ./worker/triggers
COPY worker ./worker/worker
COPY triggers ./app/triggers
COPY app ./app/app
COPY infra/local/receiver.py infra/local/receiver.html ./receiver/infra/local/
# Whatever the modes of the checkout: everybody may read, nobody else may write.
RUN python -m compileall -q --invalidation-mode unchecked-hash . && chmod -R u=rwX,go=rX .

# ---- the images

FROM base AS runtime
ENV PATH=/opt/venv/bin:$PATH \
    PYTHONDONTWRITEBYTECODE=1 \
    PYTHONFAULTHANDLER=1 \
    PYTHONUNBUFFERED=1
# The base comes without the byte code of Python's own library; nobody could write it later.
RUN python -m compileall -q --invalidation-mode unchecked-hash \
    -x '/(site-packages|ensurepip|idlelib|lib2to3|pydoc_data|test|tkinter|turtledemo)/' /usr/local/lib/python3*
ARG VERSION=0.1.0
ARG REVISION=unknown
LABEL org.opencontainers.image.vendor="Triggers API" \
      org.opencontainers.image.licenses="Apache-2.0" \
      org.opencontainers.image.version="${VERSION}" \
      org.opencontainers.image.revision="${REVISION}"
WORKDIR /srv/triggers
# A number, so that an engine can see that it is not root; there is no such user, and all files are root's.
USER 10001:10001

FROM runtime AS worker
LABEL org.opencontainers.image.title="triggers-worker" \
      org.opencontainers.image.description="Delivers events to webhooks."
COPY --from=worker-packages /opt/venv /opt/venv
COPY --from=code /build/worker ./
EXPOSE 8081
HEALTHCHECK --interval=5s --timeout=5s --start-period=30s --retries=3 \
    CMD ["python", "-m", "triggers.health_check", "worker"]
ENTRYPOINT ["python", "-m", "worker"]

# The example receiver, for development alone.
FROM worker AS receiver
LABEL org.opencontainers.image.title="triggers-receiver" \
      org.opencontainers.image.description="Shows the webhooks that came in."
COPY --from=code /build/receiver ./
EXPOSE 9000
HEALTHCHECK --interval=5s --timeout=5s --start-period=30s --retries=3 \
    CMD ["python", "-c", "import urllib.request; urllib.request.urlopen('http://127.0.0.1:9000/requests?limit=0', timeout=2)"]
ENTRYPOINT ["python", "-m", "infra.local.receiver"]

FROM runtime AS app
LABEL org.opencontainers.image.title="triggers-app" \
      org.opencontainers.image.description="The HTTP API: accepts events and keeps them safe."
COPY --from=app-packages /opt/venv /opt/venv
COPY --from=code /build/app ./
EXPOSE 8080
HEALTHCHECK --interval=5s --timeout=5s --start-period=30s --retries=3 \
    CMD ["python", "-m", "triggers.health_check", "app"]
ENTRYPOINT ["python", "-m", "app"]
