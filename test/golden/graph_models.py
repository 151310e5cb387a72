"""Models as the converter of TensorFlow.js makes them of TensorFlow's, with what TensorFlow computes: graph_models.json.

    python -m venv .cache/tensorflow
    .cache/tensorflow/bin/pip install tensorflow-cpu==2.21.0
    .cache/tensorflow/bin/python test/golden/graph_models.py

The converter freezes variables, has control flow lowered to Switch and Merge unless told otherwise, optimises the graph, and takes the
constants out of it: so does this.
"""

import base64
import json
import pathlib

import numpy as np
import tensorflow as tf
from google.protobuf.json_format import MessageToDict
from tensorflow.core.protobuf import config_pb2, meta_graph_pb2
from tensorflow.python.framework.convert_to_constants import convert_variables_to_constants_v2
from tensorflow.python.grappler import tf_optimizer
from tensorflow.python.training.saver import export_meta_graph

PASSES = ["pruning", "constfold", "arithmetic", "dependency"] * 2


def optimized(frozen):
    graph_def = frozen.graph.as_graph_def()
    graph = tf.Graph()
    with graph.as_default():
        tf.import_graph_def(graph_def, name="")
    signature = meta_graph_pb2.SignatureDef()
    for tensors, entries in [(frozen.inputs, signature.inputs), (frozen.outputs, signature.outputs)]:
        for tensor in tensors:
            entries[tensor.name].name = tensor.name
            entries[tensor.name].dtype = tensor.dtype.as_datatype_enum
            entries[tensor.name].tensor_shape.CopyFrom(tensor.shape.as_proto())
    meta_graph = export_meta_graph(graph_def=graph_def, graph=graph)
    meta_graph.signature_def["serving_default"].CopyFrom(signature)
    config = config_pb2.ConfigProto()
    config.graph_options.rewrite_options.optimizers[:] = PASSES
    return tf_optimizer.OptimizeGraph(config, meta_graph)


def take_constants(nodes, specs, data):
    for node in nodes:
        if node.op != "Const":
            continue
        value = tf.make_ndarray(node.attr["value"].tensor)
        value = value.astype(np.int32) if value.dtype == np.int64 else value
        specs.append({"name": node.name, "shape": list(value.shape), "dtype": value.dtype.name})
        data += value.tobytes()
        del node.attr["value"]


def rename_constants(function):
    """tfjs tells constants apart by their names, in functions too."""
    names = {n.name: f"{function.signature.name}/{n.name}" for n in function.node_def if n.op == "Const"}

    def renamed(ref):
        name, *rest = ref.split(":")
        return ":".join([names.get(name, name), *rest])

    for node in function.node_def:
        node.name = renamed(node.name)
        node.input[:] = [renamed(ref) for ref in node.input]
    for output, ref in list(function.ret.items()):
        function.ret[output] = renamed(ref)


def slim(attributes):
    """Without what nobody reads, such as the shapes of outputs."""
    return {name: value for name, value in attributes.items() if not name.startswith("_") and name != "output_shapes"}


def convert(function, x, lower):
    concrete = tf.function(function).get_concrete_function(tf.TensorSpec(x.shape, tf.float32))
    frozen = convert_variables_to_constants_v2(concrete, lower_control_flow=lower)
    graph_def = optimized(frozen)
    specs, data = [], bytearray()
    take_constants(graph_def.node, specs, data)
    for inner in graph_def.library.function:
        rename_constants(inner)
        take_constants(inner.node_def, specs, data)
    topology = MessageToDict(graph_def)
    used = {ref.lstrip("^").split(":")[0] for node in topology["node"] for ref in node.get("input", [])}
    used |= {tensor.name.split(":")[0] for tensor in [*frozen.inputs, *frozen.outputs]}
    topology["node"] = [n for n in topology["node"] if n["name"] in used or n["op"] != "Placeholder"]
    for node in [*topology["node"], *(n for f in topology["library"].get("function", []) for n in f.get("nodeDef", []))]:
        node["attr"] = slim(node.get("attr", {}))
        node.pop("experimentalDebugInfo", None)
    for inner in topology["library"].get("function", []):
        inner.pop("attr", None)
        inner.pop("argAttr", None)
    with tf.GradientTape() as tape:
        value = tf.constant(x)
        tape.watch(value)
        outputs = tf.nest.flatten(function(value))
        loss = tf.reduce_sum(outputs[0] ** 2)
    return {
        "model": {
            "modelTopology": topology,
            "weightSpecs": specs,
            "weightData": base64.b64encode(data).decode(),
        },
        "input": frozen.inputs[0].name,
        "outputs": [tensor.name for tensor in frozen.outputs],
        "x": x.tolist(),
        "expected": [output.numpy().tolist() for output in outputs],
        "gradient": tape.gradient(loss, value).numpy().tolist(),
    }


tf.keras.utils.set_random_seed(1)
layers = tf.keras.layers
w = tf.Variable(np.array([0.4, -1.2, 0.7], "f"))


def recurrent(*parts):
    return tf.keras.Sequential([tf.keras.Input((4, 2)), *parts])


def branches(v):
    s = tf.reduce_sum(v)
    a, b = tf.cond(
        s > 0.0,
        lambda: (v * w, tf.constant([1.0, 2.0, 3.0])),
        lambda: (tf.zeros([3]), v - 1.0),
    )
    c = tf.cond(b[0] > 0.5, lambda: tf.cond(s > 3.0, lambda: b * 2.0, lambda: b + v), lambda: a)
    return a + b * c, c


def rounds(v):
    n = tf.constant(0)
    seen = tf.TensorArray(tf.float32, size=0, dynamic_size=True, element_shape=[3])
    while tf.reduce_sum(v * v) > 1.0:
        if tf.reduce_sum(v) > 0.0:
            v = v * w * 0.5
        else:
            v = tf.sin(v) * 0.9 + 0.1 * w
            if n > 2:
                v = v * 0.5
        seen = seen.write(n, v)
        n += 1
    return v, n, seen.stack()


def nested(v):
    total = tf.zeros([3])
    for i in tf.range(3):
        for j in tf.range(i + 1):
            total += v * w * tf.cast(j + 1, tf.float32)
        total = tf.tanh(total)
    return total


sequence = np.sin(np.arange(3 * 4 * 2) * 1.7 + 0.3).reshape(3, 4, 2).astype("f")
vector = np.array([3.0, -1.0, 2.0], "f")
models = {
    "an LSTM": (recurrent(layers.LSTM(2, return_sequences=True)), sequence),
    "a GRU": (recurrent(layers.GRU(2), layers.Dense(2)), sequence),
    "a masked, bidirectional RNN": (recurrent(layers.Masking(), layers.Bidirectional(layers.SimpleRNN(2))), sequence),
    "branches": (branches, vector),
    "rounds": (rounds, vector),
    "nested loops": (nested, vector * 0.1),
}
results = [
    {"name": name, "form": "dataflow" if lower else "functions", **convert(model, x, lower)}
    for name, (model, x) in models.items()
    for lower in [True, False]
    if lower or name != "a masked, bidirectional RNN"
]
path = pathlib.Path(__file__).with_name("graph_models.json")
path.write_text("[\n" + ",\n".join(json.dumps(result) for result in results) + "\n]\n")
