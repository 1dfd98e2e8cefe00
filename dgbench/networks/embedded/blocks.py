"""Building blocks of the embedded networks."""

from __future__ import annotations

from torch import Tensor, nn


def conv(inputs: int, outputs: int, *, stride: int = 1, kernel: int = 3, groups: int = 1) -> nn.Sequential:
    """Return convolution, batch norm and ReLU."""
    return nn.Sequential(
        nn.Conv2d(inputs, outputs, kernel, stride, kernel // 2, groups=groups, bias=False),
        nn.BatchNorm2d(outputs),
        nn.ReLU(),
    )


class Residual(nn.Module):
    """Two 3×3 convolutions beside an identity path (He et al. 2016)."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.body = nn.Sequential(
            conv(channels, channels), nn.Conv2d(channels, channels, 3, 1, 1, bias=False), nn.BatchNorm2d(channels)
        )
        self.activation = nn.ReLU()

    def forward(self, value: Tensor) -> Tensor:
        """Map (B, C, H, W) to the same shape."""
        result: Tensor = self.activation(value + self.body(value))
        return result


class InvertedResidual(nn.Module):
    """1×1 expansion, 3×3 depthwise, 1×1 linear projection beside an identity path (Sandler et al. 2018)."""

    def __init__(self, channels: int, expansion: int = 2) -> None:
        super().__init__()
        hidden = channels * expansion
        self.body = nn.Sequential(
            conv(channels, hidden, kernel=1),
            conv(hidden, hidden, groups=hidden),
            nn.Conv2d(hidden, channels, 1, bias=False),
            nn.BatchNorm2d(channels),
        )

    def forward(self, value: Tensor) -> Tensor:
        """Map (B, C, H, W) to the same shape."""
        result: Tensor = value + self.body(value)
        return result
