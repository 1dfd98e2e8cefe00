"""The authors' entry point."""

import os
from argparse import ArgumentParser

import yaml
from frames import Frames
from modules.generator import Generator
from train import train

if __name__ == "__main__":
    parser = ArgumentParser()
    parser.add_argument("--config", required=True)
    parser.add_argument("--log_dir", default="log")
    parser.add_argument("--checkpoint", default=None)
    opt = parser.parse_args()
    with open(opt.config) as handle:
        config = yaml.load(handle)
    folder = os.path.dirname(opt.checkpoint) if opt.checkpoint else opt.log_dir
    os.makedirs(folder, exist_ok=True)
    generator = Generator(**config["model_params"]["generator_params"])
    train(config, generator, opt.checkpoint, folder, Frames(**config["dataset_params"]))
