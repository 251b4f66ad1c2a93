"""What is compared: the workloads, and the PyTorch variants of each."""

from dataclasses import dataclass
from itertools import product

F32, BF16, BF16_WEIGHTS = "float32", "bfloat16", "bfloat16-weights"
# Scanline's: of PixelCNN, and of those whose pass is mostly weights.
INFERENCE_BATCH, WEIGHTY_BATCH = 64, 256


@dataclass(frozen=True)
class Peer:
    """One way to write and run a model in PyTorch: see worker.py."""

    formulation: str
    precision: str = F32
    compile: str = "off"
    layout: str = "nchw"
    settings: tuple = ()
    batch: int | None = None  # where not the workload's

    def __str__(self):
        parts = [self.formulation, *self.settings, self.precision]
        parts += ["channels-last"] if self.layout == "nhwc" else []
        parts += {"off": ["eager"], "default": ["compiled"]}.get(
            self.compile, [f"compiled ({self.compile})"]
        )
        parts += [f"batch {self.batch}"] if self.batch else []
        return ", ".join(parts)


@dataclass(frozen=True)
class Workload:
    name: str
    model: str
    settings: tuple
    work: str  # train, score or sample
    batch: int
    precisions: tuple  # Scanline's
    usual: Peer  # as peers write it
    peers: tuple
    head: str = "bernoulli"
    size: str = "28x28"
    channels: str = "gray"


def variants(formulations, precisions, compiles, **rest):
    return [Peer(f, p, c, **rest) for f, p, c in product(formulations, precisions, compiles)]


PIXELCNN = ("pixelcnn", ("blocks=15", "channels=64", "position=off"))
NADE = ("nade", ("hidden=500",))
MADE = ("made", ("hidden=8000",))
# The others with their defaults, wider where that is 32, and all without dropout.
GATED = ("gated-pixelcnn", ("layers=12", "channels=48"))
PLUS = ("pixelcnn++", ("levels=3", "units=2", "channels=48"))
SNAIL = ("pixelsnail", ("blocks=3", "units=3", "channels=48", "keys=16", "values=32"))
DROPPING = {"gated-pixelcnn", "pixelcnn++", "pixelsnail"}
TRANSFORMER = ("transformer", ("layers=6", "channels=64", "heads=4", "multiquery=on"))
LOCAL = ("local-pixelcnn", ("reach=8", "channels=48", "blocks=2"))
RNN = ("rnn", ("layers=1", "hidden=256"))
PIXELRNN = ("pixelrnn", ("layers=2", "channels=48"))
# A network of its own for the mixture: that of the default PixelCNN.
MIXTURE = ("pixelcnn", ("blocks=5", "channels=32", "position=on"))


def pixelcnn_peers(work):
    peers = []
    for layout in ("nchw", "nhwc"):
        peers += variants(["full", "cropped"], [F32, BF16], ["off", "default"], layout=layout)
        if work == "train":
            peers += variants(["cropped"], [BF16], ["max-autotune"], layout=layout)
        else:
            peers += variants(["cropped"], [F32, BF16, BF16_WEIGHTS], ["freeze"], layout=layout)
            peers += variants(["cropped"], [BF16_WEIGHTS], ["off", "default"], layout=layout)
    return peers


def convolutional_peers(work, formulations=("cropped",)):
    peers = variants(["full"], [F32, BF16], ["default"])
    for layout in ("nchw", "nhwc"):
        peers += variants(formulations, [F32, BF16], ["off", "default"], layout=layout)
        if work == "score":
            peers += variants(formulations, [BF16_WEIGHTS], ["freeze"], layout=layout)
    return peers


def transformer_peers(work):
    peers = variants(["full", "fused"], [F32, BF16], ["off", "default"])
    if work == "score":
        peers += variants(["fused"], [BF16_WEIGHTS], ["off", "default", "freeze"])
    return peers


def rnn_peers(work):
    """Without a compiler: it would unroll all 784 steps."""
    return variants(["cells", "fused"], [F32, BF16], ["off"])


def pixelrnn_peers(work):
    return variants(["full", "cropped"], [F32, BF16], ["off"]) + variants(
        ["cropped"], [F32, BF16], ["default"])


