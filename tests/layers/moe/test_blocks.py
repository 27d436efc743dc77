"""Experts in blocks of rows give what a product for each expert gives."""

import numpy as np
import pytest
import tensorflow as tf
from tensorflow.python.framework import kernels

from t2t_mm.layers.moe import blocks, dispatch
from t2t_mm.layers.moe import layer as moe

D, F = 3, 5


def test_layout_by_hand():
    # 35 rows of three experts: a share is 12, so blocks have the least size, 32. Three experts
    # with 35 rows fill at most (35 + 3 x 31) // 32 = 4 blocks; here they fill 1 + 0 + 2.
    placed = blocks.layout(tf.constant([2, 0, 33]), tf.constant(35))
    np.testing.assert_array_equal(placed.experts, [0, 2, 2, 2])
    np.testing.assert_array_equal(np.sum(placed.is_row, axis=1), [2, 32, 1, 0])
    np.testing.assert_array_equal(placed.places, [0, 1, *range(32, 65)])
    np.testing.assert_array_equal(placed.rows[1], range(2, 34))
    assert placed.rows[2, 0] == 34


@pytest.mark.parametrize("sizes", [[1000], [999, 1, 0, 0], [7, 0, 500, 300, 193], [250] * 4])
def test_every_row_has_one_place_and_memory_is_bounded(sizes):
    count, experts = sum(sizes), len(sizes)
    placed = blocks.layout(tf.constant(sizes), tf.constant(count))
    of_places = np.where(placed.is_row, placed.rows, -1).reshape(-1)
    np.testing.assert_array_equal(of_places[placed.places.numpy()], range(count))
    assert np.sum(placed.is_row) == count
    owners = np.repeat(placed.experts.numpy(), placed.rows.shape[1])[placed.places.numpy()]
    np.testing.assert_array_equal(owners, np.repeat(range(experts), sizes))
    # Gathered weights: at most two of each expert. Rows: R, and less than a share an expert.
    assert placed.rows.shape[0] <= max(1, 2 * experts - 1)
    assert np.prod(placed.rows.shape) < 2 * count + 8 * experts


