"""Decoding: against other programs, by length, model by model, with and without a constraint."""

from __future__ import annotations

import functools
import pathlib
import statistics
from collections.abc import Sequence

from benchmarks import context, flops, models, peers, rows

_FEW, _MANY = 64, 192
_LENGTHS = (32, 64, 128, 256)
_BEAMS = (1, 4)


def measure(here: context.Context) -> None:
    """Measures all cases."""
    for beam in _BEAMS:
        here.case(f"t2t, {_search(beam)}", functools.partial(_against_t2t, here, beam))
    here.case("cost a token by position", lambda: _by_position(here))
    here.case("ctranslate2, 32 tokens each", lambda: _against_ct2(here))
    for beam in _BEAMS:
        here.case(
            f"multi_model against transformer, {_search(beam)}",
            functools.partial(_models, here, beam),
        )
    for beam in _BEAMS:
        here.case(f"constrained, {_search(beam)}", functools.partial(_with_constraint, here, beam))
    for name, folder in (
        ("transformer", here.options.transformer_run),
        ("multi_model", here.options.multi_model_run),
    ):
        for beam in _BEAMS:
            here.case(
                f"test 2016, {name}, {_search(beam)}",
                functools.partial(_trained, here, name, folder, beam),
            )


def _search(beam: int) -> str:
    return "greedy" if beam == 1 else f"beam {beam}"


def _against_t2t(here: context.Context, beam: int) -> Sequence[rows.Row]:
    """Start-up is told apart: of theirs the difference of 192 and 64 sentences counts."""
    theirs = []
    for _ in range(here.options.peer_rounds):
        seconds = [here.peers.t2t_decode(beam, count) for count in (_FEW, _MANY)]
        theirs.append((_MANY - _FEW) / (seconds[1] - seconds[0]))
    found = here.worker(
        "decode",
        gin_file=models.T2T_TINY,
        beam=beam,
        seconds=here.options.seconds,
        rounds=here.options.peer_rounds,
    )
    return [
        here.row(
            f"t2t, {_search(beam)}",
            "sentences/s",
            found["sentences_per_s"]["32"],
            other=theirs,
            versus=peers.T2T,
            goal=20.0,
            note="the shape of multimodel_tiny, sources and outputs of 32 tokens, batches of 64, "
            f"ours two at a time as in every use; ours start in {found['first_s']:.1f} s; "
            "not by turns: theirs first",
        )
    ]


def _by_position(here: context.Context) -> Sequence[rows.Row]:
    """What a token costs near the end of long outputs, over one near the beginning."""
    lengths = _LENGTHS[:2] if here.options.quick else _LENGTHS
    found = here.worker(
        "decode",
        gin_file="transformer_tiny" if here.options.quick else "transformer_small",
        sentences=64,
        lengths=",".join(map(str, lengths)),
        seconds=here.options.seconds / 2,
        rounds=here.options.rounds,
    )
    seconds = {n: [64 / r for r in found["sentences_per_s"][str(n)]] for n in lengths}
    first, last, before = lengths[0], lengths[-1], lengths[-2]
    early = [s / first / 64 * 1e6 for s in seconds[first]]
    late = [
        (b - a) / (last - before) / 64 * 1e6
        for a, b in zip(seconds[before], seconds[last], strict=True)
    ]
    middle = (last + before) // 2
    share = flops.attention_share(256, 1024, 3, middle, models.VOCABULARY, 32)
    return [
        here.row(
            f"cost a token at {before} to {last} over 0 to {first}",
            "microseconds",
            late,
            other=early,
            versus="the same model's first tokens",
            at_least=False,
            note=f"batch 64, greedy; at {middle} tokens attention to those before is "
            f"{share:.0%} of the operations",
        )
    ]


