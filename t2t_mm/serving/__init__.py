"""The server of exports: TensorFlow Serving's REST API over SavedModels.

It runs where only tensorflow, tensorflow-text, starlette, uvicorn, prometheus-client and
absl-py are installed: nothing here imports the framework's modalities, models or settings.

`exports` finds versions in folders, `servable` loads one, `batching` joins the rows of several
requests, `models` switches versions, `rest` answers HTTP, `server` runs it all until a signal.
"""
