# The image of the API and of the workers.
FROM python:3.11-slim AS base
ENV PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_NO_CACHE_DIR=1 PIP_ROOT_USER_ACTION=ignore

# The locked dependencies, in a layer that only a new lock file renews.
FROM base AS dependencies
COPY requirements.lock ./
RUN python -m venv /opt/stepbias && /opt/stepbias/bin/pip install --require-hashes --requirement requirements.lock

# The documents, which the wheel takes with it. The tools that build them stay behind as well.
FROM base AS site
WORKDIR /source
COPY requirements-site.lock ./
RUN python -m venv /opt/site && /opt/site/bin/pip install --require-hashes --requirement requirements-site.lock
COPY CHANGELOG.md CONTRIBUTING.md ./
COPY docs docs
COPY examples examples
COPY tests/real_data/SOURCES.md tests/real_data/SOURCES.md
RUN /opt/site/bin/python docs/make_site.py

# The project's own wheels. The tools that build it stay behind in this stage.
FROM base AS wheel
WORKDIR /source
RUN apt-get update && apt-get install --yes --no-install-recommends gcc libc6-dev && rm -rf /var/lib/apt/lists/*
COPY requirements-build.lock ./
RUN python -m venv /opt/build && /opt/build/bin/pip install --require-hashes --requirement requirements-build.lock
COPY pyproject.toml hatch_build.py README.md LICENSE ./
COPY service service
COPY core core
COPY jobs jobs
COPY worker worker
COPY api api
COPY stepbias stepbias
COPY --from=site /source/docs/_site docs/_site
RUN /opt/build/bin/pip wheel --no-index --no-deps --no-build-isolation --wheel-dir /wheels . ./service \
    && ls /wheels/stepbias_service-*-py3-none-linux_*.whl

FROM base
# The smallest font with Chinese, Japanese and Korean letters, for names in figures.
RUN apt-get update && apt-get install --yes --no-install-recommends fonts-wqy-microhei && rm -rf /var/lib/apt/lists/*
# A number, so that an orchestrator can see that it is not root. The credentials are its own, and nobody else's.
RUN useradd --uid 10001 --user-group --no-create-home --home-dir /tmp --shell /usr/sbin/nologin stepbias \
    && install --directory --owner stepbias --group stepbias --mode 755 /run/credentials
COPY --from=dependencies /opt/stepbias /opt/stepbias
RUN --mount=type=bind,from=wheel,source=/wheels,target=/wheels \
    /opt/stepbias/bin/pip install --no-index --no-deps /wheels/*.whl
COPY deploy /opt/stepbias/deploy
ENV PATH=/opt/stepbias/bin:$PATH \
    PYTHONUNBUFFERED=1 \
    PYTHONDONTWRITEBYTECODE=1 \
    # One heap for each thread of the API would grow for hours.
    MALLOC_ARENA_MAX=2 \
    # Matplotlib keeps a list of fonts; everything but /tmp is read-only.
    MPLCONFIGDIR=/tmp/matplotlib
USER 10001:10001
EXPOSE 8000
# Under watch, since what restarts containers looks at exits alone.
CMD ["stepbias", "serve", "api", "--host", "0.0.0.0", "--watch"]
