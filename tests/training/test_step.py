"""The step on one device and on two: the same batch gives the same weights."""

import numpy as np
import pytest
import tensorflow as tf

from t2t_mm.training import single_steps, step

_TWO_DEVICES = """
import sys
import keras
import numpy as np
import tensorflow as tf
from t2t_mm.training import optimizer, single_steps
from t2t_mm.settings import training as settings
from t2t_mm.training import devices, single_steps, step, strategy

if sys.argv[1] == "mirrored":
    devices.split_cpu(2)
made = strategy.make(sys.argv[1])
from tests.models import conftest

chosen = settings.OptimizerSettings(clip_norm=0.05)
keras.utils.set_random_seed(1)
with made.scope():
    model = conftest.make_model("transformer", dropout=0.0)
    adam = optimizer.Adam(model.trainable_variables, chosen)
norms = []
for number, (name, batch) in enumerate(
    [("ende", conftest.text_batch()), ("pictures", conftest.picture_batch())] * 2
):
    spec = tf.nest.map_structure(lambda x: tf.TensorSpec(x.shape, x.dtype), batch)
    function = step.make(model, adam, made, name, spec)
    if made.num_replicas_in_sync > 1:
        batch = made.experimental_distribute_values_from_function(lambda context: batch)
    row = tf.constant(model.command_row(name))
    metrics = function(batch, tf.constant([1, number]), tf.constant(0.01), row)
    norms.append(float(metrics["norm"]))
    tokens = float(metrics["tokens"])
assert tokens == 4 * made.num_replicas_in_sync, tokens
assert min(norms) > chosen.clip_norm, norms  # so the bound was in force
assert adam.updates.numpy().max() == 4 and adam.updates.numpy().min() in (0, 2)
values = {f"w{i}": v.numpy() for i, v in enumerate(model.trainable_variables)}
np.savez(sys.argv[2], norms=norms, **values)
"""


@pytest.mark.slow
def test_two_replicas_with_one_batch_are_one_device(python, tmp_path):
    import numpy as np

    from tests import conftest

    results = []
    for name in ("default", "mirrored"):
        file = tmp_path / f"{name}.npz"
        done = python("-c", _TWO_DEVICES, name, file, cwd=conftest.REPOSITORY, timeout=600)
        assert done.returncode == 0, done.stderr[-3000:]
        results.append(np.load(file, allow_pickle=False))
    one, two = results
    assert set(one.files) == set(two.files)
    np.testing.assert_allclose(one["norms"], two["norms"], rtol=1e-4)
    for name in one.files:
        np.testing.assert_allclose(one[name], two[name], atol=1e-4, err_msg=name)


def test_problems_that_compute_alike_share_a_trace_and_keep_their_commands():
    import keras
    import tensorflow as tf

    from t2t_mm.settings import training
    from t2t_mm.training import optimizer, strategy
    from tests.models import conftest

    made = strategy.make("default")
    keras.utils.set_random_seed(1)
    model = conftest.make_model("transformer")
    adam = optimizer.Adam(model.trainable_variables, training.OptimizerSettings(clip_norm=0.0))
    steps = single_steps.Steps(model, adam, made)
    batch = conftest.text_batch()
    spec = tf.nest.map_structure(lambda x: tf.TensorSpec(x.shape, x.dtype), batch)
    rows = {task.name: model.command_row(task.name) for task in conftest.TASKS}
    assert (model.traced_as("ende"), model.traced_as("fren")) == ("ende", "ende")
    assert (model.traced_as("stars"), model.traced_as("pictures")) == ("stars", "pictures")
    assert rows["ende"] != rows["fren"]
    for name in ("ende", "fren"):
        before = model.command_embedding.numpy()
        metrics = steps.take(name, spec, batch, seed=tf.constant([1, 2]), learning_rate=0.01)
        moved = (model.command_embedding.numpy() != before).any(axis=1)
        # The other command's row still moves a little where Adam remembers a gradient.
        assert moved[rows[name]]
        assert float(metrics["loss"]) > 0
        if name == "ende":
            assert moved.sum() == 1
    assert steps.traced == 1


