"""The measured map from a slider to an attribute: how `to={"thickness": 3.1}` finds its latent value."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from jaxtyping import Float

from latune.attributes.amounts import spoken

GRID = np.linspace(-4.0, 4.0, 33)  # AR-VAE's traversals run from -4 to 4


@dataclass(frozen=True)
class Calibration:
    """A monotone map between a latent coordinate and an attribute.

    Args:
        slider: latent values, ascending.
        value: the attribute's mean at each, monotone.
        source: `decoded` (measured on decoded images) or `labels` (regressed on encoded training examples).
        unit: of the attribute.

    >>> thick = Calibration(np.array([-1.0, 1.0]), np.array([2.0, 4.0]), "decoded")
    >>> thick.attribute(np.array([0.0])).item(), round(thick.latent(np.array([3.5])).item(), 6)
    (3.0, 0.5)
    """

    slider: Float[np.ndarray, " k"]
    value: Float[np.ndarray, " k"]
    source: str
    unit: str = ""

    @classmethod
    def fit(cls, z: np.ndarray, attribute: np.ndarray, source: str, unit: str = "") -> Calibration:
        """Isotonic regression of an attribute on a coordinate, rising or falling as the data say."""
        from scipy.stats import spearmanr
        from sklearn.isotonic import IsotonicRegression

        finite = np.isfinite(z) & np.isfinite(attribute)
        z, attribute = z[finite], attribute[finite]
        varied = np.ptp(z) > 0 and np.ptp(attribute) > 0
        rising = float(np.asarray(spearmanr(z, attribute))[0]) >= 0 if varied else True
        model = IsotonicRegression(increasing=rising, out_of_bounds="clip").fit(z, attribute)
        return cls(GRID.copy(), model.predict(GRID), source, unit)

    @property
    def range(self) -> tuple[float, float]:
        """Lowest and highest value of the attribute within reach."""
        return float(self.value.min()), float(self.value.max())

    @property
    def reach(self) -> str:
        """The range in words, with its unit.

        >>> Calibration(np.array([-1.0, 1.0]), np.array([-0.5, 0.5]), "decoded", "of 26 semitones").reach
        '-0.5 to 0.5 of 26 semitones (-13st to 13st)'
        """
        low, high = self.range
        return f"{low:.3g} to {high:.3g} {self.unit}{spoken(self.range, self.unit)}".rstrip()

    def attribute(self, z: np.ndarray) -> np.ndarray:
        """The attribute's expected value at latent values."""
        return np.interp(z, self.slider, self.value)

    def latent(self, attribute: np.ndarray) -> np.ndarray:
        """The latent value that gives an attribute's value; the nearest end where it is out of reach."""
        value, slider = (
            (self.value, self.slider) if self.value[-1] >= self.value[0] else (self.value[::-1], self.slider[::-1])
        )
        # Flat stretches have no inverse: a slope too small to see decides for their point nearest to the middle, 0.
        slope = 1e-9 * (np.ptp(value) or max(abs(value[0]), 1.0))
        return np.interp(attribute, value + np.linspace(-slope, slope, len(value)), slider)

    def as_dict(self) -> dict[str, Any]:
        """Plain data; `Calibration.from_dict` is the inverse."""
        return {"slider": self.slider.tolist(), "value": self.value.tolist(), "source": self.source, "unit": self.unit}

    @classmethod
    def from_dict(cls, data: dict[str, Any]) -> Calibration:
        """The map that `as_dict` described; a ValueError where it is none."""
        slider, value = (np.array(data[each], dtype=np.float64) for each in ("slider", "value"))
        if not slider.shape == value.shape == (slider.size,) or slider.size < 2 or not (np.diff(slider) > 0).all():
            raise ValueError("a calibration is two rows of as many numbers, those of the slider ascending")
        return cls(slider, value, data["source"], data.get("unit", ""))
