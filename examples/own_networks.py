"""Your own encoder and decoder: named in the run, never pickled."""

from pathlib import Path

from sklearn.datasets import load_digits
from torch import nn

import latune


class Encoder(nn.Sequential):
    """(n, 1, 8, 8) to (n, 2 x latent): the means, then the raw scales."""

    def __init__(self, width=128, latent=16):
        super().__init__(nn.Conv2d(1, 32, 3, 2, 1), nn.SiLU(), nn.Flatten(), nn.Linear(512, width), nn.SiLU(),
                         nn.Linear(width, 2 * latent))  # fmt: skip


class Decoder(nn.Sequential):
    """(n, latent) to (n, 1, 8, 8) logits."""

    def __init__(self, width=128, latent=16):
        super().__init__(nn.Linear(latent, width), nn.SiLU(), nn.Linear(width, 512), nn.SiLU(),
                         nn.Unflatten(1, (32, 4, 4)), nn.ConvTranspose2d(32, 1, 4, 2, 1))  # fmt: skip


if __name__ == "__main__":
    digits = load_digits()
    images, ink, out = digits.images / 16, digits.images.mean((1, 2)), Path("out/own_networks")
    own = {
        "encoder": Encoder,
        "decoder": Decoder,
        "nets_settings": {"encoder": {"width": 96}, "decoder": {"width": 96}},
    }
    space = latune.fit(images, {"ink": ink}, out, **own, training__epochs=30)

    # A module's classes are found by name; those of a script like this one are passed once more.
    again = latune.load(out, nets=(Encoder(96), Decoder(96)))
    apart = (space.decode(space.encode(images)) - again.decode(again.encode(images))).abs().max()
    print(again, "largest difference:", apart.item())
