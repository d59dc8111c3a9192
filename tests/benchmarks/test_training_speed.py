"""How fast sampling, training and scoring are, beside what they are compared to; every ratio from one run.

    OMP_NUM_THREADS=2 pytest tests/benchmarks/test_training_speed.py -o addopts="" --benchmark-columns=min,rounds

The peers need `pip install "trl==1.16.*"` in a throw-away environment; without it that comparison is skipped. Both
sides of a ratio take turns, and the shortest time of each counts: other programs can lengthen a time, not shorten it.
On one thread it is processor time that counts. docs/speed.md states what was measured.
"""

from __future__ import annotations

import os
import threading
import time
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
import torch

from laser_core.ablations import objective_of
from laser_core.config import LaserConfig
from laser_core.evaluate import responses_of
from laser_core.fast.precision import pick_dtype
from laser_core.generate import generate
from laser_core.policy import Policy, load_policy
from laser_core.reference import against_reference
from laser_core.scoring import Solutions, score_in_micro_batches, score_solutions
from laser_core.step import TrainingRun, training_step
from laser_core.tasks import load_problems

GROUPS, SAMPLES, LIMIT = 64, 8, 40


def clock() -> float:
    return time.process_time() if torch.get_num_threads() == 1 else time.perf_counter()


def take_turns(*functions, rounds: int = 4) -> list[float]:
    """The shortest seconds of each, all having been run once before."""
    best = [float("inf")] * len(functions)
    for round_ in range(rounds + 1):
        for i, function in enumerate(functions):
            start = clock()
            function()
            if round_:
                best[i] = min(best[i], clock() - start)
    return best


def step_problems(groups: int = GROUPS) -> list:
    return load_problems("linear", "train")[:groups]


def sample(policy: Policy, dtype: torch.dtype, *, groups=GROUPS, samples=SAMPLES, limit=LIMIT, seed=0):
    prompts = [policy.encode_prompt(problem.text) for problem in step_problems(groups)]
    generator = torch.Generator().manual_seed(seed)
    drawn = generate(policy, prompts, samples=samples, max_new_tokens=limit, generator=generator, dtype=dtype)
    return prompts, drawn


def stepper(policy: Policy, dtype: torch.dtype, method: str = "laser", **settings):
    """A function that takes the next training step."""
    config = LaserConfig(method=method, reasoning_warmup=0, self_reward_warmup=0, lr=1e-9, **settings)
    optimizer = torch.optim.AdamW(policy.model.parameters(), lr=config.lr)
    problems = step_problems(config.prompts_per_step)
    run = TrainingRun(config, policy, optimizer, objective_of(config, -15.0), dtype)
    return lambda: training_step(run, problems, step=0)


@dataclass(frozen=True)
class Products:
    """The matrix products of a model's layers and head, with nothing between them."""

    weights: list[torch.Tensor]

    @classmethod
    def of(cls, policy: Policy, dtype: torch.dtype) -> Products:
        linear = [m for m in policy.model.modules() if isinstance(m, torch.nn.Linear)]
        return cls([m.weight.detach().to(dtype) for m in linear])

    def decode(self, rows_of_each_step: list[int]) -> None:
        inputs = {w.shape[1]: torch.ones(max(rows_of_each_step), w.shape[1], dtype=w.dtype) for w in self.weights}
        for rows in rows_of_each_step:
            for w in self.weights:
                torch.nn.functional.linear(inputs[w.shape[1]][:rows], w)

    def update(self, tokens: int) -> None:
        """Forward, and backward to inputs and weights; every product's output stays, as training keeps it."""
        kept = []
        for w in self.weights:
            x, g = torch.ones(tokens, w.shape[1], dtype=w.dtype), torch.ones(tokens, w.shape[0], dtype=w.dtype)
            kept += [x @ w.t(), g @ w, g.t() @ x]


@pytest.fixture(scope="module")
def base() -> Policy:
    return load_policy("bundled:base")


@pytest.fixture(scope="module")
def dtype() -> torch.dtype:
    return pick_dtype("auto")


