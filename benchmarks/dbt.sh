#!/usr/bin/env bash
# dbt reads what a home has published: parses its sources.yml, builds a model on both sources, and runs tests.
# By hand, with dbt-duckdb installed apart from us (its environment takes 350 MB, so it is no dependency of the tests):
#   python3 -m venv ~/dbt && ~/dbt/bin/pip install --only-binary :all: dbt-duckdb
#   benchmarks/dbt.sh data/demo ~/dbt/bin/dbt [perennial_all_of_dbts_test_selection]
set -euo pipefail
home=$(cd "$1" && pwd) dbt=$2 selection=${3:-source:perennial.rfm_scores source:perennial.rfm_segments source:perennial.kpis source:perennial.segment_events}
perennial=${PERENNIAL:-perennial}
project=$(mktemp -d) && trap 'rm -rf "$project"' EXIT
mkdir "$project/models"
"$perennial" dbt-sources --home "$home" --location "{{ env_var('PERENNIAL_HOME') }}" >"$project/models/sources.yml"
cat >"$project/dbt_project.yml" <<YML
{name: proof, version: "1.0", profile: proof, flags: {send_anonymous_usage_stats: false}}
YML
cat >"$project/profiles.yml" <<YML
proof: {target: dev, outputs: {dev: {type: duckdb, path: "$project/proof.duckdb"}}}
YML
cat >"$project/models/loyal.sql" <<'SQL'
SELECT latest.segment, count(*) AS customers, (SELECT count(DISTINCT snapshot_date) FROM {{ source('perennial_all_days', 'rfm_segments') }}) AS days
FROM {{ source('perennial', 'rfm_segments') }} AS latest
WHERE latest.catalogue = 'grid'
GROUP BY latest.segment
SQL
export PERENNIAL_HOME=$home DBT_PROFILES_DIR=$project
cd "$project" # dbt finds the files from any folder
"$dbt" parse --quiet
"$dbt" run --quiet
# shellcheck disable=SC2086
"$dbt" test --select $selection
"$dbt" show --select loyal --limit 20