def nade_peers(batch=None):
    def chunked(formulation, chunk, precision, compile):
        return Peer(formulation, precision, compile, settings=(f"chunk={chunk}",), batch=batch)

    return [
        Peer("slices", batch=batch),
        Peer("steps", batch=batch),
        Peer("recomputed", batch=batch),
        chunked("steps", 14, F32, "default"),
        chunked("pointwise", 14, F32, "default"),
        chunked("pointwise", 28, F32, "default"),
        chunked("cumulative", 28, F32, "off"),
        chunked("cumulative", 28, F32, "default"),
        *(
            chunked("products", chunk, precision, compile)
            for chunk in (14, 28)
            for precision in (F32, BF16)
            for compile in ("off", "default")
        ),
    ]


def made_peers(work, batch=None):
    formulations = ["masked", "held", "blocks"]
    peers = variants(formulations, [F32, BF16], ["off", "default"], batch=batch)
    if work == "train":
        peers += variants(["held", "blocks"], [BF16], ["max-autotune"], batch=batch)
        peers += variants(["blocks"], [BF16], ["off"], settings=("groups=16",), batch=batch)
    else:
        peers += variants(["held", "blocks"], [F32, BF16_WEIGHTS], ["freeze"], batch=batch)
        peers += variants(["held", "blocks"], [BF16_WEIGHTS], ["off", "default"], batch=batch)
    return peers


def workload(name, family, work, batch, precisions, usual, peers, **images):
    model, settings = family
    peers = [peer for peer in dict.fromkeys(peers) if peer != usual]
    return Workload(name, model, settings, work, batch, precisions, usual, tuple(peers), **images)


def both(name, family, usual, peers, train=16, **images):
    """A family's training and its scoring."""
    return [
        workload(f"{name}-{work}", family, work, batch, BOTH, usual, peers(work), **images)
        for work, batch in (("train", train), ("score", INFERENCE_BATCH))
    ]


BOTH, SINGLE = (BF16, F32), (F32,)
LARGER = 512  # PyTorch may score and sample in larger batches than Scanline does

WORKLOADS = [
    workload(
        "pixelcnn-train", PIXELCNN, "train", 16, BOTH, Peer("full"), pixelcnn_peers("train")),
    workload(
        "pixelcnn-score", PIXELCNN, "score", INFERENCE_BATCH, BOTH, Peer("full"),
        pixelcnn_peers("score")),
    workload("nade-train", NADE, "train", 512, SINGLE, Peer("slices"), nade_peers()),
    workload(
        "nade-score", NADE, "score", WEIGHTY_BATCH, SINGLE, Peer("slices"),
        nade_peers() + nade_peers(LARGER)),
    workload("made-train-64", MADE, "train", 64, BOTH, Peer("masked"), made_peers("train")),
    workload("made-train-512", MADE, "train", 512, BOTH, Peer("masked"), made_peers("train")),
    workload(
        "made-score", MADE, "score", WEIGHTY_BATCH, BOTH, Peer("masked"),
        made_peers("score") + made_peers("score", LARGER)),
    workload(
        "pixelcnn-sample", PIXELCNN, "sample", INFERENCE_BATCH, SINGLE, Peer("full"),
        variants(["cropped"], [F32, BF16], ["default", "freeze"])),
    workload(
        "nade-sample", NADE, "sample", WEIGHTY_BATCH, SINGLE, Peer("slices"),
        [Peer("recomputed"), Peer("recomputed", batch=LARGER)]),
    workload(
        "made-sample", MADE, "sample", WEIGHTY_BATCH, SINGLE, Peer("masked"),
        variants(["blocks"], [F32, BF16_WEIGHTS], ["off"])
        + variants(["blocks"], [F32, BF16_WEIGHTS], ["off"], batch=LARGER)),
    *both("gated", GATED, Peer("full"), convolutional_peers),
    *both("plus", PLUS, Peer("full"), convolutional_peers),
    *both(
        "snail", SNAIL, Peer("full"),
        lambda work: convolutional_peers(work, ("cropped", "padded"))),
    *both("transformer", TRANSFORMER, Peer("fused"), transformer_peers),
    *both("local", LOCAL, Peer("full"), convolutional_peers),
    *both("rnn", RNN, Peer("fused"), rnn_peers, train=32),
    *both("pixelrnn", PIXELRNN, Peer("full"), pixelrnn_peers),
    *both(
        "mixture", MIXTURE, Peer("full"), convolutional_peers, head="logistic-mixture",
        size="32x32", channels="rgb"),
]

# Two threads against one, training: (workload, precision).
THREADS = [
    ("pixelcnn-train", BF16),
    ("pixelcnn-train", F32),
    ("nade-train", F32),
    ("made-train-512", BF16),
    ("made-train-512", F32),
]
