# One image for all services of gravstream; which of them it is, the command says (docker-compose.yml).
#
# A tag moves. To pin the base by the digest that your own registry vouches for, build with
#   --build-arg PYTHON_IMAGE=python:3.11-slim-bookworm@sha256:...
ARG PYTHON_IMAGE=python:3.11-slim-bookworm

FROM ${PYTHON_IMAGE} AS build
ENV PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_NO_CACHE_DIR=1
RUN python -m venv /opt/gravstream
COPY requirements/run.txt /build/requirements/run.txt
# Before our own code, so that a change of it does not fetch all of this again.
RUN /opt/gravstream/bin/python -m pip install --require-hashes --requirement /build/requirements/run.txt
COPY pyproject.toml README.md LICENSE /build/
COPY shared /build/shared
COPY services /build/services
RUN /opt/gravstream/bin/python -m pip install --no-deps --no-build-isolation /build

FROM ${PYTHON_IMAGE}
RUN groupadd --system --gid 10001 gravstream \
    && useradd --system --uid 10001 --gid gravstream --home-dir /srv/gravstream --shell /usr/sbin/nologin gravstream \
    && for part in store releases scratch/tmp drop; do \
           install --directory --owner gravstream --group gravstream /srv/gravstream/$part; \
       done \
    && chown gravstream:gravstream /srv/gravstream/scratch
COPY --from=build /opt/gravstream /opt/gravstream
# The console shows them beside an alert; it looks for them where the packages are.
COPY docs/playbooks /opt/gravstream/lib/python3.11/site-packages/docs/playbooks
# One thread of linear algebra a process: processes are the parallelism (docs/decisions/0008). Memory of large arrays
# goes back to the machine when they are done with (glibc). The file system is
# read-only at run time, so what is compiled or configured at first use goes where it may be written.
ENV PATH=/opt/gravstream/bin:$PATH \
    OPENBLAS_NUM_THREADS=1 \
    OMP_NUM_THREADS=1 \
    MALLOC_ARENA_MAX=2 \
    MALLOC_MMAP_THRESHOLD_=4194304 \
    MALLOC_TRIM_THRESHOLD_=16777216 \
    PYTHONUNBUFFERED=1 \
    PYTHONDONTWRITEBYTECODE=1 \
    HOME=/tmp \
    NUMBA_CACHE_DIR=/tmp/numba \
    MPLCONFIGDIR=/tmp/matplotlib
USER 10001:10001
WORKDIR /srv/gravstream
CMD ["gravstream", "--help"]
