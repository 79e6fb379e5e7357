# The image of the API and of the workers. docs/how-to/compose.md has where the digest is from, and how to renew it.
ARG PYTHON_IMAGE=python:3.11.16-slim-bookworm@sha256:528257d48c1da0dcecc2e725d1ae34498d60c965f1241e39cd6a85a8859bdf84
FROM ${PYTHON_IMAGE} AS base
ENV PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_NO_CACHE_DIR=1 PIP_ROOT_USER_ACTION=ignore

FROM base AS compiler
RUN apt-get update && apt-get install --yes --no-install-recommends gcc libc6-dev && rm -rf /var/lib/apt/lists/*

# The locked dependencies, in a layer that only a new lock file renews. A fourth of them is what only those need who
# test, debug or compile. The libraries beside a package (*.libs) are left as they are: they have been rewritten for it.
FROM compiler AS dependencies
COPY requirements.lock ./
RUN python -m venv --without-pip /opt/stepbias \
    && pip --python /opt/stepbias/bin/python install --no-compile --require-hashes --requirement requirements.lock \
    && cd /opt/stepbias/lib/python3.*/site-packages \
    && find . -type d -name tests -prune -exec rm -r {} + \
    && find . -type f '(' -name '*.pyi' -o -name '*.pxd' -o -name '*.h' -o -name '*.a' ')' -delete \
    && find . -name '*.so' -not -path './*.libs/*' -exec strip --strip-unneeded {} +

# The documents, which the wheel takes with it. The tools that build them stay behind as well.
FROM base AS site
WORKDIR /source
COPY requirements-site.lock ./
RUN python -m venv /opt/site && /opt/site/bin/pip install --require-hashes --requirement requirements-site.lock
COPY CHANGELOG.md CONTRIBUTING.md SECURITY.md ./
COPY docs docs
COPY examples examples
COPY tests/real_data/SOURCES.md tests/real_data/SOURCES.md
RUN /opt/site/bin/python docs/make_site.py

# The project's own wheels. The tools that build it stay behind in this stage.
FROM compiler AS wheel
WORKDIR /source
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

# What is imported is compiled, Python's own library too, by the whole service at work; what nobody imports takes half
# the room without. An image in which the service does not work is not made.
FROM dependencies AS environment
RUN --mount=type=bind,from=wheel,source=/wheels,target=/wheels \
    pip --python /opt/stepbias/bin/python install --no-compile --no-index --no-deps /wheels/*.whl
RUN PATH=/opt/stepbias/bin:$PATH MPLCONFIGDIR=/tmp/matplotlib stepbias demo --workers 1 --out /tmp/demo \
    && rm -r /tmp/demo /tmp/matplotlib
RUN cd /usr/local && pip uninstall --yes pip setuptools wheel \
    && rm -rf include share && cd lib/python3.* \
    && rm -rf ensurepip idlelib lib2to3 pydoc_data tkinter turtle.py turtledemo lib-dynload/_test* lib-dynload/_tkinter*

# The smallest font with Chinese, Japanese and Korean letters, for names in figures.
FROM base AS font
RUN apt-get update && apt-get install --yes --no-install-recommends fonts-wqy-microhei && rm -rf /var/lib/apt/lists/*

FROM base AS whole
# A number, so that an orchestrator can see that it is not root. Volumes that are made here are its own; the two folders
# of credentials are volumes that the API and the workers are shown alone.
RUN useradd --uid 10001 --user-group --no-create-home --home-dir /tmp --shell /usr/sbin/nologin stepbias \
    && install --directory --owner stepbias --group stepbias --mode 755 \
    /run/credentials /run/credentials/api /run/credentials/worker /backups /monitoring
RUN rm -rf /usr/local /var/cache/apt/* /var/log/* /usr/share/doc /usr/share/man
COPY --from=environment /usr/local /usr/local
COPY --from=font /usr/share/fonts/truetype/wqy /usr/share/fonts/truetype/wqy
COPY --from=environment /opt/stepbias /opt/stepbias
COPY deploy /opt/stepbias/deploy

# In one layer: what was removed above takes no room.
FROM scratch
COPY --from=whole / /
ENV PATH=/opt/stepbias/bin:/usr/local/bin:/usr/local/sbin:/usr/bin:/usr/sbin:/bin:/sbin \
    LANG=C.UTF-8 \
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