def test_a_weight_of_a_loss_multiplies_its_gradient_and_nothing_else():
    import numpy as np
    import tensorflow as tf

    from t2t_mm.settings import training
    from t2t_mm.training import optimizer
    from tests.training import toy_model

    model = toy_model.ToyModel()
    adam = optimizer.Adam(model.trainable_variables, training.OptimizerSettings(clip_norm=0.0))
    one_device = tf.distribute.get_strategy()
    steps = single_steps.Steps(model, adam, one_device, loss_weights={"a": 3.0, "b": 1.0})
    for name in ("a", "b"):
        metrics = steps.take(
            name,
            toy_model.SPEC,
            toy_model.batch(3.0, 4.0),
            seed=tf.constant([0, 0]),
            learning_rate=0.0,
        )
        assert float(metrics["loss"]) == 3.0 * (1 + 2) + 4.0 * (1 + 2)
        # A norm of 5, sqrt(9 + 16), both of the shared and of the problem's own vector.
        weight = 3.0 if name == "a" else 1.0
        np.testing.assert_allclose(metrics["norm"], weight * np.sqrt(2) * 5.0, rtol=1e-6)
    shared, of_a, of_b = (mean.numpy() for mean in adam.means)
    np.testing.assert_allclose(of_a, [0.1 * 3.0 * 3.0, 0.1 * 3.0 * 4.0], rtol=1e-5)
    np.testing.assert_allclose(of_b, [0.1 * 3.0, 0.1 * 4.0], rtol=1e-5)
    np.testing.assert_allclose(shared, 0.9 * of_a + of_b, rtol=1e-5)


def test_steps_without_weights_are_traced_without_them():
    import tensorflow as tf

    from t2t_mm.settings import training
    from t2t_mm.training import optimizer, step
    from tests.training import toy_model

    model = toy_model.ToyModel()
    adam = optimizer.Adam(model.trainable_variables, training.OptimizerSettings())
    for weighted, inputs in ((False, 4), (True, 5)):
        function = step.make(
            model, adam, tf.distribute.get_strategy(), "a", toy_model.SPEC, is_weighted=weighted
        )
        signature = function.get_concrete_function().structured_input_signature[0]
        assert len(tf.nest.flatten(signature)) == inputs  # of the batch, one


def test_a_twin_gives_each_task_its_own_answer():
    import numpy as np
    import tensorflow as tf

    from tests.models import conftest

    model = conftest.make_model("multi_model")
    batch = conftest.text_batch()
    for name in ("ende", "fren"):
        own, _ = model.loss(name, batch, training=False)
        row = tf.constant(model.command_row(name))
        shared, _ = model.loss(model.traced_as(name), batch, training=False, command=row)
        np.testing.assert_allclose(own, shared, rtol=1e-6)
    german, english = (model.loss(n, batch, training=False)[0] for n in ("ende", "fren"))
    assert float(german) != float(english)


_UNEQUAL = """
import sys
import keras
import numpy as np
import tensorflow as tf
from t2t_mm.training import optimizer, single_steps
from t2t_mm.settings import training as settings
from t2t_mm.training import devices, single_steps, step, strategy

if sys.argv[1] == "mirrored":
    devices.split_cpu(2)
made = strategy.make(sys.argv[1])
from tests.models import conftest, test_audio

keras.utils.set_random_seed(1)
tasks = (*conftest.TASKS, test_audio.TONES)
with made.scope():
    # No noise and nothing that is reckoned over a whole batch.
    model = conftest.make_model("transformer", tasks, dropout=0.0, **test_audio.SIZES)
    adam = optimizer.Adam(model.trainable_variables, settings.OptimizerSettings(clip_norm=0.0))


def padded(batch, length):
    short = length - batch["targets"].shape[1]
    return {**batch, "targets": tf.pad(batch["targets"], [[0, 0], [0, short]])}


def cut(batch, first, last):
    return tf.nest.map_structure(lambda x: x[first:last], batch)


one, two = conftest.text_batch(5, target=6, seed=1), conftest.text_batch(1, target=2, seed=2)
text = tf.nest.map_structure(lambda *x: tf.concat(x, 0), one, padded(two, 6))
parts = {
    "ende": (text, [one, two]),  # 30 tokens and 2
    "pictures": (pictures := conftest.picture_batch(4), [cut(pictures, 0, 3), cut(pictures, 3, 4)]),
    "tones": (sounds := test_audio.sound_batch(4), [cut(sounds, 0, 3), cut(sounds, 3, 4)]),
}
found = {}
for name, (joint, apart) in parts.items():
    spec = tf.nest.map_structure(lambda x: tf.TensorSpec([None] * x.ndim, x.dtype), joint)
    if name != "ende":
        spec = tf.nest.map_structure(lambda x: tf.TensorSpec([None, *x.shape[1:]], x.dtype), joint)
    batch = joint
    if made.num_replicas_in_sync > 1:
        batch = made.experimental_distribute_values_from_function(
            lambda context: apart[context.replica_id_in_sync_group]
        )
    function = step.make(model, adam, made, name, spec)
    row = tf.constant(model.command_row(name))
    metrics = function(batch, tf.constant([1, 0]), tf.constant(0.0), row)
    found |= {f"{name}/{key}": value.numpy() for key, value in metrics.items()}
    # Of the first step the mean of gradients is (1 - beta_1) times the gradient.
    found |= {f"{name}/mean{i}": mean.numpy() for i, mean in enumerate(adam.means)}
np.savez(sys.argv[2], **found)
print("done")
"""


