"""The distribution strategy: one device, several in this machine, or several machines."""

from __future__ import annotations

import contextlib
import functools
import os
from collections.abc import Callable, Iterator

import tensorflow as tf

from t2t_mm import errors
from t2t_mm.runs import division as division_lib
from t2t_mm.training import cluster as cluster_lib
from t2t_mm.training import devices as devices_lib
from t2t_mm.training import joining

_LOST = (
    tf.errors.AbortedError,
    tf.errors.CancelledError,
    tf.errors.DeadlineExceededError,
    tf.errors.FailedPreconditionError,
    tf.errors.InternalError,
    tf.errors.UnavailableError,
)
"""What TensorFlow raises where a worker waits for one that is gone."""

NAMES = ("auto", "default", "mirrored", "multi_worker")


def make(
    name: str = "auto", *, devices: int = 0, say: Callable[[str], object] = str
) -> tf.distribute.Strategy:
    """Returns a strategy by its name.

    To be called before anything else of TensorFlow: several workers have to find
    each other first.

    Args:
      name: "default", one device. "mirrored", all GPUs of this machine (or its
        logical CPUs, see `devices.split_cpu`). "multi_worker", the machines named in
        TF_CONFIG. "auto", what is there: multi_worker where TF_CONFIG names
        several workers, else mirrored with several devices, else default.
      devices: of this process, so many GPUs, or logical CPUs where there is no GPU; 0 for
        all that there are.
      say: told whom this worker waits for, and how the processor is split.

    Raises:
      ConfigError: for another name, a TF_CONFIG that cannot be used, a worker that does
        not come, or devices that there are not.
    """
    if name not in NAMES:
        raise errors.ConfigError(
            f"Unknown strategy {name!r}",
            expected=f"one of {', '.join(NAMES)}",
            hint=errors.did_you_mean(name, NAMES),
        )
    cluster = cluster_lib.read()
    workers = len(cluster.addresses) if cluster else 0
    several = devices or len(tf.config.list_physical_devices("GPU"))
    if name == "auto":
        name = "multi_worker" if workers > 1 else "mirrored" if several > 1 else "default"
    if devices:
        devices_lib.use(devices, name, say)
    if name == "multi_worker":
        if cluster is None:
            raise errors.ConfigError(
                "The strategy multi_worker needs TF_CONFIG in the environment",
                expected='{"cluster": {"worker": ["HOST:PORT", ...]}, '
                '"task": {"type": "worker", "index": 0}}',
            )
        cluster_lib.wait(cluster, say)
        say(f"{cluster.own} joins the others.")
        try:
            with joining.bounded(cluster_lib.bound()):
                return tf.distribute.MultiWorkerMirroredStrategy()
        except TimeoutError as error:
            raise cluster_lib.late(cluster) from error
        except _LOST as error:
            raise _lost(error) from error
    if name == "mirrored":
        return _mirrored(tuple(_devices()))
    return tf.distribute.get_strategy()


@contextlib.contextmanager
def explaining(strategy: tf.distribute.Strategy) -> Iterator[None]:
    """Says of a step that failed because another worker is gone that it is so.

    Raises:
      UserError: instead of what TensorFlow raises.
    """
    try:
        yield
    except _LOST as error:
        if worker_count(strategy) < 2:
            raise
        raise _lost(error) from error


def _lost(error: Exception) -> errors.UserError:
    cluster = cluster_lib.read()
    silent = cluster_lib.silent(cluster) if cluster else ""
    return errors.UserError(
        "Another worker has ended, stands still, or cannot be reached any more",
        received=f"{type(error).__name__} of TensorFlow"
        + (f", and no answer of {silent}" if silent else ""),
        hint="See what it said last; then give the same command on all workers again: they go on "
        "from the last checkpoint",
    )


def describe(strategy: tf.distribute.Strategy) -> str:
    """Returns in words what computes: "2 GPUs (NVIDIA H200), worker 0 of 2"."""
    kind = "GPU" if tf.config.list_physical_devices("GPU") else "CPU"
    count = max(1, strategy.num_replicas_in_sync // worker_count(strategy))
    if kind == "GPU":
        details = map(
            tf.config.experimental.get_device_details, tf.config.list_physical_devices("GPU")
        )
        names = ", ".join(dict.fromkeys(str(one.get("device_name", "unknown")) for one in details))
    else:
        cores = len(os.sched_getaffinity(0))
        names = f"{cores} core{'s' if cores > 1 else ''}"
    workers = worker_count(strategy)
    place = f", worker {worker_index(strategy)} of {workers}" if workers > 1 else ""
    if count > 1:  # one strategy takes them all, so they are told apart
        names = f"{', '.join(map(devices_lib.short, strategy.extended.worker_devices))}; {names}"
    return f"{count} {kind}{'s' if count > 1 else ''} ({names}){place}"


def is_chief(strategy: tf.distribute.Strategy) -> bool:
    """Returns whether this process publishes checkpoints and logs."""
    return worker_index(strategy) == 0


def worker_index(strategy: tf.distribute.Strategy) -> int:
    """Returns the place of this process among the workers, the chief first."""
    resolver = strategy.cluster_resolver
    if resolver is None or not resolver.task_type:
        return 0
    has_chief = "chief" in resolver.cluster_spec().as_dict()
    if resolver.task_type == "chief":
        return 0
    return int(resolver.task_id or 0) + int(has_chief)


def worker_count(strategy: tf.distribute.Strategy) -> int:
    """Returns the number of processes that train together."""
    resolver = strategy.cluster_resolver
    if resolver is None or not resolver.task_type:
        return 1
    spec = resolver.cluster_spec().as_dict()
    return max(1, len(spec.get("worker", ())) + len(spec.get("chief", ())))


def division(strategy: tf.distribute.Strategy) -> division_lib.Division:
    """Returns how many workers and replicas share the work."""
    return division_lib.Division(
        workers=worker_count(strategy), replicas=strategy.num_replicas_in_sync
    )


class Vote:
    """A decision of all workers: true if any of them requests it.

    Clocks and signals differ between machines; a worker that stopped by itself would leave
    the others waiting for its gradients. All must call it at the same points.

    Args:
      strategy: of the training.
    """

    def __init__(self, strategy: tf.distribute.Strategy) -> None:
        self._strategy = strategy
        self._sum = None
        if worker_count(strategy) > 1:
            self._sum = tf.function(self._total, autograph=False)

    def any(self, is_requested: bool) -> bool:
        """Returns whether any worker has a request, such as one to stop."""
        if self._sum is None:
            return is_requested
        return bool(self._sum(tf.constant(float(is_requested))) > 0)

    def _total(self, request: tf.Tensor) -> tf.Tensor:
        def on_replica(request: tf.Tensor) -> tf.Tensor:
            context = tf.distribute.get_replica_context()
            # A copy has the replica's device, without which nothing can be reduced.
            return context.all_reduce(tf.distribute.ReduceOp.SUM, tf.identity(request))

        return self._strategy.experimental_local_results(
            self._strategy.run(on_replica, args=(request,))
        )[0]


@functools.cache
def _mirrored(devices: tuple[str, ...]) -> tf.distribute.Strategy:
    """Returns one strategy for all trainings of this process.

    A second one would number its reductions from the start, and TensorFlow, which keeps
    the shapes that it has seen under these numbers, would end the training.
    """
    return tf.distribute.MirroredStrategy(list(devices))


def _devices() -> list[str]:
    for kind in ("GPU", "CPU"):
        devices = tf.config.list_logical_devices(kind)
        if devices:
            return [device.name for device in devices]
    return []
