"""Clients that were written for TensorFlow Serving work unchanged.

Requests are messages of tensorflow-serving-api, filled from the SavedModel's signature, and go
over REST as TensorFlow's conventions have it: a tensor's JSON, with bytes as `{"b64": ...}`.
"""

import base64

import numpy as np
import pytest
import tensorflow as tf
from google.protobuf import json_format

apis = pytest.importorskip("tensorflow_serving.apis")

from tensorflow_serving.apis import (  # noqa: E402
    classification_pb2,
    get_model_metadata_pb2,
    get_model_status_pb2,
    model_pb2,
    predict_pb2,
)

MODEL = "many"
VALUES = {  # for the inputs of the toys
    "inputs": [b"a dog", "où".encode()],
    "question": [b"How many?", b"Who?"],
    "image": [b"\xff\xd8\xff\x00", b"\x89PNG"],
    "seed": 7,
    "x": [[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]],
}


@pytest.fixture(scope="module")
def saved(toy_exports):
    return tf.saved_model.load(str(toy_exports / MODEL / "1"))


def predict_request(saved, signature):
    """Returns a request with a tensor for each input that the SavedModel declares."""
    request = predict_pb2.PredictRequest()
    request.model_spec.name, request.model_spec.signature_name = MODEL, signature
    _, specs = saved.signatures[signature].structured_input_signature
    for name, spec in specs.items():
        made = tf.make_tensor_proto(VALUES[name], dtype=spec.dtype)
        assert spec.shape.is_compatible_with(tf.TensorShape(made.tensor_shape))
        request.inputs[name].CopyFrom(made)
    return request


def as_rest(request):
    """Returns path and body of a PredictRequest in column form."""

    def column(tensor):
        if tensor.dtype == tf.string.as_datatype_enum:
            held = json_format.MessageToDict(tensor)["stringVal"]  # bytes as base64
            values = np.array([{"b64": one} for one in held], object)
        else:
            values = tf.make_ndarray(tensor)
        return values.reshape([axis.size for axis in tensor.tensor_shape.dim]).tolist()

    inputs = {name: column(tensor) for name, tensor in request.inputs.items()}
    body = {"signature_name": request.model_spec.signature_name, "inputs": inputs}
    return f"{request.model_spec.name}:predict", body


def as_message(request, outputs, saved):
    """Returns the PredictResponse for what a server wrote."""
    declared = saved.signatures[request.model_spec.signature_name].structured_outputs
    if len(declared) == 1:  # the bare tensor
        outputs = {next(iter(declared)): outputs}
    response = predict_pb2.PredictResponse(model_spec=request.model_spec)
    for name, spec in declared.items():
        values = outputs[name]
        if name.endswith("_bytes"):
            values = [base64.b64decode(one["b64"]) for one in values]
        if spec.dtype.is_floating:
            values = np.array(values, float)  # null, which stands for infinity, becomes NaN
        response.outputs[name].CopyFrom(tf.make_tensor_proto(values, dtype=spec.dtype))
    return response


@pytest.mark.parametrize("signature", ["echo", "pair", "sample", "best", "classes", "numbers"])
def test_a_message_gives_what_the_saved_model_gives(server, saved, signature):
    request = predict_request(saved, signature)
    status, answer = server.post(*as_rest(request))
    assert status == 200, answer
    response = as_message(request, answer["outputs"], saved)
    given = {name: tf.constant(tf.make_ndarray(value)) for name, value in request.inputs.items()}
    expected = saved.signatures[signature](**given)
    assert set(response.outputs) == set(expected)
    for name, value in expected.items():
        found, wanted = tf.make_ndarray(response.outputs[name]), value.numpy()
        if wanted.dtype == object:
            assert found.tolist() == wanted.tolist()
        else:
            wanted = np.where(np.isfinite(wanted), wanted, np.nan)
            np.testing.assert_allclose(found, wanted, rtol=1e-6, err_msg=name)


def test_an_example_message_is_classified(server):
    request = classification_pb2.ClassificationRequest()
    for text in (b"cat", b"dog"):
        example = request.input.example_list.examples.add()
        example.features.feature["inputs"].bytes_list.value.append(text)
    rows = [
        {
            name: {"b64": base64.b64encode(feature.bytes_list.value[0]).decode()}
            for name, feature in example.features.feature.items()
        }
        for example in request.input.example_list.examples
    ]
    body = {"signature_name": "classes", "examples": rows}
    status, answer = server.post(f"{MODEL}:classify", body)
    assert status == 200, answer
    result = classification_pb2.ClassificationResult()
    for row in answer["results"]:
        classes = result.classifications.add().classes
        for label, score in row:
            classes.add(label=label, score=score)
    best = [max(row.classes, key=lambda one: one.score).label for row in result.classifications]
    assert best == ["cat", "dog"]


def test_the_status_is_the_message_of_tensorflow_serving(server):
    status, answer = server.get(f"/v1/models/{MODEL}")
    assert status == 200
    (version,) = json_format.ParseDict(
        answer, get_model_status_pb2.GetModelStatusResponse()
    ).model_version_status
    assert version.version == 1
    assert version.state == get_model_status_pb2.ModelVersionStatus.AVAILABLE
    assert version.status.error_code == 0


def test_the_metadata_are_the_messages_of_tensorflow_serving(server, saved):
    status, answer = server.get(f"/v1/models/{MODEL}/metadata")
    assert status == 200
    spec = json_format.ParseDict(answer["model_spec"], model_pb2.ModelSpec())
    assert (spec.name, spec.version.value) == (MODEL, 1)
    told = json_format.ParseDict(
        answer["metadata"]["signature_def"], get_model_metadata_pb2.SignatureDefMap()
    ).signature_def
    assert set(told) == set(saved.signatures)
    for name, function in saved.signatures.items():
        _, inputs = function.structured_input_signature
        assert specs(told[name].inputs) == {
            key: (spec.dtype, spec.shape.as_list()) for key, spec in inputs.items()
        }
        assert specs(told[name].outputs) == {
            key: (spec.dtype, spec.shape.as_list())
            for key, spec in function.structured_outputs.items()
        }


def specs(tensors):
    """Returns dtype and shape of each TensorInfo, by name."""
    return {
        key: (tf.dtypes.as_dtype(info.dtype), tf.TensorShape(info.tensor_shape).as_list())
        for key, info in tensors.items()
    }
