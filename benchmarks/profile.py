"""Where a training step's time goes, by kind of work, from TensorFlow's profiler.

    python -m benchmarks.profile [--gin_file=transformer_small] [--precision=float32]

It trains on fixed batches (64 sources and targets of 32 tokens), takes a profile of a few steps
and adds up what every operation took: matmul, depthwise, softmax, normalisation and other
elementwise work, loss, embedding gradients, optimizer, casts, copies, input. Gradients of norms
have no name of a layer and are told with other work outside of layers. Several cores work at
once, so that the sum may exceed the time of a step; shares are of the sum.
"""

from __future__ import annotations

import argparse
import collections
import json
import pathlib
import re
import shutil
import tempfile
from collections.abc import Iterable
from typing import Any

from benchmarks import processes

KINDS = {
    "matmul": ("MatMul", "BatchMatMul", "BatchMatMulV2", "BatchMatMulV3", "FusedMatMul", "Einsum"),
    "depthwise": (
        "DepthwiseConv2dNative",
        "DepthwiseConv2dNativeBackpropInput",
        "DepthwiseConv2dNativeBackpropFilter",
    ),
    "convolution": (
        "Conv2D",
        "Conv2DBackpropInput",
        "Conv2DBackpropFilter",
        "MaxPool",
        "MaxPoolGrad",
    ),
    "softmax": ("Softmax", "LogSoftmax"),
    "loss": ("ScatterNdNonAliasingAdd",),
    "embedding gradients": (
        "UnsortedSegmentSum",
        "ScatterNd",
        "TensorScatterAdd",
        "TensorScatterUpdate",
        "ResourceScatterAdd",
        "SparseSegmentSum",
    ),
    "optimizer": ("ResourceApplyAdam", "L2Loss", "ResourceApplyGradientDescent"),
    "casts": ("Cast",),
    "random": (
        "StatelessRandomUniformFullIntV2",
        "StatelessRandomUniformV2",
        "StatelessRandomNormalV2",
        "Bitcast",
    ),
    "experts' order": ("TopKV2", "InvertPermutation", "ArgSort"),
    "gather": ("GatherV2", "ResourceGather", "GatherNd"),
    "copies": (
        "ConcatV2",
        "Split",
        "SplitV",
        "Pack",
        "Unpack",
        "Pad",
        "PadV2",
        "Slice",
        "StridedSlice",
        "StridedSliceGrad",
        "Transpose",
        "Tile",
        "Reshape",
        "Identity",
        "DynamicStitch",
        "AddN",
        "ZerosLike",
        "BroadcastTo",
    ),
    "input": ("IteratorGetNext",),
}
"""Types of TensorFlow's operations by the kind of work; all others are elementwise."""

UNNAMED = "gradients of norms, clipping, smoothing"
"""Work outside all layers: gradients that are written out, and what is done with gradients."""

_OF_TYPE = {op: kind for kind, ops in KINDS.items() for op in ops}
_EVENT = re.compile(r"(?P<name>[^: ]+):(?P<kind>_?[A-Z]\w*)")
_NEXT_BATCH = "EagerLocalExecute: IteratorGetNext"
_BACKEND = re.compile(r"^_(Mkl)?(Native)?")  # oneDNN's version of an operation is that operation
_CONTAINERS = {
    "PartitionedCall",
    "StatefulPartitionedCall",
    "While",
    "StatelessWhile",
    "If",
    "StatelessIf",
    "Case",
    "NoOp",
    "_Arg",
    "_Retval",
}
"""What only holds other operations: their time is counted with those."""


def main() -> None:
    """Prints the share of each kind, and the operations that take most."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--gin_file", default="transformer_small")
    parser.add_argument("--precision", default="float32")
    parser.add_argument("--rows", type=int, default=64)
    parser.add_argument("--length", type=int, default=32)
    parser.add_argument("--pictures", type=int, default=0, help="their size, in place of text")
    parser.add_argument("--seconds", type=float, default=3.0, help="of steps before the profile")
    parser.add_argument("--top", type=int, default=15, help="single operations that are shown")
    parser.add_argument("--json", action="store_true")
    args = parser.parse_args()
    folder = pathlib.Path(tempfile.mkdtemp(prefix="profile_"))
    try:
        found = processes.worker(
            "step",
            None,
            gin_file=args.gin_file,
            precision=args.precision,
            rows=args.rows,
            length=args.length,
            pictures=args.pictures,
            seconds=args.seconds,
            rounds=1,
            profile=folder,
        )
        events = read(folder)
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    shares = by_kind(events)
    total = sum(shares.values()) or 1
    answer = {
        "step_ms": 1e3 / found["steps_per_s"][0],
        "shares": {kind: taken / total for kind, taken in shares.most_common()},
        "operations": [
            {"operation": name, "share": taken / total} for name, taken in by_operation(events)
        ][: args.top],
    }
    if args.json:
        print(json.dumps(answer))
        return
    print(f"a step takes {answer['step_ms']:.1f} ms")
    for kind, share in answer["shares"].items():
        print(f"  {share:6.1%}  {kind}")
    print("single operations")
    for one in answer["operations"]:
        print(f"  {one['share']:6.1%}  {one['operation']}")


Event = tuple[str, str, int]
"""Name within the graph, type of operation, picoseconds."""


def read(folder: pathlib.Path) -> list[Event]:
    """Returns the operations that a profile has of the processor's threads."""
    from tensorflow.tsl.profiler.protobuf import xplane_pb2

    found: list[Event] = []
    for path in folder.rglob("*.xplane.pb"):
        space = xplane_pb2.XSpace()
        space.ParseFromString(path.read_bytes())
        for plane in space.planes:
            if plane.name.startswith("/host:CPU"):
                found += _events(plane)
    return found


def _events(plane: Any) -> Iterable[Event]:
    """Yields the events that are named "NAME:TYPE", as TensorFlow's executor writes them.

    Others ("EagerExecute: NAME", "ExecutorState::Process") hold these, or are not work.
    """
    names = {number: metadata.name for number, metadata in plane.event_metadata.items()}
    for line in plane.lines:
        for event in line.events:
            found = names.get(event.metadata_id, "")
            if found == _NEXT_BATCH:
                yield "input", "IteratorGetNext", event.duration_ps
            match = _EVENT.fullmatch(found)
            if match and match["kind"] not in _CONTAINERS:
                yield match["name"], _BACKEND.sub("", match["kind"]), event.duration_ps


def kind_of(name: str, operation: str) -> str:
    """Returns the kind of work that an operation is.

    Args:
      name: within the graph.
      operation: its type, such as `MatMul`.
    """
    if operation in _OF_TYPE:
        return _OF_TYPE[operation]
    scope, slash, _ = name.rpartition("/")
    if not slash:
        return UNNAMED
    return "normalisation" if "norm" in scope.rpartition("/")[2] else "elementwise"


def by_kind(events: Iterable[Event]) -> collections.Counter[str]:
    """Returns the time of each kind."""
    found: collections.Counter[str] = collections.Counter()
    for name, operation, taken in events:
        found[kind_of(name, operation)] += taken
    return found


def by_operation(events: Iterable[Event]) -> list[tuple[str, int]]:
    """Returns the time of each type of operation, the longest first."""
    found: collections.Counter[str] = collections.Counter()
    for _, operation, taken in events:
        found[operation] += taken
    return found.most_common()


if __name__ == "__main__":
    main()
