"""Verdict tokens and end tokens on untrained models of seven shapes, with tokenizers made here."""

import pytest
import torch
import transformers as hf
from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers

from laser_core.models.verdict_token import NEW_TOKEN, candidates
from laser_core.policy import load_policy
from laser_core.scoring import Solutions, score_solutions

TEXT = ["What is 1 + 2? It is 3.", "Ann has 7 pens, Ben has 5 more than Ann: 12."]
SMALL = {"hidden_size": 32, "intermediate_size": 64, "num_hidden_layers": 2, "num_attention_heads": 2}
PAIRED = {**SMALL, "num_key_value_heads": 1}
GROUPED = {**SMALL, "num_key_value_heads": 1, "head_dim": 16}
CHATML = (
    "{% for m in messages %}<|im_start|>{{ m['role'] }}\n{{ m['content'] }}<|im_end|>\n{% endfor %}"
    "{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}"
)


def byte_level(special):
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer, tokenizer.decoder = pre_tokenizers.ByteLevel(add_prefix_space=False), decoders.ByteLevel()
    alphabet = pre_tokenizers.ByteLevel.alphabet()
    trainer = trainers.BpeTrainer(vocab_size=300, special_tokens=list(special), initial_alphabet=alphabet)
    tokenizer.train_from_iterator(TEXT, trainer)
    return tokenizer


def sentencepiece(special):
    pieces = [(token, 0.0) for token in special] + [("\u2581", -2.0)]
    pieces += [(letter, -3.0) for letter in sorted({c for text in TEXT for c in text} - {" "})]
    tokenizer = Tokenizer(models.Unigram(pieces, unk_id=0))
    tokenizer.pre_tokenizer, tokenizer.decoder = pre_tokenizers.Metaspace(), decoders.Metaspace()
    tokenizer.add_special_tokens(list(special))
    return tokenizer


#          name:   (tokenizer, special tokens, settings of it, config, all that end a solution, its verdict token)
LLAMA3 = ("<|begin_of_text|>", "<|end_of_text|>", "<|eot_id|>", "<|reserved_special_token_0|>", "<|python_tag|>")
QWEN = ("<|endoftext|>", "<|im_start|>", "<|im_end|>", "<|vision_start|>", "<|fim_prefix|>")
GEMMA = ("<unk>", "<bos>", "<eos>", "<pad>", "<start_of_turn>", "<end_of_turn>", "<unused0>", "<unused1>")
PHI = ("<unk>", "<s>", "</s>", "<|end|>", "<|endoftext|>", "<|assistant|>", "<|placeholder1|>")
NEOX = ("<|endoftext|>",)
SMOL = ("<|endoftext|>", "<|im_start|>", "<|im_end|>", "<repo_name>", "<jupyter_output>", "<empty_output>")
SHAPES = {
    "llama": (byte_level, LLAMA3, {"eos_token": "<|eot_id|>"}, lambda n: hf.LlamaConfig(**GROUPED, vocab_size=n)),
    "qwen2": (byte_level, QWEN, {"eos_token": "<|im_end|>"}, lambda n: hf.Qwen2Config(**PAIRED, vocab_size=n)),
    "qwen3": (byte_level, QWEN, {"eos_token": "<|im_end|>"}, lambda n: hf.Qwen3Config(**GROUPED, vocab_size=n)),
    "gemma": (
        sentencepiece,
        GEMMA,
        {"eos_token": "<eos>", "unk_token": "<unk>", "pad_token": "<pad>", "bos_token": "<bos>"},
        lambda n: hf.GemmaConfig(**GROUPED, vocab_size=n),
    ),
    "phi3": (
        sentencepiece,
        PHI,
        {"eos_token": "<|endoftext|>", "unk_token": "<unk>", "pad_token": "<|endoftext|>"},
        lambda n: hf.Phi3Config(**SMALL, vocab_size=n, pad_token_id=4),
    ),
    "gpt_neox": (
        byte_level,
        NEOX,
        {"eos_token": "<|endoftext|>", "pad_token": "<|endoftext|>"},
        lambda n: hf.GPTNeoXConfig(**SMALL, vocab_size=n),
    ),
    "smollm": (
        byte_level,
        SMOL,
        {"eos_token": "<|im_end|>", "pad_token": "<|im_end|>", "bos_token": "<|im_start|>"},
        lambda n: hf.LlamaConfig(**GROUPED, vocab_size=n, tie_word_embeddings=True),
    ),
}
ENDS = {
    "llama": ["<|eot_id|>", "<|end_of_text|>"],
    "gemma": ["<end_of_turn>", "<eos>"],
    "phi3": ["<|end|>", "<|endoftext|>"],
    "qwen2": ["<|im_end|>", "<|endoftext|>"],
}
TEMPLATES = {
    "gemma": CHATML.replace("<|im_start|>", "<start_of_turn>").replace("<|im_end|>", "<end_of_turn>"),
    "phi3": CHATML.replace("<|im_start|>", "<|assistant|>").replace("<|im_end|>", "<|end|>"),
    "qwen2": CHATML,
    "smollm": CHATML,
}
VERDICTS = {
    "llama": ("<|reserved_special_token_0|>", "reserved"),
    "qwen2": ("<|vision_start|>", "reserved"),
    "qwen3": ("<|vision_start|>", "reserved"),
    "gemma": ("<unused0>", "reserved"),
    "phi3": ("<|placeholder1|>", "reserved"),
    "gpt_neox": (NEW_TOKEN, "new"),
    "smollm": ("<repo_name>", "special"),
}


