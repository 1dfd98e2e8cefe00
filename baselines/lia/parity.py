"""Faithfulness of the LIA worker against Demo.run of run_demo.py, in its absolute branch (model "ted")."""

import argparse
import os
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), "_runtime"))

from dgbench_worker.faithful import Kit, load_worker, main


class LatentImageAnimatorKit(Kit):
    """The official demo reads and writes video through functions that torchvision has dropped: stills stand in."""

    worker = load_worker(__file__).LatentImageAnimator

    def official(self, worker, checkpoint, task):
        import run_demo
        from PIL import Image

        work = os.path.dirname(checkpoint)
        os.makedirs(os.path.join(work, "checkpoints"), exist_ok=True)
        link = os.path.join(work, "checkpoints", "ted.pt")
        if not os.path.exists(link):
            os.symlink(checkpoint, link)
        paths = {}
        for name in ("source", "reference"):
            paths[name] = os.path.join(work, name + ".png")
            Image.fromarray(getattr(task, name)).save(paths[name])
        made = []
        run_demo.vid_preprocessing = lambda path: (run_demo.img_preprocessing(path, 256).unsqueeze(1), 25)
        run_demo.save_video = lambda clip, path, fps: made.append(clip)
        before = os.getcwd()
        os.chdir(work)
        try:
            run_demo.Demo(
                argparse.Namespace(
                    size=256,
                    channel_multiplier=1,
                    model="ted",
                    latent_dim_style=512,
                    latent_dim_motion=20,
                    source_path=paths["source"],
                    driving_path=paths["reference"],
                    save_folder=os.path.join(work, "res"),
                )
            ).run()
        finally:
            os.chdir(before)
        clip = made[0]
        # evaluation.py's own way of writing a clip; the demo's stretches contrast over the clip instead
        written = (clip.permute(0, 2, 3, 4, 1) * 127.5 + 128).clamp(0, 255).byte()
        return clip[0, :, 0].permute(1, 2, 0).cpu().numpy(), written[0, 0].cpu().numpy()


if __name__ == "__main__":
    sys.exit(main(LatentImageAnimatorKit()))
