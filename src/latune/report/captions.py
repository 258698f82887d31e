"""What stands beside pictures and tables, the same words on the page and in Markdown."""

from __future__ import annotations

from latune.measurement import Measurement
from latune.medium import Pictures
from latune.report.figures import grouped
from latune.report.findings import Findings, Traversal
from latune.report.tables import shown
from latune.report.words import aligned, listed, number
from latune.space import Space

MADE_AND_KEPT = "What the model makes by itself, and what it keeps of {one} that it is shown."
MOVED = (
    "How far each slider (row) moves each attribute (column) of what is decoded, in standard deviations of the data, "
    "mean over positions and examples. Framed: its own. The rest of a row is leakage."
)
SETTINGS = (
    "What defines the numbers. Two scores compare only where these are equal; variants of one name stand apart by them."
)
MADE = "Where the model and these numbers come from."
PLANES = (
    "The data in every plane of two sliders, after Fig. 2 of AR-VAE. The panels of a row are coloured by the attribute "
    "of that row: the colour should change from bottom to top, and not from left to right. On the diagonal: the "
    "coordinate's distribution beside its prior."
)


def dots(measurement: Measurement) -> str:
    """Below the charts of scores."""
    return f"Blue is the score{' with its 95 % interval' * measurement.sure}, grey are its attributes."


def samples(found: Findings, seed: int) -> str:
    """Below the samples."""
    return f"{len(found.samples)} samples from the prior, seed {seed}, none chosen."


def reconstructions(space: Space, found: Findings) -> str:
    """Below examples and their reconstructions."""
    many = space.medium.many.capitalize()
    nearest = "its reconstruction from the posterior mean" if space.model.tells_all else "the nearest that was found"
    said = f"{many} of the {found.measurement.split} split, each above {nearest}."
    if "token-accuracy" in found.measurement.scores:
        accuracy, baseline = found.measurement["token-accuracy"], found.baselines["token-accuracy"]
        return (
            f"{said} {shown('token-accuracy', accuracy)} of tokens come back; the commonest token of each place alone "
            f"reaches {shown('token-accuracy', baseline)}."
        )
    if "pixel-accuracy" not in found.measurement.scores:
        return said
    drawn_codes = " when one draw of each posterior is decoded" if found.measurement.codes == "sample" else ""
    accuracy, baseline = found.measurement["pixel-accuracy"], found.baselines["pixel-accuracy"]
    return (
        f"{said} {shown('pixel-accuracy', accuracy)} of pixels fall on the right side of 0.5{drawn_codes}; the mean "
        f"image alone reaches {shown('pixel-accuracy', baseline)}."
    )


def sliders(space: Space, found: Findings) -> str:
    """Above the traversals."""
    if space.sliders:
        return (
            f"Rows: {space.medium.many} of the {found.measurement.split} split. Columns: the slider from −4 to 4, "
            "nothing else changed. Below each column: the value that the attribute has there on average."
        )
    return (
        "This model has no sliders. These are the coordinates that vary most over the data, each moved with nothing "
        "else changed; what they mean has to be seen."
    )


def turned(traversal: Traversal) -> str:
    """How far a coordinate was moved."""
    low, high = aligned([traversal.positions[0], traversal.positions[-1]])
    return f"{traversal.name} from {low} to {high}"


def dims(measurement: Measurement) -> str:
    """Which coordinates are used, which tell nothing, which do not vary."""
    told = measurement.information
    if told is None:
        return ""
    used = [name for name in told.dims if name not in told.unused]
    idle = [name for name in told.unused if name not in told.constant]
    parts = [
        f"{len(used)} of {len(told.dims)} coordinates tell some attribute more than chance does "
        f"({number(told.floor)} nats at {measurement.n:,} examples)."
    ]
    parts += [f"They vary but tell nothing: {listed(idle)}."] if idle else []
    parts += [f"They do not vary: {listed(told.constant)}."] if told.constant else []
    return " ".join(parts)


def information(space: Space) -> str:
    """Below the matrix of information."""
    framed = " Framed: a slider and its own attribute, where the largest number of the row should be."
    return (
        "Information about attributes (rows) in coordinates (columns), by nearest neighbours, in nats."
        f"{framed * bool(space.sliders)} Pale names: coordinates that tell nothing."
    )


def importance(space: Space) -> str:
    """Below the matrix of importance."""
    framed = ": what is not framed is read off other coordinates" if space.sliders else ""
    return f"How much each coordinate matters where all of them predict an attribute (DCI). A row adds up to 1{framed}."


def codes(found: Findings) -> str:
    """Above attributes and their coordinates."""
    n = len(next(iter(found.attributes.values())))
    return f"{n:,} examples of the {found.measurement.split} split, each at the mean of its posterior."


def attributes(space: Space) -> str:
    """Below the attributes over their coordinates."""
    said = (
        "Dots: an example's attribute over its coordinate. Line: the mean attribute with the slider at that position, "
        "the map that turns a wish in the attribute's own unit into a latent value."
    )
    if any(known.source == "decoded" for known in space.calibration.values()):
        blur = " (blur changes lengths)" if isinstance(space.medium, Pictures) else ""
        said += f" Where the line leaves the dots, decoded {space.medium.many} are not quite like real ones{blur}."
    return said


def surfaces(found: Findings) -> str:
    """Above the attribute surfaces, or why there are none."""
    missing = ""
    if found.unmeasurable:
        many = len(found.unmeasurable) > 1
        missing = (
            f"No surface for {listed(found.unmeasurable)}: {'these are' if many else 'this is'} known only as "
            f"{'labels' if many else 'a label'} and cannot be measured on decoded images."
        )
    if not found.surfaces:
        return missing
    said = (
        "The attribute, measured on what is decoded, over its own coordinate (across) and another (up), all others "
        "held at one draw from the prior; after Figs. 12 and 13 of AR-VAE. Of a perfect slider the bands stand "
        f"upright: R² is 1 along its own coordinate and 0 along any other. {missing}"
    )
    return said.strip()


def surface(found: Findings, name: str) -> str:
    """Below one attribute's surfaces."""
    own = [each for each in found.surfaces if each.name == name]
    sides = [
        f"{side}{each.along_x:.2f} along {name}, {each.along_y:.2f} along {each.against}"
        for side, each in zip(("left ", "right ") if len(own) > 1 else ("",), own, strict=True)
    ]
    return f"R² of a straight line: {'; '.join(sides)}."


def training(found: Findings) -> str:
    """Above the training curves."""
    held_out = any("validation" in lines for lines in grouped(found.log).values())
    shown = f"{found.log[-1]['step']:,} updates. Every value is a mean over the updates between two logged ones" + (
        "; with dots: the validation split." if held_out else "."
    )
    return " ".join([shown, *remarks(found)])


def remarks(found: Findings) -> list[str]:
    """What went wrong in the training at its last look at the validation split."""
    return next((line["remarks"] for line in reversed(found.log) if "remarks" in line), [])
