"""The numbers of the AR-VAE paper: ten seeds, the median, the lowest and the highest.

Read from the vector figures that the authors published with their code; Fig. 7 from its pixels.
Pati & Lerch 2020, https://arxiv.org/abs/2004.05485, https://github.com/ashispati/ar-vae.
"""

from __future__ import annotations

from latune.papers.experiment import Published as P

# Fig. 3. The paper has one MIG, the one that `mig-arvae` repeats; it cannot be compared with the standard `mig`.
METRICS: dict[str, dict[str, dict[str, P]]] = {
    "mnist": {
        "beta-vae": {
            "interpretability": P(0.407, 0.387, 0.411),
            "scc": P(0.628, 0.612, 0.631),
            "sap": P(0.282, 0.273, 0.297),
            "mig-arvae": P(0.0290),
            "modularity": P(0.849, 0.813, 0.874),
        },
        "ar-vae": {
            "interpretability": P(0.852, 0.839, 0.854),
            "scc": P(0.958, 0.946, 0.959),
            "sap": P(0.545, 0.529, 0.549),
            "mig-arvae": P(0.137, 0.124, 0.139),
            "modularity": P(0.842, 0.800, 0.874),
        },
    },
    "sprites": {
        "beta-vae": {
            "interpretability": P(0.448, 0.437, 0.451),
            "scc": P(0.616, 0.611, 0.620),
            "sap": P(0.400, 0.387, 0.405),
            "mig-arvae": P(0.328, 0.290, 0.338),
            "modularity": P(0.913, 0.849, 0.952),
        },
        "ar-vae": {
            "interpretability": P(0.848, 0.828, 0.854),
            "scc": P(0.888, 0.871, 0.893),
            "sap": P(0.848, 0.828, 0.853),
            "mig-arvae": P(0.687, 0.684, 0.693),
            "modularity": P(0.961, 0.916, 0.991),
        },
    },
    "bach": {
        "beta-vae": {
            "interpretability": P(0.078, 0.022, 0.243),
            "scc": P(0.346, 0.302, 0.465),
            "sap": P(0.073, 0.011, 0.161),
            "mig-arvae": P(0.031, 0.005, 0.050),
            "modularity": P(0.714, 0.680, 0.747),
        },
        "ar-vae": {
            "interpretability": P(0.960, 0.935, 0.970),
            "scc": P(0.976, 0.974, 0.977),
            "sap": P(0.319, 0.276, 0.342),
            "mig-arvae": P(0.165, 0.156, 0.168),
            "modularity": P(0.690, 0.654, 0.709),
        },
    },
    "folk": {
        "beta-vae": {
            "interpretability": P(0.217, 0.131, 0.290),
            "scc": P(0.440, 0.334, 0.557),
            "sap": P(0.099, 0.029, 0.193),
            "mig-arvae": P(0.024, 0.018, 0.074),
            "modularity": P(0.866, 0.850, 0.879),
        },
        "ar-vae": {
            "interpretability": P(0.962, 0.950, 0.968),
            "scc": P(0.987, 0.987, 0.988),
            "sap": P(0.524, 0.504, 0.537),
            "mig-arvae": P(0.481, 0.466, 0.488),
            "modularity": P(0.873, 0.858, 0.887),
        },
    },
}

# Fig. 5, per cent of pixels, or of tokens.
RECONSTRUCTION: dict[str, dict[str, dict[str, P]]] = {
    "mnist": {"beta-vae": {"accuracy": P(94.23)}, "ar-vae": {"accuracy": P(97.03)}},
    "sprites": {"beta-vae": {"accuracy": P(99.76)}, "ar-vae": {"accuracy": P(99.89)}},
    "bach": {"beta-vae": {"accuracy": P(99.09)}, "ar-vae": {"accuracy": P(96.17)}},
    "folk": {"beta-vae": {"accuracy": P(99.79)}, "ar-vae": {"accuracy": P(99.54)}},
}

# Fig. 7, per cent of digits that a classifier still takes for what they were.
CONTENT: dict[str, dict[str, P]] = {
    "beta-vae": {
        "original": P(96.15),
        "reconstructed": P(83.1, 75.7, 84.3),
        "interpolated": P(50.0, 43.0, 50.7),
    },
    "ar-vae": {
        "original": P(96.15),
        "reconstructed": P(92.8, 91.3, 93.3),
        "interpolated": P(79.9, 78.0, 80.5),
    },
}

# Fig. 8, one training a cell: Interpretability and accuracy in per cent, by gamma and delta. Cells that could not be
# read off exactly are left out.
GAMMAS = (0.01, 0.1, 1.0, 2.0, 5.0, 10.0, 100.0)
DELTAS = (0.01, 0.1, 1.0, 10.0, 100.0)
# fmt: off
_SWEEP: dict[float, tuple[tuple[float | None, float | None], ...]] = {
    0.01:  ((.392, 97.10), (None, None), (None, None), (None, None), (.438, 97.14)),
    0.1:   ((.457, None), (None, None), (None, None), (None, None), (.484, None)),
    1.0:   ((.494, None), (.497, None), (.512, None), (.509, None), (.556, None)),
    2.0:   ((.611, 97.04), (.595, 97.02), (.710, 96.97), (.740, 96.91), (.729, 96.75)),
    5.0:   ((.642, 97.12), (.647, 97.11), (.794, 97.09), (.824, 97.08), (.812, 97.07)),
    10.0:  ((.471, 97.20), (.613, 97.19), (.839, 96.75), (.873, 97.14), (.881, 97.16)),
    100.0: ((.710, 97.18), (.854, 97.06), (.888, 96.91), (.909, 96.87), (.911, 96.82)),
}
# fmt: on
SWEEP: dict[tuple[float, float], dict[str, P]] = {
    (gamma, delta): {
        name: P(value) for name, value in zip(("interpretability", "accuracy"), cell, strict=True) if value is not None
    }
    for gamma, cells in _SWEEP.items()
    for delta, cell in zip(DELTAS, cells, strict=True)
}
