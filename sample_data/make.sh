#!/usr/bin/env bash
# Makes everything in this folder but the base model (`laser base --out sample_data/models/base`), on two cores.
# Three seeds of each method; seed 0 is the one that is bundled, whatever it shows. Usage: sample_data/make.sh RUNS_DIR
set -euo pipefail
cd "$(dirname "$0")"
runs=$1
for seed in 0 1 2; do
  for method in laser grpo; do
    [ -f "$runs/$method-$seed/rollouts.parquet" ] || laser train --preset mini --method "$method" --seed "$seed" --out "$runs/$method-$seed"
  done
  if [ "$seed" = 0 ]; then
    mkdir -p models rollouts events
    for method in laser grpo; do
      rm -rf "models/$method"
      cp -r "$runs/$method-0/model" "models/$method"
      cp "$runs/$method-0/rollouts.parquet" "rollouts/$method.parquet"
      cp "$runs/$method-0/events.jsonl" "events/$method.jsonl"
    done
    c_ref=$(python -c "from laser_core.rollouts import read; print(read('rollouts/laser.parquet').rollouts.meta.c_ref)")
    laser sample bundled:base --split test --limit 500 -n 16 --c-ref="$c_ref" --reference bundled:base --out rollouts/base.parquet
  fi
done
