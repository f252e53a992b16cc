# Perennial in a container, from a checkout and its lock files. One home is one volume:
#   docker build -t perennial .
#   docker run --rm -v "$PWD/shop:/home/shop" --user "$(id -u):$(id -g)" perennial run
# The target `ui` is the same with Dagster's web UI, which has no log-in: compose.yaml puts a proxy that has one before it.
ARG PYTHON=python:3.13-slim

FROM ${PYTHON} AS build
WORKDIR /src
RUN python3 -m venv /opt/perennial
# First what changes rarely.
COPY requirements.lock ./
RUN /opt/perennial/bin/python -m pip install --no-cache-dir --disable-pip-version-check \
    --require-hashes --only-binary :all: -r requirements.lock
COPY pyproject.toml README.md LICENSE workspace.yaml ./
COPY docs/definitions.md docs/definitions.md
COPY assets assets
COPY pipeline pipeline
COPY reports reports
COPY sql sql
RUN /opt/perennial/bin/python -m pip install --no-cache-dir --disable-pip-version-check \
    --no-deps --no-build-isolation --no-index .

FROM ${PYTHON} AS perennial
COPY --from=build /opt/perennial /opt/perennial
ENV PATH=/opt/perennial/bin:$PATH PERENNIAL_HOME=/home/shop PYTHONUNBUFFERED=1
# Of nobody's in particular: `--user` may name who owns the volume on the host. perennial itself works with umask 077.
RUN groupadd --gid 10001 perennial \
    && useradd --uid 10001 --gid 10001 --create-home --shell /usr/sbin/nologin perennial \
    && install -d -m 0700 -o perennial -g perennial /home/shop
USER 10001:10001
WORKDIR /home/shop
VOLUME /home/shop
ENTRYPOINT ["perennial"]
CMD ["run"]

FROM perennial AS ui
# It listens on 127.0.0.1 alone; what shares its network (compose.yaml: the proxy) reaches it.
CMD ["ui", "--port", "3000"]

# What `docker build` makes unless another target is named.
FROM perennial