def _against_ct2(here: context.Context) -> Sequence[rows.Row]:
    """The 1,000 test sentences to 32 tokens each, whatever the weights: equal work."""
    raw = peers.multi30k_raw(here.options)
    folder = here.peers.joey_folder(here.options.output_dir / "joey", raw)
    model = here.peers.ct2_model(folder)
    texts = []
    for language in ("en", "de"):
        texts.append(folder / f"bench.{language}")
        lines = peers.test_sentences(raw, language)[: 20 if here.options.quick else None]
        texts[-1].write_text("\n".join(lines) + "\n", encoding="utf-8")
    arguments = [str(model), str(folder / "sp.model"), *map(str, texts)]
    found = here.peers.script_rows("torch", "ct2_bench.py", *arguments)
    made = []
    for beam in _BEAMS:
        theirs = max(
            one["sent_s"]
            for one in found
            if (one["beam"], one["fixed_len"], one["compute"]) == (beam, 32, "float32")
        )
        ours = here.worker(
            "decode",
            gin_file="transformer_small",
            beam=beam,
            length=16,  # as the test set's sentences are, on the average
            lengths="32",
            sentences=64 if here.options.quick else 1000,
            batch=100,
            seconds=here.options.seconds,
            rounds=here.options.peer_rounds,
        )
        made.append(
            here.row(
                f"ctranslate2, 32 tokens each, {_search(beam)}",
                "sentences/s",
                ours["sentences_per_s"]["32"],
                other=[theirs],
                versus=f"{peers.CT2}, float32, the best of its threads",
                goal=1 / 3,
                note="3 + 3 layers, width 256, filter 1,024; every output of 32 tokens",
            )
        )
    return made


def _models(here: context.Context, beam: int) -> Sequence[rows.Row]:
    size = "tiny" if here.options.quick else "small"
    found = {
        name: here.worker(
            "decode",
            gin_file=f"{name}_{size}",
            beam=beam,
            seconds=here.options.seconds,
            rounds=here.options.rounds,
        )["sentences_per_s"]["32"]
        for name in ("multi_model", "transformer")
    }
    return [
        here.row(
            f"multi_model against transformer, {_search(beam)}",
            "sentences/s",
            found["multi_model"],
            other=found["transformer"],
            versus="our transformer",
            goal=0.5,
            note="both small, batches of 64 sources of 32 tokens, two at a time; 32 tokens written",
        )
    ]


def _with_constraint(here: context.Context, beam: int) -> Sequence[rows.Row]:
    """What it costs to write trees alone, over any text of as many tokens.

    Both take as many steps, so sentences and steps have the same ratio.
    """
    found = here.worker(
        "constrained",
        gin_file="transformer_tiny" if here.options.quick else "transformer_small",
        beam=beam,
        sentences=32 if here.options.quick else 256,
        seconds=here.options.seconds,
        rounds=here.options.rounds,
    )
    made = []
    for name, key, unit, goal in (
        ("", "sentences_per_s", "sentences/s", 0.9),
        (", a step", "step_ms", "milliseconds", 1.1),
        (", a step's processor time", "step_processor_ms", "milliseconds", 1.1),
    ):
        made.append(
            here.row(
                f"constrained, {_search(beam)}{name}",
                unit,
                found[key]["constrained"],
                other=found[key]["free"],
                versus="the same search without the constraint",
                goal=goal,
                at_least=goal < 1,
                note="trees over 59 words: sources and outputs of 62 tokens, batches of 64",
            )
        )
    return made


def _trained(
    here: context.Context, name: str, folder: pathlib.Path | None, beam: int
) -> Sequence[rows.Row]:
    if folder is None:
        raise peers.MissingError(f"no --{name}_run given")
    found = here.worker(
        "answers",
        run=folder,
        beam=beam,
        examples=50 if here.options.quick else 1000,
        passes=here.options.rounds,
    )
    first = found["pass_s"][0] - statistics.median(found["pass_s"][1:])
    return [
        here.row(
            f"test 2016, {name}, {_search(beam)}",
            "sentences/s",
            found["sentences_per_s"],
            note=f"{found['sentences']} sentences from records to text; loading "
            f"{found['load_s']:.1f} s and tracing {first:.1f} s not counted",
        )
    ]


if __name__ == "__main__":
    context.main("decoding", measure, __doc__ or "")
