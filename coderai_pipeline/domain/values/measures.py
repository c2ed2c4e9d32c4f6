"""Units of one dimension and how many of one make another: kilometres and metres, tonnes and kilograms, hours and minutes.

Currencies are never converted, since their rates change; words of magnitude (million) are in `number_words`.
"""

from collections.abc import Mapping
from fractions import Fraction

_DIMENSIONS = {
    "length": "nm 1/1000000000 µm 1/1000000 mm 1/1000 cm 1/100 m 1 km 1000 in 127/5000 ft 381/1250 yd 1143/1250 mi 201168/125 "
    "км 1000 м 1 см 1/100 мм 1/1000",
    "mass": "µg 1/1000000000 mg 1/1000000 g 1/1000 kg 1 t 1000 lb 45359237/100000000 lbs 45359237/100000000"
    " oz 45359237/1600000000 кг 1 т 1000",
    "volume": "ml 1/1000 cl 1/100 l 1 hl 100 m³ 1000 m3 1000 cm³ 1/1000 cm3 1/1000 л 1",
    "area": "cm² 1/10000 cm2 1/10000 m² 1 m2 1 ha 10000 га 10000 km² 1000000 km2 1000000 ac 316160658/78125",
    "time": "ms 1/1000 s 1 min 60 h 3600 ч 3600",
    "energy": "J 1 kJ 1000 MJ 1000000 kWh 3600000 MWh 3600000000 GWh 3600000000000 TWh 3600000000000000",
    "power": "W 1 kW 1000 MW 1000000 GW 1000000000 кВт 1000 МВт 1000000",
    "data": "B 1 kB 1000 KB 1000 MB 1000000 GB 1000000000 TB 1000000000000",
    "frequency": "Hz 1 kHz 1000 MHz 1000000 GHz 1000000000",
    "pressure": "Pa 1 kPa 1000 bar 100000",
    "speed": "km/h 5/18 m/s 1 kmh 5/18 mph 1397/3125",
}


def _by_unit() -> dict[str, tuple[str, Fraction]]:
    found: dict[str, tuple[str, Fraction]] = {}
    for dimension, listed in _DIMENSIONS.items():
        words = listed.split()
        found |= {unit: (dimension, Fraction(size)) for unit, size in zip(words[::2], words[1::2], strict=True)}
    return found


_SIZES: Mapping[str, tuple[str, Fraction]] = _by_unit()


def is_measure(unit: str) -> bool:
    return unit in _SIZES


def conversion(stated: str | None, wanted: str) -> Fraction | None:
    """How many of the unit wanted make one of the unit stated; None where they are of two dimensions, or unknown."""
    mine, others = _SIZES.get(stated or ""), _SIZES.get(wanted)
    return mine[1] / others[1] if mine and others and mine[0] == others[0] else None
