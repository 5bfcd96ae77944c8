#!/usr/bin/env bash
# Builds the image with what is here of docker, podman and buildah; IMAGE_BUILDER
# names one. Registries, isolation and storage are the builder's own settings.
#
#   scripts/image.sh [TAG]      (target-allocator)
set -euo pipefail
cd "$(dirname "$0")/.."

builder=${IMAGE_BUILDER:-}
for candidate in docker podman buildah; do
  [ -z "$builder" ] || break
  # A docker command without its daemon is none.
  if "$candidate" info >/dev/null 2>&1; then builder=$candidate; fi
done
if [ -z "$builder" ]; then
  echo "image: needs docker, podman or buildah" >&2
  exit 1
fi

version=$(sed -n 's/^project(.* VERSION \([0-9.]*\) .*/\1/p' CMakeLists.txt)
options=(
  --tag "${1:-target-allocator}"
  --label "org.opencontainers.image.version=$version"
)
if revision=$(git rev-parse HEAD 2>/dev/null); then
  options+=(--label "org.opencontainers.image.revision=$revision")
fi
# The others do so without being told.
[ "$(basename "$builder")" != buildah ] || options+=(--layers)
exec "$builder" build "${options[@]}" .
