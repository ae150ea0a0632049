# One image for every process; which one it is says the command: `node apps/order/dist/main.js`.
#
#   docker build -t headwater .
#   docker build -t headwater --build-arg RUNTIME_IMAGE=gcr.io/distroless/nodejs24-debian12:nonroot .
#
# Building needs node and npm; the result needs only node: no shell, no package manager, nothing to write to.
ARG BASE_IMAGE=node:24-bookworm-slim
ARG RUNTIME_IMAGE=${BASE_IMAGE}
# `prebuilt` takes what `npm run build` has made in the working copy, for base images that can't run native compilers.
ARG BUILT=compiled

# Only what decides about dependencies, so that changed sources leave the layers with them as they are.
FROM ${BASE_IMAGE} AS manifests
WORKDIR /src
COPY . .
RUN node tools/image/manifests.mjs /manifests

FROM ${BASE_IMAGE} AS compiled
WORKDIR /src
ENV SCARF_ANALYTICS=false NX_NO_CLOUD=true
COPY --from=manifests /manifests ./
RUN npm ci --no-progress
COPY . .
# Each project's own build: there is nothing to cache or to order here that would need more.
RUN rm -rf apps/*/dist apps/workers/*/dist libs/*/dist && npm run build --workspaces --if-present

FROM ${BASE_IMAGE} AS prebuilt
WORKDIR /src
COPY . .

FROM ${BUILT} AS built

# Optional packages are the binaries of an embedded PostgreSQL, which only `headwater up` on a laptop uses.
FROM ${BASE_IMAGE} AS dependencies
WORKDIR /src
ENV SCARF_ANALYTICS=false
COPY --from=manifests /manifests ./
RUN npm ci --omit=dev --omit=optional --ignore-scripts --no-progress \
  && npm sbom --package-lock-only --omit=dev --omit=optional --sbom-format=cyclonedx > /sbom.cdx.json
COPY --from=built /src /built
RUN node /built/tools/image/assemble.mjs /built /app && mv /sbom.cdx.json /app/

FROM ${RUNTIME_IMAGE}
ARG VERSION=0.1.0
ARG REVISION=unknown
LABEL org.opencontainers.image.title="Headwater" \
  org.opencontainers.image.description="Event-driven order platform: every process of it, and its command line" \
  org.opencontainers.image.licenses="Apache-2.0" \
  org.opencontainers.image.version="${VERSION}" \
  org.opencontainers.image.revision="${REVISION}"
WORKDIR /app
COPY --from=dependencies /app ./
# Where distroless images have node.
ENV NODE_ENV=production PATH=/nodejs/bin:$PATH
USER 65532:65532
# The processes end by themselves on SIGTERM, with 0, within HEADWATER_SHUTDOWN_SECONDS.
ENTRYPOINT []
CMD ["node", "apps/cli/bin/headwater.js", "--help"]
