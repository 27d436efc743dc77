"""The page for people: a Gradio page over the models of a server, made from their declarations.

`declarations` says what there is, `media` turns what comes from a browser into what a model
takes, `panel` shows one problem, `pictures` draws attention and experts, and `page` puts these
together and answers HTTP beside the REST API. Nothing is sent to, or fetched from, elsewhere.
"""

from t2t_mm.serving.ui.page import mount

__all__ = ["mount"]
