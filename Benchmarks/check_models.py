"""Shows that the peers' side computes what Scanline computes, in every formulation.

    python Benchmarks/check_models.py

Logits, all gradients and ten AdamW steps must agree, in double precision, with golden files of
Tests/Golden, which the Swift tests hold Scanline's own models to.
"""

import json
from pathlib import Path

import torch

from models import MODELS
from peer import head_of, number

GOLDEN = Path(__file__).parent.parent / "Tests" / "Golden"
FILES = {
    "pixelcnn": ["pixelcnn-paper-bernoulli", "pixelcnn-bernoulli", "pixelcnn-colour-mixture"],
    "made": ["made-1-bernoulli"],
    "nade": ["nade-bernoulli"],
    "gated-pixelcnn": ["gated-pixelcnn-mixture"],
    "pixelcnn++": ["pixelcnn++-bernoulli", "pixelcnn++-mixture"],
    "pixelsnail": ["pixelsnail-bernoulli", "pixelsnail-mixture"],
    "transformer": ["transformer-bernoulli", "transformer-heads-bernoulli", "transformer-mixture"],
    "rnn": ["rnn-bernoulli"],
    "pixelrnn": ["pixelrnn-bernoulli"],
    "local-pixelcnn": ["local-pixelcnn-mixture"],
}
TOLERANCE = 1e-12


def build(family, formulation, golden):
    specification = golden["specification"]
    image, head = specification["image"], specification["head"]
    settings = {name: number(text) for name, text in specification["settings"].items()}
    if family == "made":
        del settings["masks"]
        settings |= {"degrees": torch.tensor(golden["degrees"][0][0]), "groups": 4}
    if family == "nade":
        settings["chunk"] = 6  # which leaves a shorter last one
    shape = (image["height"], image["width"], image["channels"])
    model = MODELS[family](
        formulation, shape, head_of(head["kind"], shape, head["levels"], head.get("components")),
        **settings)
    return model.double()


def differences(family, formulation, golden):
    """(What, the largest difference) for everything that must agree."""
    model = build(family, formulation, golden)
    tensors = {
        kind: {
            p["name"]: torch.tensor(p[kind], dtype=torch.float64).view(p["shape"])
            for p in golden["parameters"]
        }
        for kind in ("value", "gradient")
    }
    biases = {p["name"].replace("/", ".") for p in golden["parameters"] if not p["decays"]}
    groups = [{"params": []}, {"params": [], "weight_decay": 0}]
    with torch.no_grad():
        for name, parameter in model.named_parameters():
            parameter.copy_(model.theirs(name, tensors["value"]))
            is_bias = name.endswith("bias") or name in biases
            groups[is_bias]["params"].append(parameter)
    optimiser = torch.optim.AdamW(groups, lr=1e-2, weight_decay=0.01)

    # Of each tensor what a mask holds at zero is zero.
    live = sum(v != 0 for p in golden["parameters"] for v in p["value"])
    yield "live parameters", abs(model.live_parameters() - live)

    x = torch.tensor(golden["symbols"], dtype=torch.float64).view(golden["count"], -1)
    x = x / (model.head.levels - 1)
    expected = torch.tensor(golden["logits"], dtype=torch.float64)
    with torch.no_grad():
        yield "logits", float((model(x).flatten() - expected).abs().max())
    for step, expected in enumerate(golden["losses"]):
        loss = model.head.nats(model(x), x).mean()
        optimiser.zero_grad(set_to_none=True)
        loss.backward()
        model.mask_gradients()
        if step == 0:
            for name, parameter in model.named_parameters():
                gradient = model.theirs(name, tensors["gradient"])
                yield f"gradient of {name}", float((parameter.grad - gradient).abs().max())
        yield f"loss of step {step}", abs(loss.item() - expected)
        optimiser.step()


def main():
    for family, file in ((family, file) for family, files in FILES.items() for file in files):
        golden = json.loads((GOLDEN / f"{file}.json").read_text())
        for formulation in MODELS[family].formulations:
            worst = 0
            for what, difference in differences(family, formulation, golden):
                if not difference <= TOLERANCE:
                    raise SystemExit(
                        f"check_models: {family}, {formulation}, {what}: expected what {file} "
                        f"says within {TOLERANCE}, found a difference of {difference:.3g}"
                    )
                worst = max(worst, difference)
            print(f"{family}, {formulation}: as {file} within {worst:.1g}")


if __name__ == "__main__":
    main()
