#!/usr/bin/env bash
# Lets Kafka judge the golden segment files. Needs java 17+ and mvn, and the network or a filled Maven cache.
set -euo pipefail
here="$(cd "$(dirname "$0")" && pwd)"
golden="$here/../golden"
work="$(mktemp -d)"
trap 'rm -rf "$work"' EXIT

mvn --quiet --batch-mode --file "$here/pom.xml" dependency:build-classpath -Dmdep.outputFile="$work/classpath"
export CLASSPATH
CLASSPATH="$(cat "$work/classpath")"
kafka() { java -Dfile.encoding=UTF-8 -Dsun.stdout.encoding=UTF-8 "$@" 2>"$work/errors" || { cat "$work/errors" >&2; exit 1; }; }

kafka "$here/KafkaCheck.java" write "$work/kafka-batch.bin"
[ "${1:-}" = "--write" ] && cp --no-clobber "$work/kafka-batch.bin" "$golden/kafka-batch.bin"
cmp "$work/kafka-batch.bin" "$golden/kafka-batch.bin"
echo "ok: Kafka writes the golden batch"

for revision in "" ".1"; do
  # Kafka knows no revisions in names: each gets a directory of its own.
  mkdir "$work/segment$revision"
  for ending in log index timeindex; do
    cp "$golden/segment/00000000000000001000$revision.$ending" "$work/segment$revision/00000000000000001000.$ending"
  done
  log="$work/segment$revision/00000000000000001000"
  kafka "$here/KafkaCheck.java" read "$log.log" >"$work/records"
  cmp "$work/records" "$golden/segment/records$revision.txt"
  echo "ok: Kafka reads $(wc -l <"$work/records") records of segment$revision as they went in"
  kafka kafka.tools.DumpLogSegments --deep-iteration --files "$log.log,$log.index,$log.timeindex" >"$work/dump"
  entries="$(grep --count -E '^offset: [0-9]+ position: |^timestamp: [0-9]+ offset: ' "$work/dump")"
  if [ "$entries" -lt 10 ] || grep --quiet --ignore-case -E 'mismatch|not found|out of order|isvalid: false|could not|error' "$work/dump" "$work/errors"; then
    cat "$work/dump" "$work/errors" >&2
    exit 1
  fi
  echo "ok: Kafka's DumpLogSegments finds nothing wrong with its $entries index entries"
done
