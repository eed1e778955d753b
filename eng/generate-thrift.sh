#!/usr/bin/env bash
# Regenerates KvCloud.Protocol/Generated from kvstore.thrift. Needs the thrift compiler 0.17 (Debian: thrift-compiler).
# With a folder as argument it writes there instead; the test that finds stale code uses that.
set -euo pipefail
cd "$(dirname "$0")/.."
out=${1:-KvCloud.Protocol/Generated}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
thrift --gen netstd:net6,pascal -out "$work" KvCloud.Protocol/kvstore.thrift
rm -rf "$out"
mkdir -p "$out"
# The generator stamps no date, but writes trailing blanks and CRLF on some systems.
find "$work" -name '*.cs' | LC_ALL=C sort | while read -r file; do
  sed -e 's/[ \t\r]*$//' "$file" > "$out/$(basename "$file")"
done
