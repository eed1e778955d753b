#!/usr/bin/env bash
# Regenerates KvCloud.Protocol/Generated from kvstore.thrift. Needs the thrift compiler 0.17 (Debian: thrift-compiler).
# Writes to the given folder instead if there is an argument, which the test for stale generated code uses.
set -euo pipefail
cd "$(dirname "$0")/.."
out=${1:-KvCloud.Protocol/Generated}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
thrift --gen netstd:net6,pascal -out "$work" KvCloud.Protocol/kvstore.thrift
rm -rf "$out"
mkdir -p "$out"
# The generator stamps no date, but it writes trailing blanks, and CRLF on some systems.
find "$work" -name '*.cs' | LC_ALL=C sort | while read -r file; do
  sed -e 's/[ \t\r]*$//' "$file" > "$out/$(basename "$file")"
done