CASES = {
    "one expert": (1, np.zeros([50, 1])),
    "one expert has all": (4, np.full([90, 1], 2)),
    "fewer rows than a block": (60, np.array([[59, 3], [3, 7]])),
    "most without rows": (240, np.arange(0, 240, 6).reshape(20, 2)),
    "several blocks": (5, np.minimum(np.arange(300) // 20, 4).reshape(150, 2)),
    "no rows": (3, np.zeros([0, 2])),
}


@pytest.mark.parametrize("case", CASES)
def test_values_and_gradients_are_those_of_single_products(case, random):
    experts_count, chosen = CASES[case]
    chosen = tf.constant(chosen, tf.int32)
    shapes = [chosen.shape[0], D], [experts_count, D, F], [experts_count, F, D]
    x, w_in, w_out = (tf.constant(random.normal(size=shape), tf.float32) for shape in shapes)
    gates = tf.constant(random.random(chosen.shape), tf.float32)

    def both_ways(in_blocks):
        with tf.GradientTape() as tape:
            tape.watch((x, w_in, w_out, gates))
            to = dispatch.plan(chosen, experts_count, in_blocks=in_blocks)
            rows = dispatch.run_experts(dispatch.scatter(x, to), to, w_in, w_out)
            y = dispatch.combine(rows, gates, to)
            loss = tf.reduce_sum(tf.sin(y))
        return [y, *tape.gradient(loss, (x, w_in, w_out, gates))]

    ours = both_ways(True)
    for one, expected, again in zip(ours, both_ways(False), both_ways(True), strict=True):
        np.testing.assert_allclose(one, expected, rtol=1e-4, atol=1e-5)
        np.testing.assert_array_equal(one, again)


@pytest.mark.parametrize("dtype", ["float32", "bfloat16"])
def test_a_layer_with_padding_is_the_same(dtype, random, shake, request):
    if dtype == "bfloat16":
        request.getfixturevalue("bfloat16")
    x = tf.constant(random.normal(size=(2, 9, D)), dtype)
    noise = tf.constant(random.normal(size=(18, 6)), tf.float32)
    mask = tf.sequence_mask([9, 4], 9)
    found = []
    first, second = (
        moe.MixtureOfExperts(D, experts=6, selected=2, filter_width=F, in_blocks=in_blocks)
        for in_blocks in (False, True)
    )
    shake(first)
    for layer in (first, second):
        for weight, to in zip(first.weights, layer.weights, strict=True):
            to.assign(weight)
        values = [weight.value for weight in layer.trainable_variables]
        with tf.GradientTape() as tape:
            y, stats = layer(x, mask=mask, training=True, noise=noise)
            loss = tf.reduce_sum(tf.cast(tf.sin(y), tf.float32))
            loss += stats.importance_loss + stats.load_loss
        found.append([y, *stats, *tape.gradient(loss, values)])
    close = {"rtol": 1e-4, "atol": 1e-5} if dtype == "float32" else {"rtol": 0.05, "atol": 0.1}
    for one, expected in zip(*found, strict=True):
        np.testing.assert_allclose(tf.cast(one, tf.float32), tf.cast(expected, tf.float32), **close)


def test_they_are_chosen_where_there_is_a_gpu(monkeypatch):
    assert not dispatch.plan(tf.constant([[0]]), 2).in_blocks
    monkeypatch.setattr(tf.config, "get_visible_devices", lambda kind: [f"{kind}:0"])
    assert dispatch.plan(tf.constant([[0]]), 2).in_blocks


def _graph(experts_count, dtype=tf.float32):
    """Returns the graph of experts in blocks with the gradients of rows, weights and gates."""
    shapes = [None, D], [experts_count, D, F], [experts_count, F, D], [None, 2]

    @tf.function(
        autograph=False,
        input_signature=[
            tf.TensorSpec([None, 2], tf.int32),
            *(tf.TensorSpec(shape, dtype) for shape in shapes),
        ],
    )
    def run(chosen, x, w_in, w_out, gates):
        to = dispatch.plan(chosen, experts_count, in_blocks=True)
        rows = dispatch.run_experts(dispatch.scatter(x, to), to, w_in, w_out)
        y = dispatch.combine(rows, gates, to)
        return y, tf.gradients(y, [x, w_in, w_out, gates])

    return run.get_concrete_function().graph


def test_the_number_of_operations_does_not_grow_with_experts():
    few, many = ([one.type for one in _graph(count).get_operations()] for count in (4, 64))
    assert few == many
    # Two products forward, four backward: of the inputs and weights of each.
    assert few.count("BatchMatMulV2") == 6


def _memory(operation):
    """Returns the names of arguments that TensorFlow's kernel for a GPU wants on the host."""
    registered = kernels.get_registered_kernels_for_op(operation.type).kernel
    for kind in ("GPU", "DEFAULT"):
        for kernel in registered:
            if kernel.device_type == kind and all(
                operation.get_attr(one.name).as_datatype_enum in one.allowed_values.list.type
                for one in kernel.constraint
            ):
                return set(kernel.host_memory_arg)
    return None


def _on_host(operation, arguments, tensors):
    """Returns which of an operation's inputs or outputs are in the memory of the host."""
    if "CPU" in operation.device:
        return [True] * len(tensors)
    on_host = _memory(operation)
    assert on_host is not None, f"no kernel for a GPU: {operation.type} {tensors}"
    found = []
    for argument in arguments:
        repeated = operation.get_attr(argument.number_attr) if argument.number_attr else 1
        found += [argument.name in on_host] * repeated
    return found


_ANYWHERE = ("Const", "Placeholder", "IdentityN", "NoOp")
"""Constants and arguments are copied beforehand; the others pass tensors on."""


@pytest.mark.skipif(
    not any(k.device_type == "GPU" for k in kernels.get_registered_kernels_for_op("MatMul").kernel),
    reason="this TensorFlow has no kernels for GPUs",
)
@pytest.mark.parametrize("dtype", [tf.float32, tf.bfloat16])
def test_by_tensorflows_kernels_nothing_waits_for_a_gpu(dtype):
    operations = _graph(4, dtype).get_operations()
    homes = {}
    for one in operations:
        outputs = [True] if one.type == "Const" else [False] * len(one.outputs)
        if one.type not in _ANYWHERE:
            outputs = _on_host(one, one.op_def.output_arg, one.outputs)
        homes |= {out.name: home for out, home in zip(one.outputs, outputs, strict=True)}
    waiting = [
        (one.type, tensor.name)
        for one in operations
        if one.type not in _ANYWHERE
        for tensor, home in zip(
            one.inputs, _on_host(one, one.op_def.input_arg, one.inputs), strict=True
        )
        if home and not homes[tensor.name]
    ]
    assert not waiting
    # Additions in no fixed order: of floats by atomic operations, to the same place.
    assert not [
        one.name
        for one in operations
        if one.type in ("UnsortedSegmentSum", "ScatterNd", "TensorScatterAdd")
        and one.get_attr("T").is_floating
    ]
