"""Counts of operations: by hand, and against the operations that TensorFlow really executes."""

import collections
import dataclasses

import pytest

from benchmarks import flops
from benchmarks import models as bench_models
from t2t_mm import plugins
from t2t_mm.settings import models

SHAPE = flops.Shape(B=2, S=3, T=5, V=40)


def test_a_product_is_two_operations_a_term():
    assert flops.linear(7, 3, 5) == 2 * 7 * 3 * 5


def test_attention_by_hand():
    # Ten target positions see five each; of six source positions three.
    own = flops.attention(SHAPE, 4, to_source=False)
    assert own == {"linear": 2 * 10 * 4 * (3 * 4 + 4), "attention": 2 * 2 * 10 * 5 * 4}
    source = flops.attention(SHAPE, 4, to_source=True)
    assert source == {
        "linear": 2 * (10 * 4 * 4 + 6 * 4 * 8 + 10 * 4 * 4),
        "attention": 2 * 2 * 10 * 3 * 4,
    }


def test_a_mixture_costs_the_chosen_experts_and_its_gate():
    few = flops.mixture(10, 4, 8, experts=6, selected=2)
    many = flops.mixture(10, 4, 8, experts=12, selected=2)
    assert few == {"experts": 2 * 10 * 2 * (4 * 8 + 8 * 4), "gate": 2 * 10 * 4 * 12}
    assert many["experts"] == few["experts"] and many["gate"] == 2 * few["gate"]


def test_a_conv_block_by_hand():
    taps = 3 + 3 + 15 + 15
    assert flops.conv_block(10, 4) == {"depthwise": 2 * 10 * taps * 4, "linear": 4 * 2 * 10 * 16}


def test_the_transformer_step_that_peers_are_measured_on():
    # 3 + 3 layers, D 256, F 1,024, V 8,192, 64 x (32 + 32): multiplications a position.
    encoder = 4 * 256**2 + 2 * 256 * 1024
    decoder = 8 * 256**2 + 2 * 256 * 1024
    looking = 2 * 32 * 256  # at 32 positions: logits and sums
    positions = 64 * 32
    forward = positions * (3 * (encoder + looking) + 3 * (decoder + 2 * looking) + 256 * 8192)
    count = flops.training_step(
        "transformer", models.TransformerConfig(), flops.Shape(64, 32, 32, 8192)
    )
    assert sum(count.values()) == 3 * 2 * forward
    assert sum(count.values()) == 95_227_478_016


def test_bytes_of_experts():
    assert flops.mixture_weight_bytes(256, 1024, experts=60) == 60 * 2 * 256 * 1024 * 4
    plain = flops.mixture_bytes(4, 8, experts=3, with_optimizer=False)
    update = flops.mixture_bytes(4, 8, experts=3, with_optimizer=True)
    assert plain == 3 * 3 * 2 * 4 * 8 * 4  # read, read, write
    assert update == plain / 3 * 10  # gradient, and three each read and written


def test_the_share_of_attention_grows_with_the_position():
    # D 4, F 8, one layer, V 10, S 3: own 4 D t; rest 12 D^2 + 4 D S + 4 D F + 2 D V.
    assert flops.attention_share(4, 8, 1, 5, 10, 3) == 80 / (80 + 192 + 48 + 128 + 80)
    assert flops.attention_share(4, 8, 1, 0, 10, 3) == 0


@pytest.mark.parametrize("name", ["transformer", "multi_model", "multi_model_t2t"])
def test_the_formulas_are_what_tensorflow_executes(name, registries):
    """One step, eagerly: forward as the formula says, and backward twice as much."""
    from tests.models import conftest

    plugins.load_all(bench_models.T2T)
    model_class = registries.models.get(name)
    if name in conftest.MODELS:
        sizes = conftest.MODELS[name][1]
    else:
        sizes = model_class.config_class(
            width=16, filter_width=24, heads=2, experts=6, expert_filter=20
        )
    sizes = dataclasses.replace(sizes, dropout=0.0, label_smoothing=0.0)
    model = model_class(sizes, conftest.TASKS[:1])
    rows, source, target = 3, 17, 16
    forward, backward = _executed(model, conftest.text_batch(rows, source, target))
    shape = flops.Shape(rows, source, target, conftest.PIECES)
    expected = flops.forward(name, sizes, shape)
    products = sum(n for kind, n in expected.items() if kind != "depthwise")
    assert forward["products"] == products
    assert backward["products"] == 2 * products
    # Taps that can only meet zeros are left out of the work, not of the formula.
    assert forward["depthwise"] <= expected["depthwise"]


def _executed(model, batch):
    """Returns the operations of products and depthwise convolutions, forward and backward."""
    import tensorflow as tf
    from tensorflow.python.framework import op_callbacks

    counts = [collections.Counter(), collections.Counter()]
    phase = 0

    def see(op_type, inputs, attrs, outputs, op_name=None, graph=None):
        op_type = tf.compat.as_str(op_type)
        attrs = attrs or ()
        named = {tf.compat.as_str(k): v for k, v in zip(attrs[::2], attrs[1::2], strict=True)}
        if op_type == "MatMul":
            a, out = inputs[0].shape, outputs[0].shape
            inner = a[0] if named["transpose_a"] else a[1]
            counts[phase]["products"] += 2 * inner * out[0] * out[1]
        elif op_type == "Einsum":  # nj,ij->ni
            counts[phase]["products"] += 2 * inputs[1].shape.num_elements() * inputs[0].shape[0]
        elif op_type.startswith("BatchMatMul"):
            inner = inputs[0].shape[-2 if named["adj_x"] else -1]
            counts[phase]["products"] += 2 * inner * outputs[0].shape.num_elements()
        elif op_type == "DepthwiseConv2dNative":
            taps = inputs[1].shape[0] * inputs[1].shape[1]
            counts[phase]["depthwise"] += 2 * taps * outputs[0].shape.num_elements()

    op_callbacks.add_op_callback(see)
    try:
        with tf.GradientTape() as tape:
            loss, _ = model.loss("ende", batch, training=True, seed=tf.constant([1, 2]))
        phase = 1
        tape.gradient(loss, [variable.value for variable in model.trainable_variables])
    finally:
        op_callbacks.remove_op_callback(see)
    return counts
