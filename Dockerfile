# Two stages: everything that builds stays in the first.
#
#   docker build -t target-allocator .
#   docker run -p 8080:8080 -v ./conf:/conf:ro target-allocator

FROM debian:12 AS build
WORKDIR /src
# The packages first: they change less often than the sources.
RUN apt-get update && apt-get install -y --no-install-recommends make
COPY Makefile ./
COPY scripts scripts
RUN scripts/deps.sh build
COPY . .
RUN make build && strip build/release/target-allocator

FROM debian:12-slim
RUN apt-get update \
 && apt-get install -y --no-install-recommends \
      libc-ares2 libcpp-httplib0.11 libfmt9 libprometheus-cpp-core1.0 libre2-9 \
      libsimdjson14 libspdlog1.10 libssl3 libstdc++6 libutf8proc2 libxxhash0 \
      libyaml-0-2 libyaml-cpp0.7 zlib1g \
 && rm -rf /var/lib/apt/lists/*
COPY --from=build /src/build/release/target-allocator /usr/local/bin/
# A number, so that Kubernetes can see that it isn't root.
USER 65532:65532
EXPOSE 8080 8443
ENTRYPOINT ["/usr/local/bin/target-allocator"]
