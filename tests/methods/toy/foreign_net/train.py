"""The authors' loop, with six loader processes hard-wired."""

import torch
from logger import Logger
from modules.model import Full
from torch.optim.lr_scheduler import MultiStepLR
from torch.utils.data import DataLoader


def train(config, generator, checkpoint, log_dir, dataset):
    params = config["train_params"]
    optimizer = torch.optim.Adam(generator.parameters(), lr=params["lr"])
    start = Logger.load_cpk(checkpoint, generator, optimizer) if checkpoint else 0
    scheduler = MultiStepLR(optimizer, params["epoch_milestones"], gamma=0.1, last_epoch=start - 1)
    loader = DataLoader(dataset, batch_size=params["batch_size"], shuffle=True, num_workers=6, drop_last=True)
    full = Full(generator, params)
    with Logger(log_dir) as logger:
        for epoch in range(start, params["num_epochs"]):
            for x in loader:
                losses = full(x)
                sum(losses.values()).backward()
                optimizer.step()
                optimizer.zero_grad()
                logger.log_iter(losses={name: value.detach().numpy() for name, value in losses.items()})
            scheduler.step()
            print("learning rate", optimizer.param_groups[0]["lr"])
            logger.log_epoch(epoch, {"generator": generator, "optimizer": optimizer}, inp=x, out=None)
