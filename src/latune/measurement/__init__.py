"""Everything that is measured of a Space, from one encoding pass over data it was not trained on.

`encoding.py` is the pass, `measure.py` decides what is computed from it, `result.py` is what comes out and `printed.py`
how a terminal shows it. `sliders.py` and `control.py` move sliders and edit; `samples.py` draws from the prior.
"""

from latune.measurement.control import measure_control
from latune.measurement.encoding import CODES, POSITIONS, Pass, encoding_pass, positions, slider_responses
from latune.measurement.examples import ControlMeasurement
from latune.measurement.measure import ASKED, MOST_ROWS, PARTS, USUAL, measure_space
from latune.measurement.result import Information, Measurement
from latune.measurement.sliders import measure_sliders

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
    "encoding_pass",
    "measure_control",
    "measure_sliders",
    "measure_space",
    "positions",
    "slider_responses",
]
