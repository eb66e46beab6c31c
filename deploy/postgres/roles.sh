#!/bin/bash
# The two zones' databases and roles, once, at PostgreSQL's first start: what broker/local/databases.py makes for the
# embedded one. An owner has the tables and migrates; an app role works, owns nothing, and cannot enter the other zone.
set -euo pipefail

zone() {
  # Passwords go by the environment: an argument could be read by every process of the container.
  export ZONE_OWNER_PASSWORD="$2" ZONE_APP_PASSWORD="$3"
  psql --set=ON_ERROR_STOP=1 --no-psqlrc --quiet --username "${POSTGRES_USER:-postgres}" --dbname "${POSTGRES_DB:-postgres}" \
    --set=database="$1" --set=owner="$1_owner" --set=app="$1_app" <<'SQL'
\getenv owner_password ZONE_OWNER_PASSWORD
\getenv app_password ZONE_APP_PASSWORD
CREATE ROLE :"owner" LOGIN NOSUPERUSER NOCREATEDB NOCREATEROLE PASSWORD :'owner_password';
CREATE ROLE :"app" LOGIN NOSUPERUSER NOCREATEDB NOCREATEROLE PASSWORD :'app_password';
GRANT handoff_app TO :"app";
CREATE DATABASE :"database" OWNER :"owner";
REVOKE ALL ON DATABASE :"database" FROM PUBLIC;
GRANT CONNECT ON DATABASE :"database" TO :"app";
SQL
}

psql --set=ON_ERROR_STOP=1 --no-psqlrc --quiet --username "${POSTGRES_USER:-postgres}" --dbname "${POSTGRES_DB:-postgres}" \
  --command='CREATE ROLE handoff_app NOLOGIN'
psql --set=ON_ERROR_STOP=1 --no-psqlrc --quiet --username "${POSTGRES_USER:-postgres}" --dbname "${POSTGRES_DB:-postgres}" \
  --command='CREATE ROLE handoff_sequencer NOLOGIN'
zone handoff_broker "$BROKER_OWNER_PASSWORD" "$BROKER_APP_PASSWORD"
zone handoff_provider "$PROVIDER_OWNER_PASSWORD" "$PROVIDER_APP_PASSWORD"

# Alone writes the log of the trail, and can change nothing in it.
psql --set=ON_ERROR_STOP=1 --no-psqlrc --quiet --username "${POSTGRES_USER:-postgres}" --dbname "${POSTGRES_DB:-postgres}" <<'SQL'
\getenv sequencer_password BROKER_SEQUENCER_PASSWORD
CREATE ROLE handoff_broker_sequencer LOGIN NOSUPERUSER NOCREATEDB NOCREATEROLE PASSWORD :'sequencer_password';
GRANT handoff_sequencer TO handoff_broker_sequencer;
GRANT CONNECT ON DATABASE handoff_broker TO handoff_broker_sequencer;
SQL
