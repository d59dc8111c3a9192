"""Theory: the closed form behind the score, and what leaving Z out costs, with sliders."""

from __future__ import annotations

import streamlit as st

from app.data import sources
from app.format import literal, number, small
from app.widgets import parts
from laser_core.analysis import closed_form
from laser_core.figures.theory import neglected_figure, noise_figure, score_line_figure
from laser_core.score import partition

QUESTION = "When can Z be left out of the score?"
START = {"theory_beta": 0.1, "theory_reference": -23.1, "theory_policy": -15.0, "theory_std": 0.04}
ANSWERS = ("About 1", "About 2", "About 2,000")


def references() -> list[closed_form.Reference]:
    """The verdict tokens to start from: the paper's, an ordinary word, and the loaded run's own."""
    found = list(closed_form.REFERENCES)
    if sources.all_sources():
        source = sources.current()
        meta = source.rollouts.meta
        if meta.c_ref is not None and -30 <= meta.c_ref <= 0:
            name = f"z_c of “{literal(source.title, 30)}”"
            found.append(closed_form.Reference(name, meta.c_ref, meta.c_ref_std, "stored with the loaded rollouts"))
    return found


def start_from(reference: closed_form.Reference) -> None:
    """Set the sliders to a token, and the policy to its optimum."""
    st.session_state["theory_reference"] = round(reference.logprob, 1)
    if reference.std is not None:
        st.session_state["theory_std"] = min(round(reference.std, 2), 3.0)
    best = closed_form.optimal_z_logprob(reference.logprob, beta_v=st.session_state["theory_beta"])
    st.session_state["theory_policy"] = round(best, 1)


for key, value in START.items():
    st.session_state.setdefault(key, value)

top = st.container()  # the header needs the sliders below it
with st.container(border=True):
    st.markdown(
        "**Predict first.** Suppose the verdict token is the ordinary word “Yes”, and the reference model gives it a "
        "probability of 10% after a solution. With β_v = 0.1, how large is Z, which the score takes to be 1?"
    )
    guess = st.radio("Z is", ANSWERS, index=None, key="theory_guess", horizontal=True, persist_state="session")
    if guess:
        word = closed_form.REFERENCES[-1]
        exact, lost = (f(word.logprob, beta_v=0.1) for f in (partition, closed_form.neglected_reward))
        st.markdown(
            f"{'**Yes.**' if guess == ANSWERS[-1] else '**No:**'} Z = 1 + 0.1 · (e¹⁰ − 1) = **{exact:,.0f}**: a tenth "
            f"of the probability is multiplied by e¹⁰ = 22,026. Leaving Z out costs {lost:.2f} of a reward of 1: the "
            f"optimal policy would score a correct solution {1 - lost:.2f}, which predicts incorrect. Press "
            f"“{word.name}” below and see."
        )

controls, lines = st.columns([1, 2], gap="large")
with controls:
    st.markdown("**Start from a token**")
    with st.container(horizontal=True, gap="xsmall"):
        known = references()
        for i, reference in enumerate(known):
            st.button(reference.name, key=f"theory_token_{i}", on_click=start_from, args=(reference,), width="content")
    beta_v = st.slider(
        "β_v, reward per nat", 0.02, 0.5, step=0.01, key="theory_beta", persist_state="session", help="Published: 0.1."
    )
    reference_logprob = st.slider(
        "log π_ref(z_c), nats: the token before training",
        -30.0,
        -0.1,
        step=0.1,
        key="theory_reference",
        persist_state="session",
        help="−23 is a token that the model has never seen in use; −2.3 is a word that it writes one time in ten.",
    )
    policy_logprob = st.slider(
        "log π(z_c), nats: the policy, after a solution",
        -30.0,
        0.0,
        step=0.1,
        key="theory_policy",
        persist_state="session",
    )
picture = closed_form.worked_example(beta_v=beta_v, ref_z_logprob=reference_logprob, z_logprob=policy_logprob)
with top:
    parts.header(
        QUESTION,
        f"At β_v = {beta_v:.2f} and log π_ref(z_c) = {reference_logprob:.1f}, leaving Z out costs "
        f"{small(picture.neglected)} of reward: "
        + ("**Z = 1 holds.**" if picture.holds else "**Z = 1 breaks.**")
        + f" It holds below {picture.limit:.1f} nats.",
    )
    st.caption(
        f"These are exact formulas without data, hence no n and no interval. “Holds” means that the neglected term is "
        f"at most {picture.tolerance:g} of the reward for a correct solution."
    )
with lines:
    parts.figure(
        score_line_figure(picture),
        key="theory_line",
        alt="The score, and the closed form with Z, over the policy's log-probability of z_c",
        see=f"Each nat is worth β_v = {beta_v:.2f}. The lines are β_v log Z = {small(picture.neglected)} apart. The "
        f"optimal policy for reward 1 has log π(z_c) = {number(picture.best_z_logprob, 1)}, where the score is "
        f"{picture.best_score:.2f}. The score is at most "
        f"{closed_form.highest_score(beta_v=beta_v, c_ref=reference_logprob):.2f}, where z_c is certain.",
    )
