"""The devices of this process: so many of its GPUs, or a processor split into logical devices."""

from __future__ import annotations

from collections.abc import Callable

import tensorflow as tf

from t2t_mm import errors
from t2t_mm.process import cores

_FLAG = "--devices (TrainSettings.devices)"


def use(count: int, strategy: str, say: Callable[[str], object]) -> None:
    """Makes TensorFlow see so many devices.

    To be called before TensorFlow runs its first operation, which fixes the devices; later it
    can only be asked for what there is.

    Args:
      count: of GPUs; of logical devices, made of the processor, where there is no GPU.
      strategy: that is going to use them, by its name.
      say: told that a processor was split.

    Raises:
      ConfigError: there are not so many, or the strategy cannot use them.
    """
    gpus = tf.config.list_physical_devices("GPU")
    if count > 1 and strategy == "default":
        raise errors.ConfigError(
            f"The strategy default takes one device, and {_FLAG} says {count}",
            expected="--strategy=mirrored, or auto",
        )
    if count > 1 and strategy == "multi_worker" and not gpus:
        raise errors.ConfigError(
            f"{_FLAG} says {count}, and TensorFlow gives a worker without GPUs one device",
            hint="Leave it out, and start a worker more for each device",
        )
    if count > len(gpus) > 0:
        raise errors.ConfigError(
            f"{_FLAG} says {count}, and this machine has {_counted(len(gpus), 'GPU')}",
            expected=f"1 to {len(gpus)}, or 0 for all",
            hint="CUDA_VISIBLE_DEVICES= (empty) hides GPUs: then the processor is split",
        )
    kind = "GPU" if gpus else "CPU"
    try:
        if gpus:
            tf.config.set_visible_devices(gpus[:count], "GPU")
        else:
            split_cpu(count)
    except RuntimeError as error:
        there = len(tf.config.list_logical_devices(kind))
        if there != count:
            raise errors.ConfigError(
                f"{_FLAG} says {count}, and TensorFlow has started with "
                f"{_counted(there, kind)} in this process",
                hint="Begin in a new process",
            ) from error
    if not gpus and count > 1:
        say(
            f"The processor, of {_counted(cores.count(), 'core')}, is split into {count} logical "
            "devices, to try what several devices do; they share its cores."
        )


def split_cpu(count: int = 2) -> None:
    """Makes the processor look like several devices, to try `mirrored` without GPUs.

    Raises:
      RuntimeError: TensorFlow has been used already, which fixes the devices.
    """
    cpu = tf.config.list_physical_devices("CPU")[0]
    tf.config.set_logical_device_configuration(
        cpu, [tf.config.LogicalDeviceConfiguration() for _ in range(count)]
    )


def short(name: str) -> str:
    """Returns the end of a device's name, as in "GPU:1"."""
    return ":".join(name.rsplit(":", 2)[-2:])


def _counted(count: int, noun: str) -> str:
    return f"{count} {noun}{'' if count == 1 else 's'}"
