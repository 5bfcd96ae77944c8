# Two stages: what builds it stays in the first. The second has the program, the
# libraries that it is linked with and CA certificates (scripts/image-root.sh). The
# program keeps the names of its functions, 1 MB, for CPU profiles.
#
#   make image      # or: docker build -t target-allocator .
#   docker run -p 8080:8080 -v ./conf:/conf:ro target-allocator

FROM debian:12 AS build
WORKDIR /src
# The packages first: they change less often than the sources.
RUN apt-get update \
 && apt-get install -y --no-install-recommends ca-certificates make
COPY scripts/deps.sh scripts/
RUN scripts/deps.sh build
COPY . .
RUN make build \
 && strip --strip-debug build/release/target-allocator \
 && scripts/image-root.sh build/release/target-allocator /image

FROM scratch
LABEL org.opencontainers.image.title="target-allocator" \
      org.opencontainers.image.description="Discovers Prometheus scrape targets and shards them over collectors"
COPY --from=build /image/ /
# A number, so that Kubernetes can see that it isn't root.
USER 65532:65532
EXPOSE 8080 8443
ENTRYPOINT ["/usr/local/bin/target-allocator"]
