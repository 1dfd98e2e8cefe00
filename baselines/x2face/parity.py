"""Faithfulness of the X2Face worker against the cells of the authors' notebook, run from the same checkout."""

import json
import os
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), "_runtime"))

from dgbench_worker.faithful import Kit, load_worker, main


class X2FaceKit(Kit):
    """The notebook loads, resizes and runs; only its plots and its torchvision.Scale (renamed Resize) are left out."""

    worker = load_worker(__file__).X2Face
    heads = (
        ("state_dict.pix2pixUnwrapped.netG.model.up.2", 0.3),
        ("state_dict.pix2pixSampler.netG.model.up.2", 0.3),
    )

    def official(self, worker, checkpoint, task):
        import torch
        import torchvision.transforms
        from PIL import Image

        torchvision.transforms.Scale = torchvision.transforms.Resize
        with open(
            os.path.join(worker.repo, "UnwrapMosaic", "Face2Face_UnwrapMosaic.ipynb"), encoding="utf-8"
        ) as handle:
            cells = ["".join(cell["source"]) for cell in json.load(handle)["cells"] if cell["cell_type"] == "code"]
        imports, run_batch, model, _, load_img, drive = cells[:6]
        work = os.path.dirname(checkpoint)
        paths = []
        for name in ("source", "reference"):
            paths.append(os.path.join(work, name + ".png"))
            Image.fromarray(getattr(task, name)).save(paths[-1])
        space = {"source_imgs": paths[:1], "driver_imgs": paths[1:]}
        plain = [line for line in imports.splitlines() if "%" not in line and "matplotlib" not in line]
        plots = drive.index("img = torchvision")
        steps = ["\n".join(plain), run_batch, model, load_img, drive[:plots]]
        real = torch.load
        torch.load = lambda path, **kwargs: real(checkpoint, map_location="cpu", weights_only=True)
        try:
            for step in steps:
                exec(compile(step, "notebook", "exec"), space)  # noqa: S102 - the authors' own cells
        finally:
            torch.load = real
        return space["result"][0].permute(1, 2, 0).cpu().numpy(), None


if __name__ == "__main__":
    sys.exit(main(X2FaceKit()))
