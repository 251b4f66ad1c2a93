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


def variants(formulations, precisions, compiles, **rest):
    return [Peer(f, p, c, **rest) for f, p, c in product(formulations, precisions, compiles)]


PIXELCNN = ("pixelcnn", ("blocks=15", "channels=64"))
NADE = ("nade", ("hidden=500",))
MADE = ("made", ("hidden=8000",))


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


def workload(name, family, work, batch, precisions, usual, peers):
    model, settings = family
    peers = [peer for peer in dict.fromkeys(peers) if peer != usual]
    return Workload(name, model, settings, work, batch, precisions, usual, tuple(peers))


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
]

# Two threads against one, training: (workload, precision).
THREADS = [
    ("pixelcnn-train", BF16),
    ("pixelcnn-train", F32),
    ("nade-train", F32),
    ("made-train-512", BF16),
    ("made-train-512", F32),
]
