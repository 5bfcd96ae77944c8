#!/usr/bin/env bash
# Lays out the root file system of the image in an empty folder: the program, the
# shared libraries that it is linked with as this Debian has them, CA certificates,
# and nothing else that runs: no shell, no package manager.
#
#   scripts/image-root.sh BINARY FOLDER
#
# Each package that a file or a compiled-in header comes from leaves its licence
# below /usr/share/doc, and its version below /var/lib/dpkg/status.d, where
# scanners for vulnerabilities look in an image that has no dpkg.
set -euo pipefail

if [ $# != 2 ]; then
  echo "usage: scripts/image-root.sh BINARY FOLDER" >&2
  exit 2
fi
binary=$1
root=$2

# Packages whose code is compiled in from headers.
headers=(libboost1.81-dev libcli11-dev)
# Where both Debian's OpenSSL and programs in Go look.
certificates=/etc/ssl/certs/ca-certificates.crt

# The names under which the program asks for its libraries, the loader among them.
libraries() {
  ldd "$binary" | sed -En 's|^.*[[:space:]](/[^[:space:]]+) \(0x.*\)$|\1|p'
}

# The installed packages that FILES are of, which may know them below /usr or not.
packages_of() {
  local owners
  owners=$(realpath "$@" | sed -n 'p; s|^/usr||p' |
    xargs dpkg-query -S 2>/dev/null || true)
  if [ "$(grep -c . <<<"$owners")" -lt $# ]; then
    echo "image-root: a library is of no package; those that are:" >&2
    printf '%s\n' "$owners" >&2
    return 1
  fi
  cut -d: -f1 <<<"$owners"
}

# Debian's layout: /lib is a link to /usr/lib.
mkdir -p "$root"/{etc/ssl/certs,tmp,conf,usr/lib/ssl,usr/local/bin,var/lib/dpkg/status.d}
chmod 1777 "$root/tmp"
for folder in /lib*; do
  [ ! -L "$folder" ] || {
    mkdir -p "$root/usr$folder"
    ln -s "usr$folder" "$root$folder"
  }
done

install -m 755 "$binary" "$root/usr/local/bin/target-allocator"
mapfile -t libraries < <(libraries)
for library in "${libraries[@]}"; do
  install -D -m 755 "$(realpath "$library")" "$root$library"
done
packages=$(packages_of "${libraries[@]}")

install -m 644 "$certificates" "$root$certificates"
ln -s /etc/ssl/certs "$root/usr/lib/ssl/certs"
ln -s "$certificates" "$root/usr/lib/ssl/cert.pem"
install -m 644 /etc/os-release "$root/etc/os-release"
echo 'hosts: files dns' >"$root/etc/nsswitch.conf"
echo 'nonroot:x:65532:65532:nonroot:/:/sbin/nologin' >"$root/etc/passwd"
echo 'nonroot:x:65532:' >"$root/etc/group"

# Debian's licences refer to these.
mkdir -p "$root/usr/share"
cp -a /usr/share/common-licenses "$root/usr/share/"
for package in $(printf '%s\n' base-files ca-certificates "${headers[@]}" \
  $packages | sort -u); do
  install -D -m 644 "/usr/share/doc/$package/copyright" \
    "$root/usr/share/doc/$package/copyright"
  dpkg-query --status "$package" >"$root/var/lib/dpkg/status.d/$package"
done