def test_step_against_trl(benchmark, base, dtype, tmp_path):
    """A LaSeR step against a step of TRL's GRPOTrainer: same model, problems, groups, length limit and precision.

    TRL has its best setting of those tried: one batch of 512 (not 128), eager attention (not SDPA), no logging, and
    the better of autocast and bfloat16 parameters.
    """
    trl = pytest.importorskip("trl", reason="pip install 'trl==1.16.*' in a throw-away environment")
    from datasets import Dataset
    from transformers import TrainerCallback

    times: dict[torch.dtype, list[float]] = {}

    class Watch(TrainerCallback):
        def on_step_begin(self, *args, **kwargs):
            self.start = clock()

        def on_step_end(self, *args, **kwargs):
            times.setdefault(peer.model.dtype, []).append(clock() - self.start)

    def train_theirs() -> None:
        settings = trl.GRPOConfig(
            output_dir=str(tmp_path),
            use_cpu=True,
            bf16=dtype == torch.bfloat16 and peer.model.dtype == torch.float32,
            per_device_train_batch_size=GROUPS * SAMPLES,
            num_generations=SAMPLES,
            max_completion_length=LIMIT,
            beta=0.0,
            learning_rate=1e-9,
            logging_strategy="no",
            save_strategy="no",
            report_to=[],
            max_steps=3,
            gradient_checkpointing=False,
            disable_tqdm=True,
        )
        trl.GRPOTrainer(
            model=peer.model,
            reward_funcs=lambda completions, **_: [float(len(c) % 2) for c in completions],
            args=settings,
            train_dataset=Dataset.from_list([{"prompt": problem.text} for problem in step_problems()]),
            processing_class=peer.tokenizer,
            callbacks=[Watch()],
        ).train()

    step, ours = stepper(base, dtype), float("inf")
    for kind in {
        torch.float32,
        dtype,
    }:  # autocast on float32 parameters, then parameters in bfloat16: the better counts
        ours = min(ours, *take_turns(step, rounds=2))
        peer = load_policy("bundled:base").cast(kind)
        train_theirs()
    ours = min(ours, *take_turns(step, rounds=2))
    theirs = {str(kind).removeprefix("torch."): min(seconds[1:]) for kind, seconds in times.items()}
    ratio = min(theirs.values()) / ours
    benchmark.extra_info.update(ours=ours, trl=theirs, ratio=ratio, threads=torch.get_num_threads())
    benchmark.pedantic(step, rounds=1)
    assert ratio > 2


@pytest.mark.parametrize("name", ["base", "laser"])
def test_sampling_against_transformers_and_bare_products(benchmark, dtype, name):
    """Tokens a second against transformers' generate, and against a loop of the model's own matrix products.

    Both start from token ids. The trained model repeats itself more than the base, and what is equal is run once.
    """
    from laser_core.fast.precision import cast

    base = load_policy(f"bundled:{name}")
    model = cast(base.model, dtype)
    prompts, drawn = sample(base, dtype)

    def ours():
        generator = torch.Generator().manual_seed(0)
        generate(base, prompts, samples=SAMPLES, max_new_tokens=LIMIT, generator=generator, dtype=dtype)

    longest = int(drawn.length.max())
    rows = [int((drawn.length > t).sum()) for t in range(longest)]
    mask = (drawn.prompt != base.pad_id).long()
    products = Products.of(base, dtype)

    def theirs():
        torch.manual_seed(0)
        with torch.inference_mode():
            return model.generate(
                drawn.prompt,
                attention_mask=mask,
                do_sample=True,
                top_k=0,
                top_p=1.0,
                temperature=1.0,
                max_new_tokens=LIMIT,
                pad_token_id=base.pad_id,
            )

    out = theirs()[:, drawn.prompt.shape[1] :]
    ends = (out == base.eos_id).cumsum(1)
    their_tokens = int((ends - (out == base.eos_id).long() == 0).sum())
    ours_s, theirs_s, bare_s = take_turns(ours, theirs, lambda: products.decode(rows), rounds=6)
    tokens = int(drawn.length.sum())
    over_generate = (tokens / ours_s) / (their_tokens / theirs_s)
    benchmark.extra_info.update(
        tokens_per_second=round(tokens / ours_s),
        generate_tokens_per_second=round(their_tokens / theirs_s),
        bare_products_tokens_per_second=round(tokens / bare_s),
        over_generate=over_generate,
        share_of_bare_products=bare_s / ours_s,
        threads=torch.get_num_threads(),
    )
    benchmark.pedantic(ours, rounds=1)
    assert over_generate > 2
    assert bare_s / ours_s > 0.4


