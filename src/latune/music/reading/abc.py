"""ABC: books of tunes in plain text, read exactly; one voice, one metre, no chords.

It is a reader of its own since music21 needs 40 ms a tune, and books have tens of thousands; the tests compare the two.
The rules are those of the ABC standard 2.1, https://abcnotation.com/wiki/abc:standard:v2.1, with the old habits of its
section 10 where books have them.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from fractions import Fraction

from latune.music.reading.bars import Bar, Event, melody
from latune.music.reading.keys import SIGNS, signature
from latune.music.reading.tune import Tune, TuneError

MOST_CHARACTERS = 200_000  # of one tune: some 50,000 notes
STEPS = {"C": 0, "D": 2, "E": 4, "F": 5, "G": 7, "A": 9, "B": 11}
TUPLETS = {2: 3, 3: 2, 4: 3, 6: 2, 8: 3}  # so many notes in the time of so many; 5, 7 and 9 depend on the metre
BARLINE = re.compile(r"(?:[|:\]]|\[(?=\|))(?:\s*(?:[|:\]]|\[(?=\|)))*")
ENDING = re.compile(r"\[?\s*(\d{1,3}(?:[,\-]\d{1,3})*)\.?")
LENGTH = re.compile(r"(\d{0,4})(/{0,8})(\d{0,4})")
NOTE = re.compile(r"(\^\^|__|[\^_=])?(\s*)([A-Ga-g])([,']*)")
TUPLET = re.compile(r"\((\d{1,2})(?::(\d{0,2}))?(?::(\d{0,2}))?")
DECORATION = re.compile(
    r"([!+])(trill[()]?|lowermordent|uppermordent|mordent|pralltriller|roll|turnx?|invertedturnx?|arpeggio|>|accent|"
    r"emphasis|fermata|invertedfermata|tenuto|[0-5]|\+|plus|snap|slide|wedge|upbow|downbow|open|thumb|breath|p{1,4}|"
    r"f{1,4}|mp|mf|sfz?|crescendo[()]|diminuendo[()]|[<>][()]|segno|coda|D\.?[SC]\.?(?:al\w*)?|dacapo|dacoda|fine|"
    r"(?:short|medium|long)phrase|drum|8v[ab][()]|editorial|courtesy)\1",
    re.I,
)
JUMP = re.compile(r"\bd\.?\s?[cs]\b\.?|\bda\s?capo\b|\bdal?\s?segno\b|\bdacoda\b", re.I)
IGNORED = " \t`\\*)$.~HIJKLMNOPQRSTUVWhijklmnopqrstuvw"  # spaces, beams, ends of slurs, signs of one letter over a note
TEMPO = re.compile(r"((?:\d{1,3}/\d{1,3}\s+){0,8}\d{1,3}/\d{1,3})\s*=\s*(\d{1,4}(?:\.\d{1,3})?)")
WRAPPED = re.compile(r"[0-9/]")
FIELD = re.compile(r"([A-Za-z+]):(.*)")
MIDI = re.compile(r"(?:%%|I:)\s*MIDI\s+(program|channel)\s+(\d{1,4})(?:\s+(\d{1,4}))?\s*(?:%.*)?", re.I)
METRE = re.compile(r"\s*\(?(\d{1,3}(?:\s*\+\s*\d{1,3})*)\)?\s*/\s*(\d{1,3})")


def split_book(text: str) -> list[str]:
    """The tunes of a book, each from its line `X:` to the next one.

    >>> split_book("A book\\nX:1\\nK:C\\nCDE|\\n\\nX:2\\nK:G\\nGAB|\\n")
    ['X:1\\nK:C\\nCDE|\\n\\n', 'X:2\\nK:G\\nGAB|\\n']
    """
    return _split(text)[1:]


def _split(text: str) -> list[str]:
    """What stands before the first tune, and each tune."""
    text = text.replace("\r\n", "\n").replace("\r", "\n").lstrip("\ufeff")
    return re.split(r"(?m)^(?=X:)", text)


def read_book(text: str) -> list[Tune]:
    """All tunes of a book.

    >>> read_book("A book\\nX:1\\nM:4/4\\nK:C\\nC8|C7|C8|\\n")[0].told
    'Bar 2 (line 5) has 7/2 quarter notes; a full one has 4.'
    """
    before, *texts = _split(text)
    line, tunes = 1 + before.count("\n"), []
    for number, each in enumerate(texts, 1):
        tunes.append(read_tune(each, number, line))
        line += each.count("\n")
    return tunes


def read_tune(text: str, number: int = 1, first: int = 1) -> Tune:
    """One tune of a book, which begins in its line `first`; what hinders is told in the tune.

    >>> read_tune("X:1\\nT:Up\\nM:4/4\\nL:1/4\\nK:D\\nG|FAdz|(3efg a2|]").melody.notes[:2]
    [Note(pitch=67, start=3.0, duration=1.0), Note(pitch=66, start=4.0, duration=1.0)]
    """
    reading = _Reading()
    try:
        if len(text) > MOST_CHARACTERS:
            raise TuneError("too long", f"A tune of {len(text):,} characters; at most {MOST_CHARACTERS:,} are read.")
        return reading.read(text, number, first)
    except TuneError as error:
        return Tune.lost(number, reading.title, error)


@dataclass
class _Reading:
    """What is known while a tune is read from left to right."""

    title: str = ""
    row: int = 1  # the line of the file that is read
    metre: tuple[int, int] | None = None
    unit: Fraction | None = None
    tempo: str = ""
    channel: int = 1
    programs: dict[int, int] = field(default_factory=dict)  # by channel
    remarks: list[str] = field(default_factory=list)
    key: dict[str, int] | None = None
    voices: set[str] = field(default_factory=set)
    bars: list[Bar] = field(default_factory=lambda: [Bar()])
    accidentals: dict[str, int] = field(default_factory=dict)
    tied: tuple[str, int] | None = None  # name with its octave, and pitch, of a note that is tied on
    tuplet: tuple[Fraction, int] | None = None  # ratio, and for how many notes still
    broken: Fraction | None = None  # what the next note is multiplied by

    def read(self, text: str, number: int, first: int) -> Tune:
        music, line = False, ""
        for row, each in enumerate(text.split("\n"), first):
            if (match := MIDI.fullmatch(each.rstrip())) and not line:
                self._instrument(match[1].lower(), int(match[2]), int(match[3]) if match[3] else None)
            if each.lstrip().startswith("%"):
                continue  # a comment, not the empty line that ends a tune
            each = re.sub(r"(?<!\\)%.*", "", each).rstrip()
            if music and line and WRAPPED.match(each):  # a long line was wrapped behind its note, or its bar line
                line = line.rstrip("\\! ") + each
                continue
            self._line(line)
            line, self.row = "", row
            if match := FIELD.match(each):
                self._field(match[1], match[2].strip(), music)
                music = music or match[1] == "K"
            elif each.strip() and music:
                line = each
            elif music and any(bar.events for bar in self.bars):
                break  # an empty line ends a tune
        self._line(line)
        if not any(event.pitch is not None for bar in self.bars for event in bar.events):
            raise TuneError("no notes", "There are no notes in it.")
        if self.metre is None:
            raise TuneError("no metre", "It has no metre (a line such as M:4/4).")
        about = {"tempo": self._tempo(), "program": self.programs.get(self.channel, 0), "name": self.title}
        found, remarks = melody(self.bars, self.metre, **about)
        return Tune(number, self.title, found, remarks=(*self.remarks, *remarks))

    # --- fields -------------------------------------------------------------------------------------------------------

    def _field(self, name: str, value: str, music: bool) -> None:
        if name == "T" and not self.title:
            self.title = value
        elif name == "M":
            metre = read_metre(value)
            if music and self.metre != metre and any(bar.events for bar in self.bars):
                raise TuneError("a metre that changes", f"The metre changes to {value}.")
            self.metre = metre
        elif name == "L":
            match = METRE.match(value)
            if not match or int(match[2]) == 0:
                raise TuneError("text that is no ABC", f"'L:{value}' is no length of a note.")
            self.unit = Fraction(4 * int(match[1]), int(match[2]))
        elif name == "Q" and not self.tempo:
            self.tempo = value
        elif name == "K":
            self.key = signature(value)
            if any(bar.events for bar in self.bars):
                self.accidentals = {}
        elif name == "V":
            self.voices.add(value.split()[0] if value.split() else "")
            if len(self.voices) > 1:
                raise TuneError("several voices", f"It has the voices {', '.join(sorted(self.voices))}.")

    def _instrument(self, word: str, first: int, second: int | None) -> None:
        """A line of abc2midi: `%%MIDI program N`, `%%MIDI program CHANNEL N` or `%%MIDI channel N`.

        A melody has one instrument, that of its beginning.

        Source: https://abcmidi.sourceforge.io
        """
        if any(bar.events for bar in self.bars):
            return
        if word == "channel":
            self.channel = first
            return
        channel, program = (self.channel, first) if second is None else (first, second)
        if program <= 127:
            self.programs[channel] = program
        else:
            self.remarks.append(f"instruments left out, since programs go from 0 to 127: {program}")

    def _length_unit(self) -> Fraction:
        if self.unit is not None:
            return self.unit
        short = self.metre is not None and Fraction(*self.metre) < Fraction(3, 4)
        return Fraction(1, 4) if short else Fraction(1, 2)

    def _tempo(self) -> float:
        """Quarter notes a minute; 120 where nothing is said."""
        match = re.search(
            r"((?:\d{1,3}/\d{1,3}\s+){0,8}\d{1,3}/\d{1,3})\s*=\s*(\d{1,4}(?:\.\d{1,3})?)", self.tempo[:80]
        )
        if match:
            beat = sum(Fraction(each) for each in match[1].split() if not each.endswith("/0"))
            found = float(4 * beat * Fraction(match[2]))
        elif plain := re.fullmatch(r"(?:C\d?\s*=\s*)?(\d{1,4})", self.tempo.strip()):
            found = float(self._length_unit() * int(plain[1]))  # so many unit lengths, the old way
        else:
            return 120.0
        return found if 10 <= found <= 1000 else 120.0

    # --- music --------------------------------------------------------------------------------------------------------

    def _line(self, line: str) -> None:
        place = 0
        if not self.bars[-1].events:
            self.bars[-1].line = self.row
        while place < len(line):
            place = self._next(line, place)

    def _next(self, line: str, place: int) -> int:
        """Read what stands at a place; gives back the next one."""
        sign, rest = line[place], line[place:]
        if sign in IGNORED:
            return place + 1
        if sign == "-":  # a tie behind a sign of rhythm, as in a>-a
            if self.bars[-1].events:
                self.bars[-1].events[-1] = self.bars[-1].events[-1]._replace(tied=True)
            return place + 1
        if sign == '"':
            end = line.find('"', place + 1)
            if end < 0:
                raise TuneError("text that is no ABC", f"A quotation mark without an end: {rest[:20]}")
            self._jump(line[place + 1 : end])
            return end + 1
        if sign == "{":
            end = line.find("}", place)
            if end < 0:
                raise TuneError("text that is no ABC", f"Grace notes without an end: {rest[:20]}")
            return end + 1
        if sign in "!+":
            if match := DECORATION.match(line, place):
                self._jump(match[2])
                return match.end()
            if sign == "!":
                return place + 1  # the old sign for the end of a line
            raise TuneError("chords", f"Notes that sound together in line {self.row:,}: {rest[:12]}.")
        if sign == "&":
            raise TuneError("several voices", "A bar has several voices (&).")
        if match := BARLINE.match(line, place):
            return self._barline(re.sub(r"\s", "", match[0]), line, match.end())
        if sign == "[":
            return self._bracket(line, place)
        if sign == "(":
            return self._open(line, place)
        if sign in "<>":
            return self._broken(line, place)
        if sign in "zxZXy":
            return self._rest(line, place)
        if match := NOTE.match(line, place):
            return self._note(match, line)
        raise TuneError("text that is no ABC", f"This cannot be read as music: {rest[:20]}")

    @staticmethod
    def _jump(words: str) -> None:
        if JUMP.search(words):
            raise TuneError("a jump", f"It is played from the beginning or from a sign again ('{words.strip()}').")

    def _barline(self, sign: str, line: str, place: int) -> int:
        bar = self.bars[-1]
        colons = len(sign) - len(sign.lstrip(":"))
        if set(sign) == {":"}:
            if len(sign) == 1:
                return place  # a lone colon is a dotted bar line, or a slip
            colons = len(sign) - 1
            opens = True
        else:
            opens = sign.endswith(":")
        if not colons and ":|" in sign.rstrip(":"):
            colons = 1  # as in |:|
        following = Bar(opens=opens, line=self.row)
        if bar.events:
            bar.closes, bar.double = colons, sign.count("|") > 1 or "]" in sign or "[" in sign
            self.bars.append(following)
        else:  # nothing stands between two lines: they are one
            if len(self.bars) > 1 and not bar.endings:
                before = self.bars[-2]
                before.closes = before.closes or colons
                before.double = before.double or sign.count("|") > 1 or "]" in sign
            bar.opens = bar.opens or opens
        self.accidentals = {}
        if (match := ENDING.match(line, place)) and (match[0][0] in "[" or match.start() == place):
            self._ending(match[1])
            return match.end()
        return place

    def _ending(self, numbers: str) -> None:
        found: set[int] = set()
        for each in numbers.split(","):
            low, _, high = each.partition("-")
            found |= set(range(int(low), min(int(high or low), int(low) + 9) + 1))
        bar = self.bars[-1]
        if bar.events:  # an ending that begins within a bar
            self.bars.append(Bar(endings=frozenset(found), line=self.row))
        else:
            bar.endings = frozenset(found)

    def _bracket(self, line: str, place: int) -> int:
        inner = re.match(r"\[([A-Za-z]):([^\]]*)\]", line[place:])
        if inner:
            if inner[1] in "MKLQV":
                self._field(inner[1], inner[2].strip(), music=True)
            return place + inner.end()
        if match := ENDING.match(line, place):
            self._ending(match[1])
            return match.end()
        if line[place + 1 : place + 2] == '"':
            digits = re.match(r'\["\D*(\d)[^"]*"', line[place:])
            if digits:
                self._ending(digits[1])
                return place + digits.end()
        raise TuneError("chords", f"Notes that sound together in line {self.row:,}: {line[place : place + 12]}.")

    def _open(self, line: str, place: int) -> int:
        match = TUPLET.match(line, place)
        if not match:
            return place + 1  # a slur
        count = int(match[1])
        if not 2 <= count <= 9:
            raise TuneError("text that is no ABC", f"A tuplet of {count} notes: {line[place : place + 12]}")
        compound = self.metre is not None and self.metre[1] == 8 and self.metre[0] % 3 == 0 and self.metre[0] > 3
        time = int(match[2]) if match[2] and int(match[2]) else TUPLETS.get(count, 3 if compound else 2)
        self.tuplet = (Fraction(time, count), int(match[3]) if match[3] else count)
        return match.end()

    def _broken(self, line: str, place: int) -> int:
        sign = line[place]
        end = place
        while line[end : end + 1] == sign:
            end += 1
        events = self.bars[-1].events
        if not events or end - place > 3:
            raise TuneError("text that is no ABC", f"A dotted rhythm without its notes: {line[place : place + 12]}")
        short = Fraction(1, 2 ** (end - place))
        first, self.broken = (2 - short, short) if sign == ">" else (short, 2 - short)
        events[-1] = events[-1]._replace(duration=events[-1].duration * first)
        return end

    def _rest(self, line: str, place: int) -> int:
        duration, end = self._duration(line, place + 1)
        if line[place] == "y":
            return end
        if line[place] in "ZX":
            if self.metre is None:
                raise TuneError("no metre", "A rest of whole bars, and no metre.")
            bars = max(1, int(duration / self._length_unit()))
            if bars > 100:
                raise TuneError("too long", f"A rest of {bars:,} bars.")
            full = Fraction(4 * self.metre[0], self.metre[1])
            for i in range(bars):
                if i:
                    self.bars.append(Bar(line=self.row))
                self.bars[-1].events.append(Event(None, full))
            return end
        self._add(None, duration, False)
        return end

    def _note(self, match: re.Match[str], line: str) -> int:
        sign, _, letter, marks = match.groups()
        duration, end = self._duration(line, match.end())
        octave = (5 if letter.islower() else 4) + marks.count("'") - marks.count(",")
        name = letter.upper()
        written = f"{name}{octave}"
        if sign:
            self.accidentals[name] = SIGNS[sign]
        shift = self.accidentals.get(name, (self.key or {}).get(name, 0))
        pitch = 12 * (octave + 1) + STEPS[name] + shift
        if self.tied and self.tied[0] == written and not sign:
            pitch = self.tied[1]  # an accidental holds as long as the tie
        if not 0 <= pitch <= 127:
            raise TuneError("text that is no ABC", f"A note that nobody can hear: {match[0]}")
        tie = re.match(r"[)\s]*-", line[end:])
        self._add(pitch, duration, bool(tie))
        self.tied = (written, pitch) if tie else None
        return end + tie.end() if tie else end

    def _duration(self, line: str, place: int) -> tuple[Fraction, int]:
        """A length in quarter notes, and where it ends."""
        match = LENGTH.match(line, place)
        assert match
        above, slashes, below = match.groups()
        if slashes.startswith("///////") or int(above or 1) == 0 or int(below or 1) == 0:
            raise TuneError("text that is no ABC", f"A length that is none: {match[0]}")
        factor = Fraction(int(above or 1))
        if below:
            factor /= int(below)
        elif slashes:
            factor /= 2 ** len(slashes)
        return self._length_unit() * factor, match.end()

    def _add(self, pitch: int | None, duration: Fraction, tied: bool) -> None:
        if self.tuplet:
            ratio, left = self.tuplet
            duration *= ratio
            self.tuplet = (ratio, left - 1) if left > 1 else None
        if self.broken is not None:
            duration *= self.broken
            self.broken = None
        self.bars[-1].events.append(Event(pitch, duration, tied))
        if pitch is None:
            self.tied = None


def read_metre(text: str) -> tuple[int, int] | None:
    """The metre of an `M:` field; None where it says that there is none.

    Raises:
        TuneError: for text that is no metre.

    >>> read_metre("C"), read_metre("C|"), read_metre("6/8")
    ((4, 4), (2, 2), (6, 8))
    """
    words = text.strip().removesuffix("l").strip()  # an l asks for another look of the score
    if words in ("C", "c"):
        return (4, 4)
    if words in ("C|", "c|"):
        return (2, 2)
    if words.lower() in ("", "none", "free"):
        return None
    match = METRE.fullmatch(words)
    if not match:
        raise TuneError("no metre", f"'M:{text}' is no metre.")
    above, below = sum(int(each) for each in match[1].split("+")), int(match[2])
    if not (1 <= above <= 64 and below in (1, 2, 4, 8, 16, 32)):
        raise TuneError("no metre", f"'M:{text}' is no metre.")
    return above, below
