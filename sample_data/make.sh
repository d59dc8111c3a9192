#!/usr/bin/env bash
# Makes everything in this folder. The base takes a quarter of an hour, the reproduction two hours on two cores; both
# resume where they were stopped. Usage: sample_data/make.sh RUNS_DIR
set -euo pipefail
runs=$(realpath -m "$1")
cd "$(dirname "$0")"
[ -f models/base/model.safetensors ] || laser base --out models/base --unpinned models/base-unpinned
laser reproduce --out "$runs"
python ship.py "$runs"
