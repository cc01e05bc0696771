# Any image with Python 3.11 or later, its venv module, and glibc.
ARG BASE=docker.io/library/python:3.13-slim-bookworm

FROM ${BASE} AS build
# Equal sources make equal files: what pip imports leaves no byte code with times in it, and sets keep their order.
ENV PYTHONDONTWRITEBYTECODE=1 \
    PYTHONHASHSEED=0
# Two environments, so that pip itself does not ship.
RUN python3 -m venv /opt/pip && python3 -m venv --without-pip /opt/dask-ecs
WORKDIR /src
COPY . .
# Another package index, and the certificate authorities to check it against, come as secrets: they stay out of the
# image. The Kubernetes client loads its thousand models one by one and needs a handful: compiling them all would add
# 36 MB.
RUN --mount=type=secret,id=pip.conf,target=/etc/pip.conf \
    --mount=type=secret,id=certificates,target=/run/secrets/certificates.pem \
    /opt/pip/bin/pip --python /opt/dask-ecs/bin/python install \
        --no-cache-dir --no-compile --disable-pip-version-check --constraint constraints.txt . \
    && /opt/pip/bin/pip --python /opt/dask-ecs/bin/python check \
    && /opt/dask-ecs/bin/python -m compileall -q --invalidation-mode unchecked-hash \
        -x '/kubernetes/(client|aio/client/models)/' /opt/dask-ecs/lib

FROM ${BASE}
ARG VERSION=""
ARG REVISION=""
LABEL org.opencontainers.image.title="dask-ecs-operator" \
      org.opencontainers.image.description="A Kubernetes operator that runs Dask clusters on AWS ECS" \
      org.opencontainers.image.licenses="BSD-3-Clause" \
      org.opencontainers.image.version="${VERSION}" \
      org.opencontainers.image.revision="${REVISION}"
COPY --from=build /opt/dask-ecs /opt/dask-ecs
# The Kubernetes client asks for a home folder, and kopf for a user's name: a user that is but a number has neither.
ENV HOME=/home/dask-ecs \
    USER=dask-ecs \
    PATH=/opt/dask-ecs/bin:$PATH \
    PYTHONDONTWRITEBYTECODE=1 \
    PYTHONUNBUFFERED=1
# A number, for Kubernetes can not tell from a name that it is not root.
USER 65532:65532
ENTRYPOINT ["dask-ecs"]
CMD ["run", "--all-namespaces"]
