"""The manifests of examples/kubernetes fit the API, and give flags that the commands have."""

import json
import shlex
import types

import pytest
import yaml

from t2t_mm.bin import datagen, trainer
from tests import conftest

EXAMPLES = conftest.REPOSITORY / "examples" / "kubernetes"


def read(name):
    return yaml.safe_load((EXAMPLES / name).read_text())


def as_the_api_reads_it(client, manifest, kind):
    """Returns a manifest as an API's own models hold it: what they do not know is lost."""
    given = types.SimpleNamespace(data=json.dumps(manifest))
    return client.sanitize_for_serialization(client.deserialize(given, kind))


def test_the_training_is_a_tfjob():
    training = pytest.importorskip("kubeflow.training")
    manifest = read("train.yaml")
    client = training.ApiClient()
    assert as_the_api_reads_it(client, manifest, "KubeflowOrgV1TFJob") == manifest
    (container,) = manifest["spec"]["tfReplicaSpecs"]["Worker"]["template"]["spec"]["containers"]
    assert container["name"] == "tensorflow"
    command, *arguments = container["args"]
    assert command == "mm-trainer"
    trainer._COMMAND.parse(arguments)


def test_the_records_are_an_indexed_job():
    kubernetes = pytest.importorskip("kubernetes")
    manifest = read("datagen.yaml")
    client = kubernetes.client.ApiClient()
    assert as_the_api_reads_it(client, manifest, "V1Job") == manifest
    (container,) = manifest["spec"]["template"]["spec"]["containers"]
    names = container["env"][0]["value"].split()
    assert manifest["spec"]["completions"] == len(names)
    line = container["args"][0].split("exec ")[1].replace("\\\n", " ")
    command, *arguments = shlex.split(line.replace("${problems[$JOB_COMPLETION_INDEX]}", names[0]))
    assert command == "mm-datagen"
    datagen._COMMAND.parse(arguments)
    assert datagen._COMMAND.problem_names() == names[:1]
