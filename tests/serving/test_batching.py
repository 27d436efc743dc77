"""Rows of several requests in one call: joined, parted, and never mixed up."""

import asyncio
import threading

import numpy as np
import pytest

from t2t_mm.serving import batching, measures, refusals, settings
from t2t_mm.serving import signature as signature_lib

TEXT, SEED = np.dtype(object), np.dtype(np.int64)


def field(name, shape, dtype=TEXT):
    return signature_lib.Field(name, dtype, "DT_STRING", shape, f"{name}:0")


def signature(*, has_seed=False, width=()):
    inputs = {"inputs": field("inputs", (None,))}
    if has_seed:
        inputs["seed"] = field("seed", (), SEED)
    outputs = {"outputs": field("outputs", (None, *width)), "errors": field("errors", (None,))}
    return signature_lib.Signature("s", inputs, outputs)


class Model:
    """Answers in capitals, and remembers the batches; a gate holds its calls back."""

    def __init__(self):
        self.batches, self.gate = [], threading.Event()
        self.gate.set()

    def __call__(self, inputs):
        texts = inputs["inputs"].tolist()
        self.batches.append(texts)
        assert self.gate.wait(10)
        if b"raise" in texts:
            raise RuntimeError("it fails\n\t [[{{node x}}]]")
        seed = b"%d" % inputs["seed"] if "seed" in inputs else b""
        errors = [b"bad" if text == b"bad" else b"" for text in texts]
        answers = [text.upper() + seed for text in texts]
        return {"outputs": np.array(answers, object), "errors": np.array(errors, object)}


def rows(*texts, seed=None):
    given = {"inputs": np.array([text.encode() for text in texts], object)}
    return given if seed is None else {**given, "seed": np.array(seed, np.int64)}


def run(test, *, model=None, made=None, **limits):
    """Runs `test(batcher, model)` with the turns of one thread."""
    model = model or Model()
    limits = {"max_batch_size": 4, "batch_wait_s": 0.02, "max_queue": 50, **limits}

    async def main():
        workers = batching.Workers(limits.get("threads", 1))
        batcher = batching.Batcher(
            model,
            made or signature(),
            limits=settings.Limits(**limits),
            workers=workers,
            meter=measures.Measures().meter("m", "s"),
        )
        try:
            return await test(batcher, model)
        finally:
            model.gate.set()
            workers.threads.shutdown()

    return asyncio.run(main())


def texts(answer):
    return [text.decode() for text in answer["outputs"]]


def test_requests_share_a_call_and_each_gets_its_own_rows():
    async def test(batcher, model):
        asked = [["a"], ["b", "c"], ["d"], ["e"]]
        answers = await asyncio.gather(*(batcher.answer(rows(*texts)) for texts in asked))
        assert [texts(answer) for answer in answers] == [["A"], ["B", "C"], ["D"], ["E"]]
        assert model.batches == [[b"a", b"b", b"c", b"d"], [b"e"]]  # 4 rows at most

    run(test)


def test_a_long_request_is_cut_and_joined_again():
    async def test(batcher, model):
        asked = [f"t{number}" for number in range(10)]
        answer = await batcher.answer(rows(*asked))
        assert texts(answer) == [text.upper() for text in asked]
        assert sorted(map(len, model.batches)) == [2, 4, 4]

    run(test)


def test_only_equal_seeds_share_a_call():
    async def test(batcher, model):
        asked = [rows("a", seed=1), rows("b", seed=2), rows("c", seed=1)]
        answers = await asyncio.gather(*map(batcher.answer, asked))
        assert [texts(answer) for answer in answers] == [["A1"], ["B2"], ["C1"]]
        assert sorted(model.batches) == [[b"a", b"c"], [b"b"]]

    run(test, made=signature(has_seed=True))


def test_answers_of_any_size_do_not_share_a_call():
    async def test(batcher, model):
        await asyncio.gather(batcher.answer(rows("a")), batcher.answer(rows("b")))
        assert model.batches == [[b"a"], [b"b"]]

    run(test, made=signature(width=(None,)))


def test_a_failing_row_costs_no_other_request_and_no_other_row_its_answer():
    async def test(batcher, model):
        asked = [rows("a"), rows("raise", "b"), rows("c")]
        answers = await asyncio.gather(*map(batcher.answer, asked))
        assert [texts(answer) for answer in answers] == [["A"], ["", "B"], ["C"]]
        said = "The model failed at row 0. Received: it fails."
        assert answers[1]["errors"].tolist() == [said.encode(), b""]
        with pytest.raises(refusals.RequestError, match="failed at this request") as caught:
            await batcher.answer(rows("raise"))
        assert caught.value.status == 500

    run(test)


def test_a_row_is_told_by_its_number_in_the_request():
    async def test(batcher, model):
        answer = await batcher.answer(rows("a", "b", "c", "d", "e", "raise"))
        assert b"failed at row 5" in answer["errors"][5]
        assert texts(answer) == ["A", "B", "C", "D", "E", ""]
        answer = await batcher.answer(rows("a", "b", "c", "d", "raise"))  # alone in its batch
        assert b"failed at row 4" in answer["errors"][4]

    run(test)


def test_a_full_queue_refuses_and_recovers():
    async def test(batcher, model):
        model.gate.clear()
        first = asyncio.create_task(batcher.answer(rows("a")))
        while not model.batches:
            await asyncio.sleep(0.001)
        waiting = [asyncio.create_task(batcher.answer(rows(text))) for text in "bc"]
        await asyncio.sleep(0)
        with pytest.raises(refusals.RequestError) as caught:
            await batcher.answer(rows("d"))
        assert (caught.value.status, caught.value.headers) == (429, {"Retry-After": "1"})
        model.gate.set()
        answers = await asyncio.gather(first, *waiting)
        assert [texts(answer) for answer in answers] == [["A"], ["B"], ["C"]]
        assert texts(await batcher.answer(rows("d"))) == ["D"]

    run(test, max_queue=2)


def test_what_has_not_begun_is_dropped_with_its_request():
    async def test(batcher, model):
        model.gate.clear()
        first = asyncio.create_task(batcher.answer(rows("a")))
        while not model.batches:
            await asyncio.sleep(0.001)
        gone = asyncio.create_task(batcher.answer(rows("b", "c")))
        kept = asyncio.create_task(batcher.answer(rows("d")))
        await asyncio.sleep(0)
        gone.cancel()
        await asyncio.wait([gone])
        model.gate.set()
        assert texts(await first) == ["A"]
        assert texts(await kept) == ["D"]
        assert model.batches == [[b"a"], [b"d"]]
        assert batcher._requests == 0

    run(test)


def test_random_requests_of_many_clients_are_answered_right():
    generator = np.random.default_rng(0)
    kinds = np.array(["x", "bad", "raise"])

    async def client(batcher, number):
        for turn in range(15):
            drawn = generator.choice(kinds, generator.integers(1, 7), p=[0.8, 0.1, 0.1])
            asked = [f"{number}.{turn}.{i}" if k == "x" else str(k) for i, k in enumerate(drawn)]
            wanted = ["" if text == "raise" else text.upper() for text in asked]
            try:
                answer = await batcher.answer(rows(*asked))
            except refusals.RequestError:
                assert set(asked) == {"raise"}
            else:
                assert texts(answer) == wanted
                assert [bool(e) for e in answer["errors"]] == [t in kinds[1:] for t in asked]

    async def test(batcher, model):
        await asyncio.gather(*(client(batcher, number) for number in range(12)))
        assert max(map(len, model.batches)) == 4

    run(test, threads=3, batch_wait_s=0.001)