@pytest.mark.slow
def test_replicas_count_by_their_tokens_and_classes_by_examples(python, tmp_path):
    """30 tokens on one device and 2 on the other are one device with all 32.

    So it is with two devices of a process, and with two workers, who agree bit for bit.
    """
    import numpy as np

    from tests import conftest
    from tests.training import test_workers

    files = [tmp_path / f"{name}.npz" for name in ("default", "mirrored", "first", "second")]
    for name, file in zip(("default", "mirrored"), files[:2], strict=True):
        done = python("-c", _UNEQUAL, name, file, cwd=conftest.REPOSITORY, timeout=600)
        assert done.returncode == 0, done.stderr[-3000:]
    test_workers.run_workers(_UNEQUAL, [("multi_worker", file) for file in files[2:]])
    one, *others = (np.load(file, allow_pickle=False) for file in files)
    for two in others:
        assert set(one.files) == set(two.files)
        assert one["ende/tokens"] == two["ende/tokens"] == 5 * 6 + 1 * 2
        for name in ("pictures/tokens", "tones/tokens"):
            assert one[name] == two[name] == 3 + 1
        for name in one.files:
            np.testing.assert_allclose(one[name], two[name], rtol=1e-4, atol=1e-6, err_msg=name)
    _, first, second = others
    for name in one.files:
        np.testing.assert_array_equal(first[name], second[name], err_msg=name)


def test_no_two_replicas_share_the_seed_of_a_step():
    import tensorflow as tf

    from t2t_mm.training import step

    seeds = [step.replica_seed(tf.constant([5, 6]), replica) for replica in range(64)]
    assert len({tuple(seed.numpy().tolist()) for seed in seeds}) == 64


@pytest.mark.parametrize(
    ("name", "task"),
    [
        ("multi_model", "ende"),
        ("transformer", "pictures"),
        pytest.param("multi_model", "pictures", marks=pytest.mark.slow),  # the same body and net
        pytest.param("transformer", "ende", marks=pytest.mark.slow),
    ],
)
def test_no_sum_of_a_step_depends_on_the_schedule(name, task):
    import tensorflow as tf

    from t2t_mm.settings import training
    from t2t_mm.training import gradients, optimizer, step
    from tests.models import conftest

    model = conftest.make_model(name)
    adam = optimizer.Adam(model.trainable_variables, training.OptimizerSettings())
    batch = conftest.text_batch() if task == "ende" else conftest.picture_batch()
    spec = tf.nest.map_structure(lambda x: tf.TensorSpec([None, *x.shape[1:]], x.dtype), batch)
    said = []
    made = step.make(model, adam, tf.distribute.get_strategy(), task, spec, said.append)
    assert gradients.unordered(made.get_concrete_function().graph) == []
    assert said == []


def test_a_model_whose_sums_depend_on_the_schedule_is_warned_of():
    import tensorflow as tf

    from t2t_mm.settings import training
    from t2t_mm.training import optimizer, step
    from tests.models import conftest

    class Joined:
        trainable_variables = [conftest.make_model("transformer").command_embedding]

        def loss(self, *_, **__):
            x = tf.convert_to_tensor(self.trainable_variables[0])
            loss = tf.reduce_sum(tf.add_n([x, x * x, x**3], name="joined"))
            return loss, {"tokens": tf.constant(1.0)}

        def take_updates(self):
            return []

    adam = optimizer.Adam(Joined.trainable_variables, training.OptimizerSettings())
    said = []
    spec = {"targets": tf.TensorSpec([None], tf.int32)}
    made = step.make(Joined(), adam, tf.distribute.get_strategy(), "mine", spec, said.append)
    made.get_concrete_function()
    assert len(said) == 1
    assert "mine" in said[0] and "joined" in said[0]


def test_a_step_over_replicas_has_open_shapes_whatever_its_first_batch_is():
    """Traced for the batch's own shape, sums would be rounded as no later step rounds them."""
    spec = {"inputs": tf.TensorSpec([None, None], tf.int32), "mask": tf.TensorSpec([None, 3])}
    seen = []

    @tf.function
    def traced(batch):
        opened = step.with_open_shapes(batch, spec)
        seen.append({name: value.shape.as_list() for name, value in opened.items()})
        return opened

    batch = {"inputs": tf.range(8)[None], "mask": tf.ones([2, 3])}
    found = traced(batch)
    assert seen == [{"inputs": [None, None], "mask": [None, 3]}]
    assert all(np.array_equal(found[name], batch[name]) for name in batch)
