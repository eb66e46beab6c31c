#!/bin/bash
# Kafka from KAFKA_… variables: KAFKA_LOG_DIRS=x becomes log.dirs=x, as in the official image.
set -euo pipefail
export KAFKA_LOG_DIRS="${KAFKA_LOG_DIRS:-/var/lib/kafka/data}"
settings="$(mktemp)"
env | grep '^KAFKA_' | grep -v '_OPTS=' | while IFS='=' read -r name value; do
  name="${name#KAFKA_}"
  name="${name,,}"
  echo "${name//_/.}=$value"
done > "$settings"

java() { command java -XX:+UseSerialGC -cp '/opt/kafka/libs/*' "$@"; }
java kafka.tools.StorageTool format --ignore-formatted --cluster-id "${CLUSTER_ID:-4L6g3nShT-eMCtK--X86sw}" --config "$settings"
# shellcheck disable=SC2086  # options are set apart by spaces
exec /usr/bin/java ${KAFKA_HEAP_OPTS:--Xmx512m} -XX:+UseSerialGC -cp '/opt/kafka/libs/*' kafka.Kafka "$settings"
