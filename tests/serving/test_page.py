"""docs/serving.md as a reader would follow it: its requests, its clients, its files."""

import concurrent.futures
import os
import subprocess
import sys

import pytest
import yaml
from google.protobuf import text_format

from tests import conftest, test_tutorials
from tests.serving import toys

BLOCKS = test_tutorials.blocks(conftest.REPOSITORY / "docs" / "serving.md")


def of(language):
    return [block for block in BLOCKS if block.language == language]


def test_each_file_for_kserve_is_an_inference_service():
    found = [yaml.safe_load(block.text) for block in of("yaml")]
    for one in found:
        assert one["apiVersion"] == "serving.kserve.io/v1beta1"
        assert one["kind"] == "InferenceService"
        assert set(one["spec"]) == {"predictor"}
    (by_runtime,) = [one for one in found if "model" in one["spec"]["predictor"]]
    model = by_runtime["spec"]["predictor"]["model"]
    assert model["modelFormat"] == {"name": "tensorflow"}
    assert model["storageUri"].startswith("pvc://")


def test_the_container_of_kserve_gets_flags_that_mm_serve_has():
    from t2t_mm.bin import serve

    (container,) = [
        own
        for block in of("yaml")
        for own in yaml.safe_load(block.text)["spec"]["predictor"].get("containers", [])
    ]
    for argument in container["args"]:
        assert argument.partition("=")[0].removeprefix("--") in serve._COMMAND.flags
    for probe in ("livenessProbe", "readinessProbe"):
        assert container[probe]["httpGet"]["port"] == container["ports"][0]["containerPort"]


def test_the_configuration_of_several_models_is_tensorflow_servings():
    config = pytest.importorskip("tensorflow_serving.config.model_server_config_pb2")
    (block,) = of("protobuf")
    models = text_format.Parse(block.text, config.ModelServerConfig()).model_config_list.config
    assert [model.name for model in models] == ["wmt_ende", "multi_model"]
    assert list(models[1].model_version_policy.specific.versions) == [1]


@pytest.mark.slow
def test_every_request_and_client_of_the_page_gets_its_answer(tmp_path):
    exports = tmp_path / "exports"
    toys.export(exports / "wmt_ende")
    toys.export(exports / "vqa", signatures={"serving_default": "pair"})
    (tmp_path / "dog.jpg").write_bytes(b"\xff\xd8\xff")
    answered = {}
    with toys.Process(f"--export_dir={exports}") as server, GrpcServer(exports) as grpc_port:
        address = server.url.removeprefix("http://")
        for block in BLOCKS:
            text = block.text.replace("localhost:8501", address)
            text = text.replace("localhost:8500", f"localhost:{grpc_port}")
            if block.language == "python":
                (tmp_path / block.file).write_text(text)
                command = [sys.executable, block.file]
            elif block.language == "shell" and "curl" in text and "mm-serve" not in text:
                command = ["bash", "-euo", "pipefail", "-c", text]
            else:
                continue
            done = subprocess.run(
                command,
                cwd=tmp_path,
                capture_output=True,
                text=True,
                timeout=120,
                check=False,
                env={**os.environ, "TF_CPP_MIN_LOG_LEVEL": "3"},
            )
            assert done.returncode == 0, done.stderr
            assert '"error"' not in done.stdout, text
            answered[block.file or text.split("\n")[0]] = done.stdout
    assert answered["ask.py"].splitlines() == [
        "A dog runs.!",
        "The text is empty.",
        "How many dogs?!3",
    ]
    assert answered["ask_grpc.py"] == "A dog runs.!\n"
    assert any('"A dog.!"' in said for said in answered.values())
    assert any('"AVAILABLE"' in said and "signature_def" in said for said in answered.values())


class GrpcServer:
    """Answers as TensorFlow Serving does, from the newest SavedModel of each name."""

    def __init__(self, exports):
        self._exports = exports

    def __enter__(self):
        import grpc
        import tensorflow as tf
        from tensorflow_serving.apis import predict_pb2, prediction_service_pb2_grpc

        exports = self._exports

        class Servicer(prediction_service_pb2_grpc.PredictionServiceServicer):
            def Predict(self, request, context):
                saved = tf.saved_model.load(str(exports / request.model_spec.name / "1"))
                function = saved.signatures[request.model_spec.signature_name]
                inputs = {n: tf.constant(tf.make_ndarray(t)) for n, t in request.inputs.items()}
                response = predict_pb2.PredictResponse(model_spec=request.model_spec)
                for name, value in function(**inputs).items():
                    response.outputs[name].CopyFrom(tf.make_tensor_proto(value.numpy()))
                return response

        self._server = grpc.server(concurrent.futures.ThreadPoolExecutor(1))
        prediction_service_pb2_grpc.add_PredictionServiceServicer_to_server(
            Servicer(), self._server
        )
        port = self._server.add_insecure_port("localhost:0")
        self._server.start()
        return port

    def __exit__(self, *_):
        self._server.stop(None).wait()
