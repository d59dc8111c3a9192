#!/usr/bin/env bash
# Makes everything in this folder. The base takes half an hour, the reproduction about an hour on two cores; both go
# on where they stopped. Usage: sample_data/make.sh RUNS_DIR
set -euo pipefail
cd "$(dirname "$0")"
[ -f models/base/model.safetensors ] || laser base --out models/base
laser reproduce --out "$1"
python -m laser_core.reproduce.ship "$1"