def test_update_against_bare_products(benchmark, base, dtype):
    """Forward and backward of a step against the machine's rate for its matrix products, at the same shapes."""
    prompts, drawn = sample(base, dtype)
    solutions = Solutions.pack([p for p in prompts for _ in range(SAMPLES)], responses_of(drawn), base)

    def update():
        base.model.zero_grad()
        for _, now in score_in_micro_batches(base, solutions, max_tokens=4096, dtype=dtype):
            (now.logprob.sum() + now.z_logprob.sum()).backward()

    products, once = Products.of(base, dtype), solutions.rows(solutions.distinct()[0])

    def bare(part: Solutions):
        for rows in part.micro_batches(4096):
            products.update(int(part.length[rows].sum()))
        products.update(sum(map(len, prompts)))

    ours, of_all, of_distinct = take_turns(update, lambda: bare(solutions), lambda: bare(once))
    benchmark.extra_info.update(
        seconds=ours,
        share_for_all_tokens=of_all / ours,
        share_for_distinct_solutions=of_distinct / ours,
        distinct_solutions=len(once.length),
        threads=torch.get_num_threads(),
    )
    benchmark.pedantic(update, rounds=1)
    assert of_all / ours > 0.5
    assert of_distinct / ours > 0.4


def test_laser_costs_no_more_than_grpo(benchmark, base, dtype):
    """The score comes from one decode step after <eos> and from the training forward that runs anyway."""
    laser, grpo = take_turns(stepper(base, dtype), stepper(base, dtype, "grpo"), rounds=8)
    benchmark.extra_info.update(laser=laser, grpo=grpo, ratio=laser / grpo, threads=torch.get_num_threads())
    benchmark.pedantic(stepper(base, dtype), rounds=1)
    assert laser / grpo < 1.03 if torch.get_num_threads() > 1 else laser / grpo < 1.05


def test_reading_the_reference_for_the_event_costs_little(benchmark, base, dtype):
    """KL, drift of c_ref and log Z, from 16 of a step's 512 solutions: their share of the step that reports them."""
    prompts, drawn = sample(base, dtype)
    solutions = Solutions.pack([p for p in prompts for _ in range(SAMPLES)], responses_of(drawn), base)

    def read():
        return against_reference(
            base, solutions, drawn, group_size=SAMPLES, beta_v=0.1, c_ref=-23.0, dtype=dtype
        )  # what the training step itself calls

    reading, step = take_turns(read, stepper(base, dtype), rounds=8)
    benchmark.extra_info.update(
        seconds=reading, step=step, share=reading / (step + reading), threads=torch.get_num_threads()
    )
    benchmark.pedantic(read, rounds=1)
    assert reading / (step + reading) < 0.03


def resident() -> int:
    return int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")


def peak_growth(function) -> int:
    """Most bytes by which the process grew while the function ran; where a GPU computes, its memory."""
    if torch.cuda.is_initialized():
        torch.cuda.reset_peak_memory_stats()
        held = torch.cuda.memory_allocated()
        function()
        return torch.cuda.max_memory_allocated() - held
    before, peak, done = resident(), [0], threading.Event()

    def watch():
        while not done.wait(0.002):
            peak[0] = max(peak[0], resident())

    watcher = threading.Thread(target=watch)
    watcher.start()
    try:
        function()
    finally:
        done.set()
        watcher.join()
    return peak[0] - before


def test_scoring_a_large_vocabulary(benchmark, base):
    """Log-probs and traces with 151,936 tokens: time against the model's forward pass, memory against its logits."""
    from transformers import LlamaConfig, LlamaForCausalLM

    torch.manual_seed(0)
    config = LlamaConfig(
        vocab_size=151_936,
        hidden_size=256,
        num_hidden_layers=4,
        num_attention_heads=8,
        intermediate_size=768,
        attn_implementation="eager",
    )
    policy = Policy("large", LlamaForCausalLM(config).eval(), base.tokenizer, "z", 5)
    rng = np.random.default_rng(0)
    prompts = [rng.integers(10, 151_000, 16).tolist() for _ in range(8)]
    responses = [[*rng.integers(10, 151_000, 100).tolist(), base.eos_id] for _ in range(8)]
    solutions = Solutions.pack(prompts, responses, policy)

    def score(traces=True):
        with torch.inference_mode():
            return score_solutions(policy, solutions, traces=traces)

    def forward():
        with torch.inference_mode():
            return policy.model(solutions.tokens, use_cache=False).logits

    whole = solutions.length.sum().item() * 151_936 * 4
    grown = peak_growth(score)
    ours, theirs = take_turns(score, forward, rounds=2)
    benchmark.extra_info.update(
        peak_MiB=grown / 2**20, logits_MiB=whole / 2**20, times_the_forward=ours / theirs, tokens=8 * 101
    )
    benchmark.pedantic(score, rounds=1)
    assert ours < 1.1 * theirs
    assert grown < 0.5 * whole
