"""Checkpoints and losses."""

import os

import torch


class Logger:
    def __init__(self, log_dir):
        self.folder, self.losses = log_dir, []

    def __enter__(self):
        return self

    def __exit__(self, *_):
        if "models" in self.__dict__:
            self.save_cpk()

    def save_cpk(self):
        state = {name: model.state_dict() for name, model in self.models.items()}
        state["epoch"] = self.epoch
        torch.save(state, os.path.join(self.folder, f"{self.epoch:08d}-checkpoint.pth.tar"))

    @staticmethod
    def load_cpk(path, generator, optimizer):
        state = torch.load(path)
        generator.load_state_dict(state["generator"])
        optimizer.load_state_dict(state["optimizer"])
        return state["epoch"]

    def log_iter(self, losses):
        self.losses.append(losses)

    def log_epoch(self, epoch, models, inp, out):
        self.epoch, self.models = epoch, models
        print("epoch", epoch)
