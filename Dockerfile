# syntax=docker/dockerfile:1
# Targets: `gpu`, the default, is IndexTTS-2 for RunPod; `gpu-baked` holds its weights as well;
# `preview` is the embedded engine on a CPU. docs/reference/image.md lists the build arguments.
# Debian's packages are not pinned: a pinned version breaks the build when Debian replaces it.
# hadolint global ignore=DL3008
ARG BASE=debian:bookworm-slim

FROM ${BASE} AS runtime
RUN apt-get update \
    && apt-get install --yes --no-install-recommends ca-certificates python3 python3-venv tini \
    && rm -rf /var/lib/apt/lists/* \
    && python3 -m venv /opt/app \
    && echo /app > "$(/opt/app/bin/python -c "import site; print(site.getsitepackages()[0])")/app.pth" \
    && mkdir -p /runpod-volume/indextts
ENV PATH=/app/bin:/opt/app/bin:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin \
    PYTHONUNBUFFERED=1 \
    HOST=0.0.0.0 \
    PIP_DISABLE_PIP_VERSION_CHECK=1 \
    PIP_ROOT_USER_ACTION=ignore
LABEL org.opencontainers.image.title="indextts-runpod" \
      org.opencontainers.image.description="IndexTTS-2 zero-shot text-to-speech for RunPod Serverless" \
      org.opencontainers.image.licenses="MIT AND LicenseRef-Bilibili-IndexTTS"
WORKDIR /app
EXPOSE 8000
ENTRYPOINT ["tini", "--"]
CMD ["python", "-u", "/app/handler.py"]

# The requirements in files of their own: another change of pyproject.toml repeats no installation.
FROM runtime AS requirements
WORKDIR /requirements
COPY pyproject.toml docker/requirements.py ./
# One more of the project's extras in every image, as `ray`.
ARG EXTRA=
RUN python requirements.py preview worker ${EXTRA:+"$EXTRA"} > preview.txt \
    && python requirements.py worker indextts grammars ${EXTRA:+"$EXTRA"} > gpu.txt

FROM runtime AS builder
WORKDIR /build
COPY constraints.txt ./
RUN --mount=type=cache,target=/root/.cache/pip \
    pip install --constraint constraints.txt setuptools

# What comes as sources; compiler and git stay in this stage.
FROM builder AS wheels
RUN apt-get update \
    && apt-get install --yes --no-install-recommends gcc git libc6-dev python3-dev \
    && rm -rf /var/lib/apt/lists/*
# The grammars need both, and no wheels of them are published for Linux.
RUN --mount=type=cache,target=/root/.cache/pip \
    PIP_CONSTRAINT=constraints.txt \
    pip wheel --no-deps --no-build-isolation --wheel-dir /wheels/sources cdifflib wget
# A fork of the model's package at a branch, tag or commit; without one the published release.
ARG INDEXTTS_REPO=
ARG INDEXTTS_REF=main
RUN --mount=type=cache,target=/root/.cache/pip \
    if [ -n "$INDEXTTS_REPO" ]; then package="git+${INDEXTTS_REPO}@${INDEXTTS_REF}"; \
    else package=indextts2-inference==2.1.1; fi \
    && pip wheel --no-deps --wheel-dir /wheels/model "$package"

FROM builder AS application
COPY README.md LICENSE NOTICE pyproject.toml ./
COPY domain ./domain
COPY application ./application
COPY adapters ./adapters
COPY entrypoints ./entrypoints
# Not compiled: that costs a start about 0.4 s, and would nearly triple what an update pulls.
RUN pip install --no-cache-dir --no-compile --no-deps --no-build-isolation --target /app .
COPY handler.py /app/

FROM runtime AS preview
RUN useradd --uid 10001 --create-home speaker && chown speaker /runpod-volume/indextts
COPY constraints.txt /opt/app/
COPY --from=requirements /requirements/preview.txt /opt/app/requirements.txt
RUN --mount=type=cache,target=/root/.cache/pip \
    pip install --only-binary :all: --constraint /opt/app/constraints.txt \
        --requirement /opt/app/requirements.txt
ENV TTS_ENGINE=preview \
    OBJECT_STORE=filesystem
USER 10001
COPY --from=application /app /app
ARG VERSION=
ARG REVISION=
ARG CREATED=
ARG SOURCE=
LABEL org.opencontainers.image.version=$VERSION \
      org.opencontainers.image.revision=$REVISION \
      org.opencontainers.image.created=$CREATED \
      org.opencontainers.image.source=$SOURCE

# Everything of the GPU's images but the application and the weights.
FROM runtime AS indextts
COPY constraints.txt /opt/app/
# An index with another CUDA build of torch than the one that is published on PyPI.
ARG TORCH_INDEX=
RUN --mount=type=cache,target=/root/.cache/pip \
    pip install --only-binary :all: --constraint /opt/app/constraints.txt \
        ${TORCH_INDEX:+--extra-index-url "$TORCH_INDEX"} torch
COPY --from=wheels /wheels/sources /wheels/sources
COPY --from=requirements /requirements/gpu.txt /opt/app/requirements.txt
RUN --mount=type=cache,target=/root/.cache/pip \
    pip install --only-binary :all: --constraint /opt/app/constraints.txt \
        --find-links /wheels/sources --requirement /opt/app/requirements.txt
COPY --from=wheels /wheels/model /wheels/model
COPY docker/grammars.py /opt/app/
RUN pip install --no-cache-dir --no-deps /wheels/model/*.whl && python /opt/app/grammars.py
# A base without NVIDIA's CUDA has to ask the container runtime for the GPU.
ENV NVIDIA_VISIBLE_DEVICES=all \
    NVIDIA_DRIVER_CAPABILITIES=compute,utility \
    TTS_ENGINE=indextts2

# A fork whose model does not import fails the build here, and not the first job.
FROM indextts AS checked
COPY --from=application /app /app
RUN PYTHONDONTWRITEBYTECODE=1 python -m adapters.indextts2.upstream

# One fixed time for all weights: fetched again, they are the same layer, which no host pulls twice.
FROM checked AS weights
ARG HF_ENDPOINT=https://huggingface.co
RUN --mount=type=secret,id=hf_token \
    HF_TOKEN="$(cat /run/secrets/hf_token 2>/dev/null || true)" \
    CHECKPOINTS_DIR=/opt/indextts/checkpoints indextts-runpod download \
    && find /opt/indextts -exec touch --date=@0 {} +

FROM indextts AS gpu-baked
COPY --from=weights /opt/indextts /opt/indextts
ENV BAKED_WEIGHTS_DIR=/opt/indextts/checkpoints
COPY --from=checked /app /app
ARG VERSION=
ARG REVISION=
ARG CREATED=
ARG SOURCE=
LABEL org.opencontainers.image.version=$VERSION \
      org.opencontainers.image.revision=$REVISION \
      org.opencontainers.image.created=$CREATED \
      org.opencontainers.image.source=$SOURCE

FROM indextts AS gpu
COPY --from=checked /app /app
ARG VERSION=
ARG REVISION=
ARG CREATED=
ARG SOURCE=
LABEL org.opencontainers.image.version=$VERSION \
      org.opencontainers.image.revision=$REVISION \
      org.opencontainers.image.created=$CREATED \
      org.opencontainers.image.source=$SOURCE
