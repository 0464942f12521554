#!/usr/bin/env bash
# A hive in a cluster, with the operators and Cortex in it.
#   scripts/setup-cluster.sh CONTEXT [OPTION…]   a cluster of your kubeconfig
#   scripts/setup-cluster.sh --kind [OPTION…]    a kind cluster, made if need be
# Options go to `kgents infra init`: --namespace, --image-registry, --dry-run, --timeout …
set -euo pipefail

if [[ $# -eq 0 || "$1" == -h || "$1" == --help ]]; then
  sed -n '2,5s/^# \{0,1\}//p' "${BASH_SOURCE[0]}" >&2
  exit 2
fi

if [[ "$1" == --kind ]]; then
  exec "${KGENTS:-kgents}" infra init --in-cluster "$@"
fi
context=$1
shift
exec "${KGENTS:-kgents}" infra init --in-cluster --context "$context" "$@"
