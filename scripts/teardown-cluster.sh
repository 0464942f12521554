#!/usr/bin/env bash
# Takes out of a cluster what setup-cluster.sh made there, agents and signals included. Asks first; --yes answers.
#   scripts/teardown-cluster.sh CONTEXT [OPTION…]
# Options go to `kgents infra delete`: --yes, --keep-cluster …
set -euo pipefail

if [[ $# -eq 0 || "$1" == -* ]]; then
  sed -n '2,4s/^# \{0,1\}//p' "${BASH_SOURCE[0]}" >&2
  exit 2
fi

context=$1
shift
exec "${KGENTS:-kgents}" infra delete --context "$context" "$@"
