"""Registers the framework's own parts by name, without importing them."""

from __future__ import annotations

from t2t_mm import registry

_MODALITIES = {
    "audio": "t2t_mm.modality.audio.declaration:Audio",
    "categorical": "t2t_mm.modality.categorical.declaration:Categorical",
    "image": "t2t_mm.modality.image.declaration:Image",
    "language": "t2t_mm.modality.language.declaration:Language",
}
_MODELS = {
    "multi_model": "t2t_mm.models.multi_model:MultiModel",
    "transformer": "t2t_mm.models.transformer:Transformer",
}
_METRICS = {
    "accuracy": "t2t_mm.evaluation.accuracy:Accuracy",
    "bleu": "t2t_mm.evaluation.bleu:Bleu",
    "bracket_f1": "t2t_mm.evaluation.bracket_f1:BracketF1",
    "caption_bleu": "t2t_mm.evaluation.caption_bleu:CaptionBleu",
    "cer": "t2t_mm.evaluation.cer:Cer",
    "cider": "t2t_mm.evaluation.cider:Cider",
    "exact_match": "t2t_mm.evaluation.exact_match:ExactMatch",
    "log_perplexity": "t2t_mm.evaluation.log_perplexity:LogPerplexity",
    "token_accuracy": "t2t_mm.evaluation.accuracy:TokenAccuracy",
    "top5_accuracy": "t2t_mm.evaluation.accuracy:Top5Accuracy",
    "vqa_accuracy": "t2t_mm.evaluation.vqa_accuracy:VqaAccuracy",
    "wer": "t2t_mm.evaluation.wer:Wer",
}
_SCHEDULES = {
    "adaptive": "t2t_mm.mixture.adaptive:Adaptive",
    "constant": "t2t_mm.mixture.schedules:Constant",
    "linear": "t2t_mm.mixture.schedules:Linear",
    "proportional": "t2t_mm.mixture.schedules:Proportional",
    "step": "t2t_mm.mixture.schedules:Step",
    "temperature": "t2t_mm.mixture.schedules:Temperature",
    "uniform": "t2t_mm.mixture.schedules:Uniform",
}
_DECAYS = {
    "constant": "t2t_mm.training.decays:constant",
    "cosine": "t2t_mm.training.decays:cosine",
    "linear": "t2t_mm.training.decays:linear",
    "rsqrt": "t2t_mm.training.decays:rsqrt",
}
_OPTIMIZERS = {"adam": "t2t_mm.training.optimizer:Adam"}


def register() -> None:
    """Registers every built-in under its name, as a reference imported on first use."""
    with registry.registering(registry.FRAMEWORK):
        for registered, references in (
            (registry.modalities, _MODALITIES),
            (registry.models, _MODELS),
            (registry.metrics, _METRICS),
            (registry.schedules, _SCHEDULES),
            (registry.optimizers, _OPTIMIZERS),
            (registry.decays, _DECAYS),
        ):
            for name, reference in references.items():
                if name not in registered:
                    registered.add(name, reference)