with lines, st.container(horizontal=True, gap="small"):
    st.metric("Score", f"{picture.score:.2f}", help="β_v (log π(z_c) − log π_ref(z_c)), as LaSeR uses it.", border=True)
    st.metric("With Z", f"{picture.reward:.2f}", help="The score plus β_v log Z: the closed form.", border=True)
    z = partition(reference_logprob, beta_v=beta_v)
    shown_z = f"1 + {small(z - 1)}" if 0 < z - 1 < 0.01 else small(z) if z < 1e7 else f"{z:.1e}"
    st.metric("Z", shown_z if z != 1 else "1", help="The exact partition function.", border=True)
    st.metric("log Z", small(picture.log_z), help="In nats.", border=True)

st.subheader("Where Z = 1 breaks", anchor=False)
chart, words = st.columns([2, 1], gap="large")
with chart:
    parts.figure(
        neglected_figure(picture),
        key="theory_neglected",
        alt="The neglected reward, β_v times log Z, over the reference's log-probability of z_c",
        see=f"Blue: tokens so rare that Z = 1 holds, below {picture.limit:.1f} nats at this β_v. Vermilion: ordinary "
        "words. A smaller β_v moves the border to the left, because e^(1/β_v) grows.",
    )
with words:
    st.markdown(
        f"Here Z = 1 + e^({reference_logprob:.1f}) · (e^(1/{beta_v:.2f}) − 1), exactly, and log Z is "
        f"{small(picture.log_z)} nats. The approximation takes it to be 0.\n\n"
        f"The error is the same for every solution only while log π_ref(z_c) is. With an ordinary word it is neither "
        "small nor constant, because the word's meaning depends on the text before it. That is why LaSeR uses a "
        "reserved token that the model never writes."
    )

st.subheader("What if the reference is not quite constant?", anchor=False)
chart, words = st.columns([2, 1], gap="large")
with words:
    std = st.slider(
        "Spread of log π_ref(z_c), nats (standard deviation)",
        0.0,
        3.0,
        step=0.01,
        key="theory_std",
        persist_state="session",
    )
    noise = closed_form.reference_noise(beta_v=beta_v, c_ref_std=std)
    st.markdown(
        f"β_v · {std:.2f} nats = **{noise.std:.3f}** of score noise on every solution. If the noise is normal, a score "
        f"that should be 0 or 1 lands on the wrong side of 0.5 with probability "
        f"{small(noise.misjudged) if noise.misjudged > 1e-12 else 'below 10⁻¹²'}. "
        "The paper measured 0.04 nats (Qwen2.5) and 1.18 nats (OctoThinker), each over 300 pairs."
    )
with chart:
    parts.figure(
        noise_figure(noise),
        key="theory_noise",
        alt="The distribution of scores that should be 0 and 1 when the reference is not constant",
        see="Perfect scores of 0 and of 1, blurred only by using the constant c_ref in place of log π_ref(z_c).",
    )

st.subheader("The score, derived in five steps", anchor=False)
STEPS = (
    (
        "A reward for the right verdict",
        r"\hat r(x, y, z) = \begin{cases} 1 & z = z_c,\ r_v = 1 \\ 1 & z = z_i,\ r_v = 0 \\ "
        r"0 & \text{otherwise} \end{cases}",
        "After problem *x* and solution *y* the model emits one verdict token *z*, and is rewarded if it is right.",
    ),
    (
        "Maximise it close to the reference",
        r"\begin{aligned} \max_{\pi}\quad & \mathbb{E}_{z \sim \pi}\big[\hat r(x, y, z)\big] \\ - \beta_v\, "
        r"& \mathrm{KL}\big(\pi(\cdot \mid x, y)\,\|\,\pi_{\mathrm{ref}}(\cdot \mid x, y)\big) \end{aligned}",
        "One nat of divergence costs $\\beta_v$ of reward: the smaller $\\beta_v$, the further the policy moves.",
    ),
    (
        "The optimum has a closed form",
        r"\begin{aligned} \pi^*(z) &= \tfrac{1}{Z}\,\pi_{\mathrm{ref}}(z)\, e^{\hat r(z)/\beta_v} \\ "
        r"\hat r(z) &= \beta_v \log\frac{\pi^*(z)}{\pi_{\mathrm{ref}}(z)} + \beta_v \log Z \end{aligned}",
        "Solved for the reward: any policy is optimal for some reward, and this is it.",
    ),
    (
        "For an unused token, Z is 1",
        r"\begin{aligned} Z &= \sum_z \pi_{\mathrm{ref}}(z)\, e^{\hat r(z)/\beta_v} \\ "
        r"&= 1 + \pi_{\mathrm{ref}}(z_c)\,(e^{1/\beta_v} - 1) \end{aligned}",
        r"With $\pi_{\mathrm{ref}}(z_c) = e^{-23}$ and $\beta_v = 0.1$: $Z - 1 \approx 2 \times 10^{-6}$, so "
        r"$\log Z$ can be dropped.",
    ),
    (
        "And the reference is constant",
        r"r_s = \beta_v\left(\log \pi_\theta(z_c \mid x, y) - c_{\mathrm{ref}}\right)",
        r"$c_{\mathrm{ref}}$, measured once at the end of solutions, replaces "
        r"$\log \pi_{\mathrm{ref}}(z_c \mid x, y)$, so the reference model need not run. "
        r"A squared error trains $r_s$ towards the verifier's reward $r_v$.",
    ),
)
for i, (name, latex, meaning) in enumerate(STEPS, start=1):
    with st.container(border=True):
        st.markdown(f"**{i}. {name}**")
        st.latex(latex)
        st.caption(meaning)
st.caption("After arXiv 2510.14943. Training uses the same formulas: `laser_core/algorithm.py`.")
