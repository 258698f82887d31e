"""Everything that is measured of a Space, from one encoding pass over data it was not trained on.

`encoding.py` is the pass, `measure.py` decides what is computed from it, `result.py` is what comes out and `printed.py`
how a terminal shows it. `sliders.py` and `control.py` move sliders and edit; `samples.py` draws from the prior;
`walks.py` and `inpainting.py` walk, freely and with a part of the picture held.
"""

from latune.measurement.control import measure_control
from latune.measurement.encoding import CODES, POSITIONS, Pass, encoding_pass, positions, slider_responses
from latune.measurement.examples import ControlMeasurement
from latune.measurement.inpainting import measure_inpainting, occluded
from latune.measurement.measure import ASKED, MOST_ROWS, PARTS, USUAL, measure_space
from latune.measurement.result import Information, Measurement
from latune.measurement.sliders import measure_sliders
from latune.measurement.walks import WalkMeasurement, measure_walk

__all__ = [
    "ASKED",
    "CODES",
    "MOST_ROWS",
    "PARTS",
    "POSITIONS",
    "USUAL",
    "ControlMeasurement",
    "Information",
    "Measurement",
    "Pass",
    "WalkMeasurement",
    "encoding_pass",
    "measure_control",
    "measure_inpainting",
    "measure_sliders",
    "measure_space",
    "measure_walk",
    "occluded",
    "positions",
    "slider_responses",
]
