#!/usr/bin/env bash
# Whether a hive works, in words, with a fix for what does not. Exits 0 when it does.
#   scripts/verify-cluster.sh [CONTEXT] [OPTION…]   the current context if none is given
# Options go to `kgents infra verify`: -o json …
set -euo pipefail

if [[ "${1:-}" == -h || "${1:-}" == --help ]]; then
  sed -n '2,4s/^# \{0,1\}//p' "${BASH_SOURCE[0]}" >&2
  exit 2
fi

if [[ $# -gt 0 && "$1" != -* ]]; then
  context=$1
  shift
  exec "${KGENTS:-kgents}" infra verify --context "$context" "$@"
fi
exec "${KGENTS:-kgents}" infra verify "$@"
