"""Decorators that register a plugin's or notebook's parts, one for each registry.

    @t2t_mm.register_metric("mean_length")
    class MeanLength(t2t_mm.Metric):
        ...

Problems have `register_problem` (`t2t_mm.problem`), which checks their declaration too.
"""

from __future__ import annotations

import inspect
import sys
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, TypeVar

from t2t_mm import errors, registry

if TYPE_CHECKING:
    import keras

    from t2t_mm.evaluation import base as metric
    from t2t_mm.mixture import schedules
    from t2t_mm.modality import base as modality
    from t2t_mm.models import base as model
    from t2t_mm.training import decays, optimizer

    Model = TypeVar("Model", bound=type[model.Model])
    Modality = TypeVar("Modality", bound=type[modality.Modality])
    Metric = TypeVar("Metric", bound=type[metric.Metric])
    Decay = TypeVar("Decay", bound=decays.Decay)
    Schedule = TypeVar("Schedule", bound=type[schedules.Schedule])
    Net = TypeVar("Net", bound=Callable[..., keras.Model])
    Optimizer = TypeVar(
        "Optimizer", bound=type[optimizer.Optimizer] | type[keras.optimizers.Optimizer]
    )


def register_model(name: str) -> Callable[[Model], Model]:
    """Registers a subclass of `t2t_mm.Model` under `name`, for `TrainSettings.model`.

    Raises:
      PluginError: for an invalid or taken name, and for any other object.
    """
    return _register(registry.models, name, "t2t_mm.Model", ["t2t_mm.models.base:Model"])


def register_modality(name: str) -> Callable[[Modality], Modality]:
    """Registers a subclass of `t2t_mm.Modality` under `name`, as stored in data and runs.

    Raises:
      PluginError: for an invalid or taken name, and for any other object.
    """
    bases = ["t2t_mm.modality.base:Modality"]
    add = _register(registry.modalities, name, "t2t_mm.Modality", bases)

    def decorate(cls: Modality) -> Modality:
        add(cls).kind = name
        return cls

    return decorate


def register_metric(name: str) -> Callable[[Metric], Metric]:
    """Registers a subclass of `t2t_mm.Metric` under `name`, for `Problem.metrics`.

    Raises:
      PluginError: for an invalid or taken name, and for any other object.
    """
    add = _register(registry.metrics, name, "t2t_mm.Metric", ["t2t_mm.evaluation.base:Metric"])

    def decorate(cls: Metric) -> Metric:
        add(cls)
        cls.name = cls.name or name
        return cls

    return decorate


def register_net(name: str) -> Callable[[Net], Net]:
    """Registers a function under `name`, for `model` of a `KerasNet` and of `PretrainedNets`.

    Returns:
      a decorator of a function that returns a built `keras.Model`, from the `arguments` given
      there.

    Raises:
      PluginError: for an invalid or taken name, and for what cannot be called.
    """
    add = registry.nets.register(name)

    def decorate(function: Net) -> Net:
        if not callable(function):
            raise errors.PluginError(
                f"What is registered as the net {name!r} cannot be called",
                received=errors.shortened(repr(function), 120),
                expected="a function that returns a keras.Model",
            )
        return add(function)

    return decorate


def register_schedule(name: str) -> Callable[[Schedule], Schedule]:
    """Registers a mixture schedule, for `--schedule`: a subclass of `t2t_mm.Schedule`.

    `register_decay` registers what the learning rate follows.

    Raises:
      PluginError: for an invalid or taken name, for any other object, and for a class whose
        `__call__` does not take step, sizes and names.
    """
    bases = ["t2t_mm.mixture.schedules:Schedule"]
    add = _register(registry.schedules, name, "t2t_mm.Schedule", bases)

    def decorate(cls: Schedule) -> Schedule:
        # Checked first: what is refused is not registered.
        if isinstance(cls, type):
            _check_call(registry.schedules, name, cls.__call__, "self, step, sizes, names")
        return add(cls)

    return decorate


def register_decay(name: str) -> Callable[[Decay], Decay]:
    """Registers a decay of the learning rate under `name`, for `OptimizerSettings.decay`.

    Example:
        @t2t_mm.register_decay("halving")
        def halving(step, train_steps, settings):
            return 0.5 ** ((step - settings.warmup_steps) / 10_000)

    Args:
      name: of the decay.

    Returns:
      a decorator of a function of the step (from 0), the last step and the `OptimizerSettings`,
      called for steps after the warm-up. It returns the share of `learning_rate` that is left, 0
      or more, for these arguments always the same.

    Raises:
      PluginError: for an invalid or taken name, and for what cannot be called so.
    """
    add = registry.decays.register(name)

    def decorate(function: Decay) -> Decay:
        _check_call(registry.decays, name, function, "step, train_steps, settings")
        add(function)
        return function

    return decorate


def register_optimizer(name: str) -> Callable[[Optimizer], Optimizer]:
    """Registers an optimizer under `name`, for `OptimizerSettings.optimizer`.

    Example:
        t2t_mm.register_optimizer("lion")(keras.optimizers.Lion)

    Args:
      name: of the optimizer.

    Returns:
      a decorator of a subclass of `t2t_mm.Optimizer`, constructed with the variables and
      the `OptimizerSettings`; or of any class of `keras.optimizers`, constructed with its
      own defaults, with the learning rate and gradient clipping of the settings.

    Raises:
      PluginError: for an invalid or taken name, and for any other object.
    """
    bases = ["t2t_mm.training.optimizer:Optimizer", "keras.optimizers:Optimizer"]
    expected = "t2t_mm.Optimizer or keras.optimizers.Optimizer"
    return _register(registry.optimizers, name, expected, bases)


def _check_call(
    registered: registry.Registry[Any], name: str, function: Any, parameters: str
) -> None:
    """Raises for a function that cannot be called with these parameters, in this order."""
    if not callable(function):
        return  # the registry says so
    try:
        signature = inspect.signature(function)
        signature.bind(*parameters.split(", "))
    except ValueError:  # of C, without a signature
        return
    except TypeError as error:
        raise errors.PluginError(
            f"The {registered.noun} {name!r} cannot be called as it will be ({error})",
            received=f"a call of {signature}",
            expected=f"one of ({parameters})",
        ) from error


def _register(
    registered: registry.Registry[Any], name: str, expected: str, bases: list[str]
) -> Callable[[Any], Any]:
    """Returns a decorator that registers subclasses of one of `bases` ("module:attribute")."""
    add = registered.register(name)

    def decorate(cls: Any) -> Any:
        # A base of the class is imported already; importing the others would import TensorFlow.
        known = tuple(registry.load(b) for b in bases if b.partition(":")[0] in sys.modules)
        if not (isinstance(cls, type) and issubclass(cls, known)):
            type_name = getattr(type(cls), "__name__", "") if not isinstance(cls, type) else ""
            raise errors.PluginError(
                f"What is registered as the {registered.noun} {name!r} is no subclass of "
                f"{expected}",
                received=errors.shortened(repr(cls), 120),
                expected=f"a class that inherits from {expected}",
                hint=f"Register the class {type_name}, not an instance of it"
                if type_name and type_name != "function"
                else None,
            )
        return add(cls)

    return decorate