def save(name, folder, *, spare_rows=0):
    make, special, settings, config = SHAPES[name]
    fast = hf.PreTrainedTokenizerFast(
        tokenizer_object=make(special),
        additional_special_tokens=[t for t in special if t not in settings.values()],
        **settings,
    )
    fast.chat_template = TEMPLATES.get(name)
    torch.manual_seed(0)
    model = hf.AutoModelForCausalLM.from_config(config(len(fast) + spare_rows))
    ends = fast.convert_tokens_to_ids(ENDS.get(name, [fast.eos_token]))
    model.generation_config = hf.GenerationConfig(eos_token_id=sorted(ends))
    model.save_pretrained(folder)
    fast.save_pretrained(folder)
    return str(folder)


@pytest.fixture(scope="module", params=SHAPES)
def named(request, tmp_path_factory):
    return request.param, load_policy(save(request.param, tmp_path_factory.mktemp(request.param)))


def test_the_verdict_token_is_the_most_trusted_spare_one(named):
    name, policy = named
    assert (policy.z_token, policy.z_kind) == VERDICTS[name]
    spare = {c.token for c in candidates(policy.tokenizer, policy.end_ids)}
    assert not spare & {*ENDS.get(name, ()), policy.tokenizer.eos_token, policy.tokenizer.pad_token}
    assert not any(token in TEMPLATES.get(name, "") for token in spare)


def test_every_end_token_ends_a_solution_and_the_chats_own_closes_a_text(named):
    name, policy = named
    ends = policy.tokenizer.convert_tokens_to_ids(ENDS.get(name, [policy.tokenizer.eos_token]))
    assert sorted(policy.end_ids) == sorted(ends)
    assert policy.eos_id == ends[0]
    assert policy.ends(torch.tensor([*ends, policy.z_id])).tolist() == [True] * len(ends) + [False]
    solutions = Solutions.pack([[5]] * len(ends), [[6, end] for end in ends], policy)
    assert solutions.ended.all()


def test_the_score_is_read_as_a_plain_forward_pass_reads_it(named):
    _, policy = named
    prompt = policy.encode_prompt(TEXT[0])
    response = [*policy.tokenizer.encode("It is 3.", add_special_tokens=False), policy.eos_id]
    with torch.inference_mode():
        plain = policy.model(torch.tensor([prompt + response])).logits[0, -1].float().log_softmax(-1)
        scored = score_solutions(policy, Solutions.pack([prompt], [response], policy))
    assert scored.z_logprob.item() == pytest.approx(plain[policy.z_id].item(), abs=1e-4)
    assert policy.decode(response) == "It is 3."


def test_a_model_without_a_spare_token_gets_one_and_keeps_it(tmp_path):
    path = save("gpt_neox", tmp_path / "full")
    first, again = load_policy(path), load_policy(path, z_token=NEW_TOKEN)
    rows = first.model.get_output_embeddings().weight
    assert first.z_id == len(rows) - 1 == first.model.config.vocab_size - 1
    assert torch.allclose(rows[-1], rows[:-1].mean(0), atol=1e-6)
    assert torch.equal(again.model.get_output_embeddings().weight, rows)  # the reference of a run is the same model
    first.model.save_pretrained(tmp_path / "saved")
    first.tokenizer.save_pretrained(tmp_path / "saved")
    kept = load_policy(str(tmp_path / "saved"))
    assert (kept.z_token, kept.z_id) == (NEW_TOKEN, first.z_id)
    assert len(kept.model.get_output_embeddings().weight) == len(rows)


def test_a_row_that_no_token_uses_serves_before_a_new_one_is_added(tmp_path):
    path = save("gpt_neox", tmp_path, spare_rows=7)
    before = hf.AutoModelForCausalLM.from_pretrained(path).get_output_embeddings().weight
    policy = load_policy(path)
    assert policy.z_id == len(before) - 7
    assert torch.equal(policy.model.get_output_embeddings().weight, before)
