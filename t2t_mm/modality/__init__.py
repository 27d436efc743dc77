"""The modalities a problem can declare. Importing this package is cheap."""

from t2t_mm.modality.audio.declaration import Audio
from t2t_mm.modality.base import Modality, from_description
from t2t_mm.modality.categorical.declaration import Categorical
from t2t_mm.modality.image.declaration import Image
from t2t_mm.modality.language.declaration import Language

__all__ = ["Audio", "Categorical", "Image", "Language", "Modality", "from_description"]
