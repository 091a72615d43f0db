# brandpress for Ray clusters and for Kubernetes (docs/submit.md). Everything comes from package registries.
#
#   docker build --tag brandpress .                            this repository's jobs and specs
#   docker build --tag campaigns --file - . <<'END'            those of another repository, on top
#   FROM brandpress
#   COPY jobs /campaigns/jobs
#   COPY specs /campaigns/specs
#   END
#
# With further optional dependencies: docker build --build-arg EXTRAS=cluster,fast,feeds,c2pa --tag brandpress .
FROM python:3.12-slim

# Triton compiles its launchers with gcc.
# hadolint ignore=DL3008
RUN apt-get update \
    && apt-get install --yes --no-install-recommends gcc libc6-dev \
    && rm -rf /var/lib/apt/lists/*

WORKDIR /src
COPY LICENSE NOTICE README.md constraints.txt pyproject.toml ./
COPY model model
COPY pipeline pipeline
ARG EXTRAS=cluster,fast
RUN pip install --no-cache-dir --constraint constraints.txt ".${EXTRAS:+[$EXTRAS]}" \
    && rm -rf /src/build /src/*.egg-info

COPY jobs /campaigns/jobs
COPY specs /campaigns/specs

RUN useradd --uid 1000 --create-home brandpress \
    && mkdir /models \
    && chown brandpress /models
USER 1000
ENV HF_HOME=/models RAY_USAGE_STATS_ENABLED=0
WORKDIR /campaigns
CMD ["brandpress", "--help"]
