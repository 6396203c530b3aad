# Scrip alone: one static binary on an empty file system, run by a user that is nobody else.
#
#   docker build --build-arg VERSION=v1.2.3 --tag scrip:v1.2.3 .

FROM golang:1.26-alpine AS build
WORKDIR /src
# The modules change less often than the code; a layer of their own keeps them.
COPY go.mod go.sum ./
RUN go mod download
COPY . .
ARG VERSION=""
RUN CGO_ENABLED=0 go build -trimpath -ldflags "-s -w -X main.version=${VERSION}" -o /out/scrip ./cmd/scrip
# A volume that is first mounted on /data takes over its owner.
RUN mkdir -p /out/data /out/tmp && chmod 1777 /out/tmp

FROM scratch
# For rediss:// and for PostgreSQL with sslmode=verify-full against public authorities.
COPY --from=build /etc/ssl/certs/ca-certificates.crt /etc/ssl/certs/ca-certificates.crt
COPY --from=build --chown=65532:65532 /out/data /data
COPY --from=build /out/tmp /tmp
COPY --from=build /out/scrip /scrip
# By number: an empty file system has no names, and Kubernetes checks runAsNonRoot by number.
USER 65532:65532
# The embedded store, unless SCRIP_DATABASE_URL or SCRIP_DATABASE_URL_FILE names a PostgreSQL.
ENV SCRIP_DATA=/data
# Loopback within a container is nobody's. Beyond it the server takes keys, and does not start before there is one:
# deploy/README.md has the line that makes the first.
ENV SCRIP_LISTEN=0.0.0.0:8000
EXPOSE 8000
HEALTHCHECK --interval=5s --timeout=4s --start-period=30s --retries=3 CMD ["/scrip", "ping", "--timeout", "3s"]
ENTRYPOINT ["/scrip"]
CMD ["serve"]
