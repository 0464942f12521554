#!/usr/bin/env bash
# Other images for the operators, Cortex and the memory sidecars of a hive that runs in a cluster; kinds and permissions
# become those of this version. Waits until they are up.
#   scripts/deploy-operators.sh CONTEXT REGISTRY [OPTION…]
# takes REGISTRY/operators, /cortex and /memory of this version. Options go to `kgents infra init`.
set -euo pipefail

if [[ $# -lt 2 || "$1" == -* ]]; then
  sed -n '2,5s/^# \{0,1\}//p' "${BASH_SOURCE[0]}" >&2
  exit 2
fi

context=$1
registry=$2
shift 2
exec "${KGENTS:-kgents}" infra init --in-cluster --context "$context" --image-registry "$registry" "$@"
