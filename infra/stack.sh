#!/usr/bin/env bash
# Builds the functions; deploys, rolls back and removes a stage: infra/README.md. Region and credentials
# are those of the AWS tools (AWS_PROFILE, AWS_REGION).
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

usage="usage: infra/stack.sh build, or infra/stack.sh deploy|rollback|remove dev|staging|prod"
verb="${1:?$usage}"
stage="${2-}"
[[ "$verb $stage" =~ ^(build |(deploy|rollback|remove) (dev|staging|prod))$ ]] || { echo "$usage" >&2 && exit 2; }
stack="agent-lattice-$stage"
functions=(compile start step signal stream sweep)
export SAM_CLI_TELEMETRY=0

# The name of what is deployed: the commit, and the settings and the template as they are. The aliases
# move to new versions when it changes.
settings() {
  local revision
  revision="$(git rev-parse --short HEAD 2>/dev/null || echo none)"
  echo "$revision-$(cat infra/template.yaml "infra/settings/$stage.yaml" | sha256sum | cut -c1-12)"
}

# Into the folders from which the template takes them.
build() {
  local packages=()
  for function in "${functions[@]}"; do packages+=(--package "lattice-$function"); done
  cargo lambda build --locked --profile release-lambda --lambda-dir target/lambda "${packages[@]}"
}

deploy() {
  if [[ -z "${LATTICE_BUILT:-}" ]]; then build; fi
  sam deploy --template infra/template.yaml --config-file samconfig.toml --config-env "$stage" \
    --parameter-overrides "file://infra/settings/$stage.yaml" "Settings=$(settings)"
}

# Every alias back to the version before the one that it is at. Takes seconds; the code and the
# environment are those of before, the table and the queue are not touched.
rollback() {
  for function in "${functions[@]}"; do
    local name="$stack-$function" now before
    now="$(aws lambda get-alias --function-name "$name" --name live --query FunctionVersion --output text)"
    before="$(aws lambda list-versions-by-function --function-name "$name" --no-paginate \
      --query 'Versions[].Version' --output text | tr '\t' '\n' | grep -E '^[0-9]+$' | sort -n \
      | awk -v now="$now" '$1 < now {last = $1} END {print last}')"
    if [[ -z "$before" ]]; then
      echo "$name: there is no version before $now" >&2
      continue
    fi
    aws lambda update-alias --function-name "$name" --name live --function-version "$before" \
      --routing-config '{}' >/dev/null
    echo "$name: $now -> $before"
  done
}

# In prod the table, the bucket, the key and the logs stay (DeletionPolicy), and so do their contents.
remove() {
  if [[ "$stage" != prod ]]; then
    local bucket
    bucket="$(aws cloudformation describe-stacks --stack-name "$stack" --output text \
      --query "Stacks[0].Outputs[?OutputKey=='BucketName'].OutputValue")"
    python3 -c 'import boto3, sys; boto3.resource("s3").Bucket(sys.argv[1]).object_versions.delete()' "$bucket"
  fi
  sam delete --stack-name "$stack" --no-prompts --region "${AWS_REGION:-${AWS_DEFAULT_REGION:?set AWS_REGION}}"
}

"$verb"
