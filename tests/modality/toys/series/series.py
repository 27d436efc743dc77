"""Time series as a modality: a folder for --usr_dir, with a problem in trend.toml."""

import dataclasses
import io
from typing import ClassVar

import numpy as np

from t2t_mm import Modality, errors, register_modality
from t2t_mm.modality import arrays, corruption, media


@register_modality("series")
@dataclasses.dataclass(frozen=True)
class Series(Modality):
    """Measurements in time, `[steps, channels]`: a .npy file or an array, in records float32."""

    features_class: ClassVar[str] = f"{__package__}._features:SeriesFeatures"
    net_class: ClassVar[str] = f"{__package__}._net:SeriesNet"
    view_class: ClassVar[str] = f"{__package__}._view:SeriesView"
    unit: ClassVar[str] = "steps"

    channels: int = 1

    def encode(self, value):
        file = media.read(value, "A series")
        try:
            steps = arrays.to_numpy(np.load(io.BytesIO(file[1])) if file else value)
        except (ValueError, EOFError) as error:
            raise errors.BadExampleError(
                f"A file is no series: {file[0]}", received=error, expected="a .npy file"
            ) from error
        if steps.ndim != 2 or steps.shape[1] != self.channels or not np.isfinite(steps).all():
            raise errors.BadExampleError(
                "An array is no series",
                received=f"{steps.dtype} {list(steps.shape)}",
                expected=f"finite numbers, [steps, {self.channels}]",
            )
        return steps.astype("<f4").tobytes()

    def corruptions(self):
        def noisy(data, strength, rng):
            steps = np.frombuffer(data, "<f4")
            return (steps + rng.normal(0, 0.1 * strength, len(steps))).astype("<f4").tobytes()

        return (corruption.Corruption("trembling", "noise", noisy),)

    def amount(self, features):
        return float(np.asarray(features)[:, :, -1].sum())

    def net_name(self, problem):
        return self.with_net(f"series_{self.channels}")

    def label(self):
        return f"series {self.channels}"
