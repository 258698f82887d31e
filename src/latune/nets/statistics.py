"""The running statistics of batch normalisation: which batches they are gathered from."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from torch import nn


@contextmanager
def statistics_kept(net: nn.Module) -> Iterator[None]:
    """Leave the running statistics as they are, while batches are normalised by their own."""
    with _at_momentum(net, 0.0):
        yield


@contextmanager
def statistics_gathered(net: nn.Module) -> Iterator[None]:
    """Gather them anew, as plain means over what is shown to the net, which is in evaluation mode afterwards."""
    for layer in _normalisations(net):
        layer.reset_running_stats()
    net.train()
    with _at_momentum(net, None):  # the mean over all batches
        yield
    net.eval()


@contextmanager
def _at_momentum(net: nn.Module, momentum: float | None) -> Iterator[None]:
    layers = _normalisations(net)
    usual = [layer.momentum for layer in layers]
    for layer in layers:
        layer.momentum = momentum
    yield
    for layer, before in zip(layers, usual, strict=True):
        layer.momentum = before


def _normalisations(net: nn.Module) -> list[nn.BatchNorm1d | nn.BatchNorm2d]:
    return [layer for layer in net.modules() if isinstance(layer, nn.BatchNorm1d | nn.BatchNorm2d)]
